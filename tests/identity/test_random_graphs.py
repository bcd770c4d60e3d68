"""A thousand random graphs that arrive over three days: the rounds give what networkx gives, whatever came when."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from customer360.identity import IdentityConfig, Tables
from customer360.warehouse.local import LocalWarehouse
from identity.reference import graph_of, people_of
from identity.shared import Desk, by_person, day, decided, key, partition, seen

GRAPHS, DAYS = 1_000, 3
CONFIG = IdentityConfig(identifiers={"EMAIL": 6, "PHONE": 4, "DEVICE_ID": 2}, combinations=(), placeholders=())


def random_graph(n: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Up to nine customers with identifiers that join some of them, a few decisions; each with the day it arrives."""
    chance = random.Random(n)
    customers = [f"{chance.choice(('', 'shop:'))}g{n}c{i}" for i in range(chance.randint(1, 9))]
    values = chance.randint(2, 6)
    rows = [seen(each, on=chance.randrange(DAYS)) for each in customers if chance.random() < 0.4]
    rows += [
        seen(each, chance.choice([*CONFIG.identifiers]), f"g{n}v{chance.randrange(values)}", chance.randrange(DAYS))
        for each in customers
        for _ in range(chance.choice((0, 1, 1, 2, 3)))
    ]
    decisions = [
        decided(
            f"g{n}d{i}",
            chance.choice(("merge", "split", "split")),
            *chance.sample(customers, 2),
            chance.randrange(DAYS),
        )
        for i in range(chance.choice((0, 0, 1, 2, 3)) if len(customers) > 1 else 0)
    ]
    chance.shuffle(rows)
    return rows, decisions


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, list[dict[str, Any]], list[dict[str, Any]], Tables]:
    """All graphs in one table, resolved on each of three days as they arrive, and on the last day once more in full."""
    rows: list[dict[str, Any]] = []
    decisions: list[dict[str, Any]] = []
    for n in range(GRAPHS):
        more, decided_ = random_graph(n)
        rows += more
        decisions += decided_
    random.Random(0).shuffle(rows)
    desk = Desk(LocalWarehouse(Path(tmp_path_factory.mktemp("graphs")) / "lake"), CONFIG)
    for n in range(DAYS):
        desk.observe([row for row in rows if row["first_loaded_date"] == day(n)])
        desk.decide([each for each in decisions if each["decided_at"].date() == day(n)])
        desk.run(n)
    desk.run(DAYS - 1, previous=desk.states[-2], name="full", full=True)
    return desk, rows, decisions, desk.tables(f"full_{DAYS - 1}")


def test_the_graphs_hold_what_they_are_to_test(world: Any) -> None:
    desk, *_ = world
    sizes = Counter(len(group) for group in desk.groups())
    assert sizes[1] > 500 and sum(sizes[n] for n in range(4, 10)) > 100
    assert len(desk.rows("cuts")) > 50
    assert {row["reason"] for row in desk.rows("blocked")} == {"over_shared"}
    assert Counter(row["cause"] for row in desk.rows("history")).keys() == {"created", "merged", "split", "override"}


@pytest.mark.parametrize("n", range(DAYS))
def test_people_are_the_components(world: Any, n: int) -> None:
    desk, rows, decisions, _ = world
    graph = graph_of(rows, decisions, n, CONFIG)
    assert desk.groups(desk.states[n]) == people_of(graph, decisions, n)
    if n == DAYS - 1:
        plain = [
            c
            for c in nx.connected_components(graph)
            if not any(
                d["action"] == "split"
                for d in decisions
                if (d["left_source_customer_id"],) in c or (f"shop:{d['left_source_customer_id']}",) in c
            )
        ]
        people = desk.groups(desk.states[n])
        assert len(plain) > 800
        assert all(frozenset(node[0] for node in component if len(node) == 1) in people for component in plain)


@pytest.mark.parametrize("role", ["map", "history", "moves", "edges", "cuts", "nodes", "blocked"])
def test_incremental_is_full(world: Any, role: str) -> None:
    desk, *_, full = world
    assert desk.rows(role) == desk.rows(role, full)


def test_only_what_changed_was_resolved_again(world: Any) -> None:
    desk, *_ = world
    assert [
        each.resolved < each.jobs[state.map].rows for each, state in zip(desk.resolutions, desk.states, strict=True)
    ] == [
        False,
        True,
        True,
    ]


def test_partition_does_not_know_what_came_when(world: Any) -> None:
    """Everything at once, without a past: the same people, under ids of their own."""
    desk, *_ = world
    states, desk.states = desk.states, []
    try:
        desk.run(DAYS - 1, name="at_once")
    finally:
        desk.states = states
    at_once = desk.tables(f"at_once_{DAYS - 1}")
    assert partition(desk.people(at_once)) == desk.groups()


def test_running_a_day_again_gives_the_same_rows(world: Any) -> None:
    """On top of what it has itself published."""
    desk, *_ = world
    desk.run(DAYS - 1, name="again")
    again = desk.tables(f"again_{DAYS - 1}")
    for role in Tables().by_role:
        assert desk.rows(role, again) == desk.rows(role), role


def test_ids_stay_and_resolve(world: Any) -> None:
    desk, *_ = world
    for n in range(1, DAYS):
        before, now = desk.people(desk.states[n - 1]), desk.people(desk.states[n])
        given_before = {row["customer360_id"] for row in desk.rows("history", desk.states[n - 1])}
        resolved = desk.resolved(desk.states[n])
        assert given_before <= resolved.keys() and set(resolved.values()) == set(now.values())
        # Who is new is nobody who was: a new id was never given.
        assert not (set(now.values()) - set(before.values())) & given_before
        kept = partition(before) & partition(now)
        assert len(kept) > 500
        assert all(before[customer] == now[customer] for group in kept for customer in group)
        # An id that still has any of its customers under it, or was merged, took the largest part along.
        for person, members in by_person(before).items():
            most = Counter(now[customer] for customer in members).most_common()
            assert resolved[person] in {id_ for id_, count in most if count == most[0][1]}


def test_every_change_of_an_id_has_a_row_that_says_why(world: Any) -> None:
    desk, *_ = world
    for n in range(1, DAYS):
        before, now = desk.people(desk.states[n - 1]), desk.people(desk.states[n])
        new = [row for row in desk.rows("history", desk.states[n]) if row["valid_from"] == day(n)]
        assert len(new) > 100 and all(row["why"] and row["cause"] for row in new)
        explained = {row["customer360_id"] for row in new}
        alive = {person for person, into in desk.resolved(desk.states[n]).items() if person == into}
        assert {person for person in before.values() if person not in alive} <= explained
        assert set(now.values()) - set(before.values()) <= explained
        moved = [row for row in desk.rows("moves", desk.states[n]) if row["valid_to"] == day(n)]
        assert {key(row) for row in moved} == {each for each, person in before.items() if now[each] != person}
        assert len(moved) > 50 and all(row["why"] and row["cause"] in ("merged", "split", "override") for row in moved)


def test_any_day_can_be_read_from_the_last(world: Any) -> None:
    desk, *_ = world
    last = desk.states[-1]
    for n in range(DAYS):
        found = {
            (row["source_system"], row["source_customer_id"]): row["customer360_id"]
            for role in ("map", "moves")
            for row in desk.rows(role, last)
            if row["valid_from"] <= day(n) < (row.get("valid_to") or day(99))
        }
        then = {
            (r["source_system"], r["source_customer_id"]): r["customer360_id"] for r in desk.rows("map", desk.states[n])
        }
        assert found == then


def test_revenue_by_source_customer_is_conserved(world: Any) -> None:
    desk, rows, *_ = world
    warehouse = desk.warehouse
    facts = "SELECT source_system, source_customer_id, 1 + LENGTH(source_customer_id) AS revenue FROM {map}"
    for n in range(DAYS):
        known = {(r["source_system"], r["source_customer_id"]) for r in rows if r["first_loaded_date"] <= day(n)}
        name = desk.states[n].map
        found = warehouse.query(
            f"SELECT SUM(f.revenue) AS revenue, COUNT(*) AS n FROM ({facts.format(map=name)}) AS f"
            f" INNER JOIN {name} AS m ON f.source_system = m.source_system AND f.source_customer_id = m.source_customer_id"
        ).to_pylist()
        assert found == [{"revenue": sum(1 + len(id_) for _, id_ in known), "n": len(known)}]
