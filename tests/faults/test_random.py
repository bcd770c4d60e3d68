"""Days with several faults and lost workers at random: the same tables in the end, each job done once.

`make test` runs a few; `make test-faults`, or C360_FAULT_SEEDS=300, many. C360_FAULT_SEED=17 replays one.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest
from cloud_server import Fault

from faults.kinds import KINDS, places
from faults.oracle import Undisturbed, check, run_to_the_end
from faults.scenario import STEPS, Day

_ONE = os.environ.get("C360_FAULT_SEED")
_SEEDS = [int(_ONE)] if _ONE else range(int(os.environ.get("C360_FAULT_SEEDS", "24")))


def _faults(chance: random.Random, undisturbed: Undisturbed) -> list[Fault]:
    found = []
    for kind in chance.choices(list(KINDS), k=chance.randint(1, 6)):
        method, numbers = chance.choice(list(places(kind, undisturbed.log).items()))
        found.append(KINDS[kind](method=method, skip=chance.choice(numbers), times=chance.choice([1, 1, 1, 2, 3])))
    return found


@pytest.mark.parametrize("seed", _SEEDS)
def test_a_day_of_misfortunes(seed: int, new_day: Callable[[], Day], undisturbed: Undisturbed) -> None:
    chance = random.Random(seed)
    random.seed(seed)  # Google's clients draw their pauses from it
    day = new_day()
    faults = _faults(chance, undisturbed)
    if chance.random() < 0.4:  # and workers are lost
        day.kills = {chance.choice(list(STEPS)): chance.randint(1, 20) for _ in range(chance.randint(1, 3))}
    kills = dict(day.kills)
    what = "; ".join(f"{f.kind} {f.status} {f.reason} at {f.method} +{f.skip} ×{f.times}" for f in faults)
    day.server.faults += faults
    try:
        run_to_the_end(day, faults)
        check(day, undisturbed)
    except Exception as error:
        error.add_note(f"C360_FAULT_SEED={seed} replays it: {what}; workers lost: {kills}")
        raise
