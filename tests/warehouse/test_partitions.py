"""Replacing some partitions of a table: the others stay as they are, on both engines."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer360.errors import BudgetError
from customer360.project import Column, Partition, TableName, TableSpec
from customer360.project.model import Granularity
from customer360.project.periods import between, condition, end_of, outside, starts
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import Warehouse
from warehouse.conftest import Bench
from warehouse.shared import RUN

JANUARY, FEBRUARY, MARCH = (date(2024, month, 1) for month in (1, 2, 3))
COLUMNS = (Column("id", "STRING", "Key."), Column("at", "TIMESTAMP", "When."), Column("what", "STRING", "What."))
SPEC = TableSpec(
    TableName("core", "fct_things"), COLUMNS, "Things. One row per id.", partition=Partition("at", "MONTH")
)
CANDIDATE = TableName("core", "fct_things__candidate_20240331")


def rows_sql(*rows: tuple[str, str | None, str]) -> str:
    """A query that gives these rows: id, time, what."""
    times = [f"TIMESTAMP '{at}+00'" if at else "CAST(NULL AS TIMESTAMP)" for _, at, _ in rows]
    each = zip(rows, times, strict=True)
    return " UNION ALL ".join(f"SELECT '{id_}' AS id, {at} AS at, '{what}' AS what" for (id_, _, what), at in each)


OLD = (
    ("a", "2024-01-31 23:59:59", "old"),
    ("b", "2024-02-01 00:00:00", "old"),
    ("c", "2024-02-29 12:00:00", "old"),
    ("d", "2024-03-01 00:00:00", "old"),
    ("n", None, "old"),
)


@pytest.fixture(params=["a file for each", "one file for all"])
def base(request: pytest.FixtureRequest, warehouse: Warehouse) -> Warehouse:
    """A table of three months, as this package writes it, or as a compaction or an older version left it."""
    if request.param == "one file for all" and isinstance(warehouse, LocalWarehouse):
        warehouse.ensure([SPEC])
        warehouse.append(SPEC, warehouse.query(rows_sql(*OLD)))
    else:
        warehouse.write(SPEC, rows_sql(*OLD), run=RUN)
    return warehouse


def found(bench: Bench) -> set[tuple[str, datetime | None, str]]:
    return {(row["id"], row["at"], row["what"]) for row in bench.rows(CANDIDATE)}


def wanted(*rows: tuple[str, str | None, str]) -> set[tuple[str, datetime | None, str]]:
    return {(i, datetime.fromisoformat(at).replace(tzinfo=UTC) if at else None, what) for i, at, what in rows}


def test_only_the_named_partitions_become_what_the_query_gives(bench: Bench, base: Warehouse) -> None:
    new = ("e", "2024-02-10 00:00:00", "new"), ("b", "2024-02-01 00:00:00", "new")
    stats = base.write(SPEC, rows_sql(*new), target=CANDIDATE, run=RUN, partitions=[FEBRUARY])
    assert found(bench) == wanted(OLD[0], OLD[3], OLD[4], *new)
    assert stats.rows == 5
    assert {(row["id"], row["what"]) for row in bench.rows(SPEC.name)} == {(row[0], "old") for row in OLD}


def test_a_partition_that_was_not_there_comes(bench: Bench, base: Warehouse) -> None:
    new = ("e", "2024-04-10 00:00:00", "new")
    base.write(SPEC, rows_sql(new), target=CANDIDATE, run=RUN, partitions=[date(2024, 4, 1)])
    assert found(bench) == wanted(*OLD, new)


def test_partitions_become_empty_by_a_query_without_rows(bench: Bench, base: Warehouse) -> None:
    nothing = f"SELECT * FROM ({rows_sql(OLD[0])}) WHERE FALSE"
    base.write(SPEC, nothing, target=CANDIDATE, run=RUN, partitions=[JANUARY, MARCH])
    assert found(bench) == wanted(OLD[1], OLD[2], OLD[4])


def test_no_partitions_leave_all_as_it_is(bench: Bench, base: Warehouse) -> None:
    nothing = f"SELECT * FROM {SPEC.name} WHERE FALSE"
    for _ in range(2):  # a second try finds the first one's candidate
        base.write(SPEC, nothing, target=CANDIDATE, run=RUN, partitions=[])
        assert found(bench) == wanted(*OLD)


def test_a_query_may_read_the_table_that_it_replaces_parts_of(bench: Bench, base: Warehouse) -> None:
    sql = f"SELECT id, at, 'seen' AS what FROM {SPEC.name} WHERE {condition('at', 'TIMESTAMP', [FEBRUARY], 'MONTH')}"
    base.write(SPEC, sql, target=CANDIDATE, run=RUN, partitions=[FEBRUARY])
    seen = [(id_, at, "seen") for id_, at, _ in OLD[1:3]]
    assert found(bench) == wanted(OLD[0], *seen, OLD[3], OLD[4])


def test_untouched_partitions_are_linked_not_written(tmp_path: Path) -> None:
    lake = LocalWarehouse(tmp_path / "lake")
    lake.write(SPEC, rows_sql(*OLD), run=RUN)
    before = {file.stat().st_ino for file in (lake.folder / "data").rglob("*.parquet")}
    sql = rows_sql(("e", "2024-02-10 00:00:00", "new"))
    lake.write(SPEC, sql, target=CANDIDATE, run=RUN, partitions=[FEBRUARY])
    after = {file.stat().st_ino for file in (lake.folder / "data").rglob("*.parquet")}
    lake.close()
    assert len(after - before) == 1, "one new file, of February"


def test_a_query_over_its_budget_is_refused_before_it_runs(bench: Bench, warehouse: Warehouse) -> None:
    warehouse.write(SPEC, rows_sql(*OLD), run=RUN)
    sql = f"SELECT id, at, 'new' AS what FROM {SPEC.name}"
    with pytest.raises(BudgetError, match=r"core\.fct_things would read \d+ bytes, its budget is 1:"):
        warehouse.write(SPEC, sql, target=CANDIDATE, run=RUN, maximum_bytes=1)
    assert warehouse.columns(CANDIDATE) is None
    narrow = f"{sql} WHERE {condition('at', 'TIMESTAMP', [FEBRUARY], 'MONTH')}"
    whole, part = (warehouse.estimate(query).bytes_processed for query in (sql, narrow))
    assert 0 < part < whole or bench.warehouse.engine == "bigquery"  # the contract server does not prune


@given(st.lists(st.dates(date(2019, 1, 1), date(2025, 12, 31)), max_size=6), st.sampled_from(["DAY", "MONTH", "YEAR"]))
def test_a_day_is_in_the_one_partition_whose_span_holds_it(days: list[date], granularity: Granularity) -> None:
    firsts = starts(days, granularity)
    assert list(firsts) == sorted(set(firsts))
    for day in days:
        assert [first for first in firsts if first <= day < end_of(first, granularity)] == [
            first for first in firsts if starts([day], granularity) == (first,)
        ]
    if days:
        assert set(firsts) <= set(between(min(days), max(days), granularity))
        assert starts(between(min(days), max(days), granularity), granularity) == between(
            min(days), max(days), granularity
        )


def test_conditions_join_neighbours_and_keep_rows_without_a_partition_outside() -> None:
    text = condition("day", "DATE", [MARCH, FEBRUARY, date(2024, 12, 1)], "MONTH")
    assert text == (
        "((`day` >= DATE '2024-02-01' AND `day` < DATE '2024-04-01')"
        " OR (`day` >= DATE '2024-12-01' AND `day` < DATE '2025-01-01'))"
    )
    assert condition("day", "DATE", [], "MONTH") == "FALSE"
    assert outside(SPEC, [FEBRUARY]).endswith(
        "WHERE COALESCE(NOT ((`at` >= TIMESTAMP '2024-02-01 00:00:00+00' AND `at` < TIMESTAMP '2024-03-01 00:00:00+00')), TRUE)"
    )
