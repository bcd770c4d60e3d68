"""Who is who, story by story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from customer360.identity import IdentityConfig
from customer360.warehouse.lake import SCRATCH
from customer360.warehouse.local import LocalWarehouse
from identity.shared import Desk, day
from identity.stories import DAYS, STORIES, Story


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Every story, told day by day."""
    warehouse = LocalWarehouse(Path(tmp_path_factory.mktemp("stories")) / "lake")
    desk = Desk(warehouse, IdentityConfig(combinations=(("LAST_NAME", "DATE_OF_BIRTH"),)))
    for n in range(DAYS):
        desk.observe([row for story in STORIES.values() for row in story.observations(n)])
        desk.decide([row for story in STORIES.values() for row in story.decisions(n)])
        desk.run(n)
    yield desk
    warehouse.close()


@pytest.mark.parametrize("name", STORIES)
def test_people(told: Desk, name: str) -> None:
    story = STORIES[name]
    for n in range(DAYS):
        people = {group for group in told.groups(told.states[n]) if all(c.startswith(story.own("")) for c in group)}
        assert people == story.expected(n), f"day {n}"


def rows_of(told: Desk, role: str, story: Story, customer: str) -> list[tuple[object, ...]]:
    """History of a customer's own id: from, to, merged into, cause, why."""
    columns = ("valid_from", "valid_to", "merged_into", "cause", "why")
    found = (row for row in told.rows(role) if row["customer360_id"] == story.id_of(customer))
    return [tuple(row[column] for column in columns) for row in found]


def test_the_id_first_given_stays(told: Desk) -> None:
    story = STORIES["the id first given stays, though a later one sorts first and has more customers"]
    assert {told.people()[story.own(c)] for c in "zab"} == {story.id_of("z")}
    assert told.resolved()[story.id_of("a")] == story.id_of("z")


def test_history_of_an_id_that_is_merged_twice(told: Desk) -> None:
    story = STORIES["merged ids follow when they are merged again"]
    a, b, c = (f"crm:{story.own(name)}" for name in "abc")
    assert rows_of(told, "history", story, "c") == [
        (day(1), day(2), None, "created", f"first source customer: {c}"),
        (day(2), day(3), story.id_of("b"), "merged", f"{c} and {b} share EMAIL"),
        (day(3), None, story.id_of("a"), "merged", f"{b} and {a} share PHONE"),
    ]
    assert {told.resolved()[story.id_of(name)] for name in "abc"} == {story.id_of("a")}


def test_an_id_is_never_given_again(told: Desk) -> None:
    story = STORIES["the founder leaves and gets an id that nobody had"]
    people = told.people()
    assert people[story.own("b")] == people[story.own("c")] == story.id_of("a")
    new = people[story.own("a")]
    assert new not in {story.id_of(name) for name in "abc"}
    (row,) = [row for row in told.rows("history") if row["customer360_id"] == new]
    assert (row["cause"], row["why"]) == (
        "override",
        f"decision {story.own('o10')} keeps it apart from {story.id_of('a')}",
    )


def test_an_over_shared_value_is_listed_and_its_people_are_told_why(told: Desk) -> None:
    story = STORIES["a value that becomes over-shared stops joining"]
    (row,) = [row for row in told.rows("blocked") if row["identity_value"] == story.own("k")]
    assert (row["reason"], row["source_customers"]) == ("over_shared", 6)
    assert not [row for row in told.rows("edges") if row["identity_value"] == story.own("k")]
    moves = [row for row in told.rows("moves") if row["source_customer_id"] == story.own("b")]
    assert [(row["valid_from"], row["valid_to"], row["cause"], row["why"]) for row in moves] == [
        (day(0), day(1), "split", f"nothing joins it to {story.id_of('a')} any longer")
    ]


def test_cut_evidence_is_listed(told: Desk) -> None:
    story = STORIES["the weakest evidence is cut, and stays cut whatever comes later"]
    found = {(row["source_customer_id"], row["identity_value"]) for row in told.rows("cuts")}
    assert {(story.own("a"), story.own("j"))} == {each for each in found if each[1] == story.own("j")}
    assert len({each for each in found if each[1] == story.own("k")}) == 1


def test_ids_of_those_who_stayed_are_their_own(told: Desk) -> None:
    story = STORIES["addresses and sessions never join"]
    assert [told.people()[story.own(name)] for name in "ab"] == [story.id_of("a"), story.id_of("b")]


def test_nothing_is_left_behind(told: Desk) -> None:
    names = [*told.warehouse.tables("identity"), *told.warehouse.tables(SCRATCH)]
    assert not [name for name in names if name.table.startswith("__")]
