"""Any day of customer_360 reads as it was published, whatever came, went, was late or was run again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from conftest import ROOT

from customer360.errors import WarehouseError
from customer360.history import DAYS, KEPT, VERSIONS, customer_360_at, keep_day, kept_days
from customer360.history.tables import PERSON, REPEATED_AFTER, content
from customer360.project import load_project
from customer360.settings import Parameter
from customer360.warehouse.port import RunInfo
from history.shelf import QUERIES, SPECS, Shelf, changed, day, person

PARTS = {"run_date", "customer_tenure_days", "days_since_last_purchase", "purchase_frequency", "website_engagement_rate"}


def rows_of(shelf: Shelf, number: int) -> int:
    """How many versions the day's partition holds."""
    found = shelf.warehouse.query(
        f"SELECT COUNT(*) AS n FROM {VERSIONS} WHERE valid_from = @day", parameters={"day": Parameter("DATE", day(number))}
    )
    return int(found["n"][0].as_py())


def test_every_column_is_kept_once_or_made_from_the_day() -> None:
    project = load_project(ROOT)
    kept = [column.name for name in (VERSIONS, DAYS) for column in content(project.spec(name))]
    assert sorted({*kept} | PARTS) == sorted(project.schema(KEPT))
    assert not PARTS & {*kept}
    assert [name for name in kept if kept.count(name) > 1] == [PERSON] * 2
    for name in (VERSIONS, DAYS):
        for column in content(project.spec(name)):
            assert column.type == project.schema(KEPT)[column.name]


def test_every_day_reads_as_published_whatever_was_run_again(shelf: Shelf) -> None:
    chance = random.Random(360)
    people = [person(number, chance) for number in range(8)]
    days = [0, 1, 2, 4, 3, 5, 2, 5, REPEATED_AFTER + 3, 1, REPEATED_AFTER + 5]  # gaps, backfills and repeats
    gone = []
    for turn, number in enumerate(days):
        people = [changed(row, chance) if chance.random() < 0.3 else row for row in people]
        if turn % 3 == 1:
            gone.append(people.pop(chance.randrange(len(people))))
        if turn % 3 == 2:
            people.append(person(100 + turn, chance))
        if turn % 4 == 3:
            people.append(gone.pop(0))  # back, as they were
        shelf.keep(day(number), people, f"run_{turn}")
        if turn in (6, 9):
            shelf.check()
    shelf.check()
    assert kept_days(shelf.warehouse, QUERIES) == sorted({day(number) for number in days})


def test_only_changes_are_stored_and_after_a_while_everybody_again(shelf: Shelf) -> None:
    chance = random.Random(1)
    people = [person(number, chance) | {"city": "Bonn"} for number in range(5)]
    shelf.keep(day(0), people)
    shelf.keep(day(1), [row | {"overall_score": None, "updated_at": None} for row in people])
    people[0] = people[0] | {"city": "Ulm"}
    shelf.keep(day(2), people)
    assert [rows_of(shelf, number) for number in (0, 1, 2)] == [5, 0, 1]
    shelf.keep(day(REPEATED_AFTER + 1), people)
    assert rows_of(shelf, REPEATED_AFTER + 1) == 4  # the fifth changed on day 2, which is still near enough
    shelf.check()


def test_a_day_run_again_gives_the_same_rows(shelf: Shelf) -> None:
    chance = random.Random(2)
    people = [person(number, chance) for number in range(4)]
    shelf.keep(day(0), people[:3])
    shelf.keep(day(1), people)
    before = shelf.warehouse.query(f"SELECT * FROM {VERSIONS} WHERE valid_from >= '2024-01-01'").sort_by(
        [("valid_from", "ascending"), (PERSON, "ascending")]
    )
    shelf.keep(day(1), people, "again")
    after = shelf.warehouse.query(f"SELECT * FROM {VERSIONS} WHERE valid_from >= '2024-01-01'").sort_by(
        [("valid_from", "ascending"), (PERSON, "ascending")]
    )
    assert before.equals(after)


def test_a_run_of_an_older_day_that_dies_before_its_publish_changes_no_day(shelf: Shelf) -> None:
    chance = random.Random(3)
    people = [person(number, chance) for number in range(4)]
    shelf.keep(day(0), people)
    shelf.keep(day(2), people[1:])
    shelf.write(day(1), people[:2])  # and no more
    shelf.check()
    shelf.write(day(0), people[2:])
    shelf.check()


def test_arrays_differ_by_element_order_and_length(shelf: Shelf) -> None:
    row = person(1, random.Random(4))
    pair = {"source_system": "crm", "source_customer_id": "1"}
    stages = [
        {"emails": ["a", "b"], "source_ids": [pair]},
        {"emails": ["b", "a"], "source_ids": [pair]},
        {"emails": ["b"], "source_ids": [pair]},
        {"emails": [], "source_ids": [pair, pair]},
        {"emails": [], "source_ids": [pair, pair | {"source_customer_id": "2"}]},
        {"emails": [], "source_ids": []},
    ]
    for number, stage in enumerate(stages):
        shelf.keep(day(number), [row | stage])
    assert [rows_of(shelf, number) for number in range(len(stages))] == [1] * len(stages)
    shelf.check()


def test_a_table_of_another_day_is_not_kept(shelf: Shelf, tmp_path: Path) -> None:
    shelf.keep(day(0), [person(1, random.Random(5))])
    with pytest.raises(WarehouseError, match=r"is of 2024-01-01, so it cannot be kept as 2024-01-06"):
        keep_day(shelf.warehouse, source=KEPT.candidate(day(0)), specs=SPECS, run=RunInfo("r", day(5)))


def test_a_day_that_was_not_kept_is_refused_with_the_nearest(shelf: Shelf) -> None:
    with pytest.raises(WarehouseError, match="no day of marts.customer_360 is kept yet"):
        customer_360_at(shelf.warehouse, QUERIES, day(0))
    shelf.keep(day(0), [person(1, random.Random(6))])
    shelf.keep(day(3), [person(1, random.Random(7))])
    with pytest.raises(WarehouseError, match="2024-01-03 is not kept; the nearest days are 2024-01-01 and 2024-01-04"):
        customer_360_at(shelf.warehouse, QUERIES, day(2))
    with pytest.raises(WarehouseError, match="the nearest day is 2024-01-04"):
        customer_360_at(shelf.warehouse, QUERIES, day(9))


def test_some_people_of_a_day_can_be_read_alone(shelf: Shelf) -> None:
    people = [person(number, random.Random(number)) for number in range(3)]
    shelf.keep(day(0), people)
    found = customer_360_at(shelf.warehouse, QUERIES, day(0), people=[people[1][PERSON], "nobody"])
    assert found[PERSON].to_pylist() == [people[1][PERSON]]
