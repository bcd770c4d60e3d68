"""Any day of customer_360 reads as it was published, whatever came, went, was late or was run again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from conftest import ROOT

from customer360.errors import WarehouseError
from customer360.history import DAYS, KEPT, VERSIONS, customer_360_at, keep_day, kept_days
from customer360.history.tables import PERSON, REPEATED_AFTER, content, differs_in
from customer360.project import Column, load_project
from customer360.settings import Parameter
from customer360.warehouse.port import RunInfo
from history.shelf import QUERIES, SPECS, Shelf, changed, day, person

PARTS = {
    "run_date",
    "customer_tenure_days",
    "days_since_last_purchase",
    "purchase_frequency",
    "website_engagement_rate",
}


def rows_of(shelf: Shelf, number: int) -> int:
    """How many versions the day's partition holds."""
    found = shelf.warehouse.query(
        f"SELECT COUNT(*) AS n FROM {VERSIONS} WHERE valid_from = @day",
        parameters={"day": Parameter("DATE", day(number))},
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


def live(shelf: Shelf, days: list[int], seed: int) -> None:
    """People come, change, go and come back, one turn per day; days may repeat and go back."""
    chance = random.Random(seed)
    people = [person(number, chance) for number in range(8)]
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


def test_every_day_reads_as_published_whatever_was_run_again(shelf: Shelf) -> None:
    # A gap, a backfill, repeats of the last day and of older ones, and a day that is past repeating.
    live(shelf, [0, 1, 3, 2, 4, 1, 4, REPEATED_AFTER + 3, 0], seed=360)
    shelf.check()
    assert kept_days(shelf.warehouse, QUERIES) == [day(n) for n in (0, 1, 2, 3, 4, REPEATED_AFTER + 3)]


def test_on_bigquery_too(cloud_shelf: Shelf) -> None:
    live(cloud_shelf, [0, 1, 0], seed=7)
    cloud_shelf.check()


def test_only_changes_are_stored_and_after_a_while_everybody_again(shelf: Shelf) -> None:
    chance = random.Random(1)
    people = [person(number, chance) | {"city": "Bonn"} for number in range(5)]
    shelf.keep(day(0), people)
    people[0] = people[0] | {"city": "Ulm"}
    shelf.keep(day(1), [row | {"overall_score": None, "updated_at": None} for row in people])
    shelf.keep(day(REPEATED_AFTER + 1), people)
    # The one who changed on day 1 has a version that is near enough.
    assert [rows_of(shelf, number) for number in (0, 1, REPEATED_AFTER + 1)] == [5, 1, 4]
    shelf.check()


def test_a_run_of_an_older_day_that_dies_before_its_publish_changes_no_day(shelf: Shelf) -> None:
    chance = random.Random(3)
    people = [person(number, chance) for number in range(4)]
    shelf.keep(day(0), people)
    shelf.keep(day(1), people[1:])
    shelf.write(day(0), people[:2])  # and no more
    shelf.check()


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("['a', 'b']", "['a', 'b']", False),
        ("['a', 'b']", "['b', 'a']", True),
        ("['a', 'b']", "['a']", True),
        ("['a']", "['a', 'b']", True),
        ("ARRAY<STRING>[]", "['a']", True),
        ("ARRAY<STRING>[]", "['']", True),
        ("['a,b', 'c']", "['a', 'b,c']", True),
        ("['a;b', 'c']", "['a', 'b;c']", True),
        ("['a,b;c', 'd']", "['a', 'b;c,d']", True),
        ("['a,b', 'c;d']", "['a,b', 'c;d']", False),
        ("CAST(NULL AS ARRAY<STRING>)", "CAST(NULL AS ARRAY<STRING>)", False),
    ],
)
def test_arrays_differ_by_element_order_and_length(shelf: Shelf, one: str, other: str, differ: bool) -> None:
    column = Column("x", "ARRAY<STRING>", "")
    query = (
        f"WITH one AS (SELECT {one} AS x), other AS (SELECT {other} AS x)"
        f" SELECT COALESCE({differs_in(column, 'one', 'other')}, FALSE) AS differ FROM one CROSS JOIN other"
    )
    assert shelf.warehouse.query(query)["differ"].to_pylist() == [differ]


def test_structs_in_arrays_differ_by_their_fields(shelf: Shelf) -> None:
    column = Column("x", "ARRAY<STRUCT<a STRING, b INT64>>", "")
    found = shelf.warehouse.query(
        "WITH one AS (SELECT [STRUCT('a' AS a, 1 AS b)] AS x), other AS (SELECT [STRUCT('a' AS a, 2 AS b)] AS x)"
        f" SELECT ({differs_in(column, 'one', 'other')}) AS d, ({differs_in(column, 'one', 'one')}) AS same"
        " FROM one CROSS JOIN other"
    )
    assert found.to_pylist() == [{"d": True, "same": False}]


def test_a_table_of_another_day_is_not_kept(shelf: Shelf, tmp_path: Path) -> None:
    shelf.keep(day(0), [person(1, random.Random(5))])
    with pytest.raises(WarehouseError, match=r"is of 2024-01-01, so it cannot be kept as 2024-01-06"):
        keep_day(shelf.warehouse, source=KEPT.candidate(day(0)), specs=SPECS, run=RunInfo("r", day(5)))


def test_a_day_that_was_not_kept_is_refused_with_the_nearest(shelf: Shelf) -> None:
    with pytest.raises(WarehouseError, match=r"no day of marts.customer_360 is kept yet"):
        customer_360_at(shelf.warehouse, QUERIES, day(0))
    shelf.keep(day(0), [person(1, random.Random(6))])
    shelf.keep(day(3), [person(1, random.Random(7))])
    with pytest.raises(WarehouseError, match=r"2024-01-03 is not kept; the nearest days are 2024-01-01 and 2024-01-04"):
        customer_360_at(shelf.warehouse, QUERIES, day(2))
    with pytest.raises(WarehouseError, match=r"the nearest day is 2024-01-04"):
        customer_360_at(shelf.warehouse, QUERIES, day(9))


def test_some_people_of_a_day_can_be_read_alone(shelf: Shelf) -> None:
    people = [person(number, random.Random(number)) for number in range(3)]
    shelf.keep(day(0), people)
    found = customer_360_at(shelf.warehouse, QUERIES, day(0), people=[people[1][PERSON], "nobody"])
    assert found[PERSON].to_pylist() == [people[1][PERSON]]
