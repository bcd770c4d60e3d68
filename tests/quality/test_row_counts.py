"""The band of row counts: silent on constant and growing tables and on first runs, a warning on a jump."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer360.project import TableName
from customer360.project.platform import PUBLISHED
from customer360.quality import row_counts
from customer360.quality.row_counts import FEWEST, RUNS, judge_row_counts
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo

DAY = date(2024, 6, 30)
_numbers = count()
few = settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWarehouse]:
    opened = LocalWarehouse(tmp_path_factory.mktemp("row_counts") / "lake", schemas={})
    opened.ensure([PUBLISHED])
    yield opened
    opened.close()


def judge(warehouse: LocalWarehouse, *cases: tuple[Sequence[int], int], on: date = DAY) -> list[bool | None]:
    """Of tables with this history (oldest first, until yesterday) and these rows now: within the band, or no band."""
    names = [TableName("core", f"t{next(_numbers)}") for _ in cases]
    rows = [
        _published(name, DAY - timedelta(days=len(history) - n), rows)
        for name, (history, _) in zip(names, cases, strict=True)
        for n, rows in enumerate(history)
    ]
    warehouse.append(PUBLISHED, pa.Table.from_pylist(rows, schema=PUBLISHED.arrow_schema))
    now = {name: rows for name, (_, rows) in zip(names, cases, strict=True)}
    found = {r.table: r.success for r in judge_row_counts(warehouse, RunInfo("now", on), now)}
    return [found.get(name) for name in names]


def _published(name: TableName, day: date, rows: int, hour: int = 4) -> dict[str, object]:
    at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    return {"run_id": f"r{day}", "run_date": day, "table_name": str(name), "row_count": rows, "published_at": at}


ROWS = st.integers(min_value=1, max_value=10**9)
RUNS_SO_FAR = st.integers(min_value=FEWEST, max_value=40)


@few
@given(st.lists(st.tuples(ROWS, RUNS_SO_FAR), min_size=8, max_size=30))
def test_a_constant_table_never_warns(warehouse: LocalWarehouse, tables: list[tuple[int, int]]) -> None:
    assert judge(warehouse, *(([rows] * runs, rows) for rows, runs in tables)) == [True] * len(tables)


@few
@given(st.lists(st.tuples(ROWS, RUNS_SO_FAR), min_size=8, max_size=30))
def test_ten_times_as_many_warns_and_so_does_a_tenth(warehouse: LocalWarehouse, tables: list[tuple[int, int]]) -> None:
    assert judge(warehouse, *(([rows] * runs, 10 * rows) for rows, runs in tables)) == [False] * len(tables)
    big = [(10 * rows, runs) for rows, runs in tables]
    assert judge(warehouse, *(([rows] * runs, rows // 10) for rows, runs in big)) == [False] * len(big)


@few
@given(st.lists(st.tuples(st.lists(ROWS, max_size=FEWEST - 1), ROWS), min_size=8, max_size=30))
def test_the_first_runs_have_no_band(warehouse: LocalWarehouse, tables: list[tuple[list[int], int]]) -> None:
    assert judge(warehouse, *tables) == [None] * len(tables)


@few
@given(st.lists(st.lists(st.integers(0, 10**6), min_size=FEWEST, max_size=RUNS), min_size=8, max_size=20))
def test_the_band_is_that_of_python_s_median(warehouse: LocalWarehouse, histories: list[list[int]]) -> None:
    judge(warehouse, *((history, 0) for history in histories))
    last = next(_numbers)
    found = row_counts.bands(warehouse, RunInfo("now", DAY))
    for back, history in enumerate(reversed(histories), start=1):
        median = statistics.median(history)
        spread = statistics.median(abs(rows - median) for rows in history)
        reach = max(5 * 1.4826 * spread, 0.2 * median, 5)
        band = found[f"core.t{last - back}"]
        assert band["runs"] == len(history)
        assert (band["median"], band["low"], band["high"]) == pytest.approx(
            (median, max(0, median - reach), median + reach)
        )


def test_steady_growth_is_no_surprise_and_neither_are_small_tables(warehouse: LocalWarehouse) -> None:
    growing = [1000 * n for n in range(1, 41)]
    assert judge(warehouse, (growing, 41_000), ([3] * 10, 6), ([0] * 10, 4), ([0] * 10, 50)) == [
        True,
        True,
        True,
        False,
    ]


def test_only_the_latest_days_before_the_run_count(warehouse: LocalWarehouse) -> None:
    old = [10_000_000] * 30 + [100] * RUNS
    assert judge(warehouse, (old, 100)) == [True]
    assert judge(warehouse, ([100] * 20, 100), on=DAY - timedelta(days=18)) == [None]  # two days were before that day


def test_a_day_counts_once_as_it_was_published_last(warehouse: LocalWarehouse) -> None:
    name = TableName("core", "again")
    days = [DAY - timedelta(days=n) for n in range(1, FEWEST + 1)]
    rows = [_published(name, day, 1_000_000, hour) for day in days for hour in (1, 2)] + [
        _published(name, day, 100, hour=9) for day in days
    ]
    warehouse.append(PUBLISHED, pa.Table.from_pylist(rows, schema=PUBLISHED.arrow_schema))
    (result,) = judge_row_counts(warehouse, RunInfo("now", DAY), {name: 500})
    assert (result.severity, result.success, result.rows_checked) == ("warning", False, 500)
    assert str(result) == (
        'core.again: row_count_band: observed {"rows": 500, "low": 80.0, "high": 120.0, "days": 7}'
        " — about as many rows as the last 28 days lead to expect"
    )


def test_a_warehouse_that_has_published_nothing_has_no_bands(tmp_path: Path) -> None:
    empty = LocalWarehouse(tmp_path / "lake", schemas={})
    assert judge_row_counts(empty, RunInfo("now", DAY), {TableName("core", "t"): 1}) == []
    empty.close()
