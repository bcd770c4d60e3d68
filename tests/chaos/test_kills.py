"""Processes killed (SIGKILL) at named and random points of a day, rerun as on-call would: the same tables in the end.

`make test` kills once at every named point and ten times at random; `make test-chaos`, or C360_CHAOS=100, as often more.
A run's kills are printed when it fails; C360_CHAOS_SEED=7 replays one random run.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from chaos.conftest import SWEEP, Shop
from chaos.oracle import differences, state
from chaos.points import COMMIT, FUNCTIONS, IN_COMMIT, IN_STEP, STATEMENT, Kill
from chaos.reader import Seen, reading
from chaos.worker import Task, killed_again_and_again, run

PLACES = [f"{when} {what}" for what in (*FUNCTIONS, COMMIT) for when in ("before", "after")]
_A_RUN = 10  # kills in one run of the sweep
_ONE = os.environ.get("C360_CHAOS_SEED")
_SEEDS = [int(_ONE)] if _ONE else range(int(os.environ.get("C360_CHAOS", "0")) // _A_RUN)


def test_a_day_killed_at_every_named_point(shop: Shop, second_day: Callable[..., Task]) -> None:
    """Each point once, spread over the day's steps, and ten times at random."""
    named, more = named_kills(shop), random_kills(shop, random.Random(0))
    assert {kill.place for kill in named} >= set(PLACES)
    task = second_day()
    with reading(task, shop.tables) as seen:
        found = killed_again_and_again(task, [*named, *more])
    assert [(str(kill), where) for kill, where in found if kill in named and where != kill.place] == []
    check(shop, task, seen)


@pytest.mark.skipif(not _SEEDS, reason="make test-chaos")
@pytest.mark.parametrize("seed", _SEEDS or [None])
def test_a_day_killed_at_random(seed: int, shop: Shop, second_day: Callable[..., Task]) -> None:
    chance = random.Random(seed)
    kills = random_kills(shop, chance)
    task = second_day()
    try:
        with reading(task, shop.tables) as seen:
            killed_again_and_again(task, kills)
            if seed % 3 == 1:  # and somebody begins anew instead: another run of the same day
                run(replace(task, run_id="manual__again"))
        check(shop, task, seen)
        if SWEEP and seed % 3 == 0:  # what a killed run has left in the ledger must not mislead the next day's
            run(tomorrow := shop.next_day(task))
            assert differences(state(tomorrow), shop.states[tomorrow.day]) == []
    except (AssertionError, OSError) as error:
        error.add_note(f"C360_CHAOS_SEED={seed} replays it: {'; '.join(map(str, kills))}")
        raise


def check(shop: Shop, task: Task, seen: Seen) -> None:
    assert differences(state(task), shop.states[task.day]) == []
    assert seen.problems == []
    assert seen.looks > 5
    assert {day for state in seen.states for _, day in state} == set(shop.tables) & {min(shop.tables), task.day}


def named_kills(shop: Shop) -> list[Kill]:
    """Every place once, in the step where the fewest kills are so far, and in the middle of the commits of the others."""
    taken = dict.fromkeys(shop.seen, 0)
    kills = []
    for place in PLACES:
        steps = [step for step, seen in shop.seen.items() if seen[place]]
        assert steps, f"no step gets to {place}"
        step = min(steps, key=lambda step: (taken[step], -shop.seen[step][place]))
        taken[step] += 1
        kills.append(Kill(step, place, 1 + shop.seen[step][place] // 2 if shop.seen[step][place] > 1 else 1))
    # Where nothing else kills: it may be found done, and then the rerun does not get to other places.
    commits = [step for step, seen in shop.seen.items() if seen[IN_COMMIT] and not taken[step]]
    return [*kills, *(Kill(step, IN_COMMIT, 1, 0.004) for step in commits)]


def random_kills(shop: Shop, chance: random.Random) -> list[Kill]:
    """At any statement, in the middle of any commit, or after any time, of steps drawn by how much they do."""
    kills = []
    weights = [seen[STATEMENT] + 5 for seen in shop.seen.values()]
    for step in chance.choices(list(shop.seen), weights, k=_A_RUN):
        place = chance.choice([STATEMENT, STATEMENT, IN_COMMIT, IN_STEP])
        times = max(1, shop.seen[step][place])
        longest = 0.03 if place == IN_COMMIT else 0.5
        kills.append(Kill(step, place, chance.randint(1, times), chance.uniform(0, longest)))
    return kills
