"""sql/queries/purchase_history.sql on Google's reference implementation and on DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from reference import duckdb_engine, zetasql_engine
from reference.canonical import Row

from customer360.googlesql import allow, parse
from customer360.project import load_project
from customer360.project.names import TableName

_ROOT = Path(__file__).resolve().parents[2]
_FILE = _ROOT / "sql" / "queries" / "purchase_history.sql"
_ENGINES = {"reference": zetasql_engine.run, "duckdb": duckdb_engine.run}
_ORDERS, _MAP = TableName("core", "int_customer_orders_daily"), TableName("identity", "identity_map")
_COLUMNS = {
    "customer360_id": "STRING",
    "x": "INT64",
    "t_x_weeks": "FLOAT64",
    "age_weeks": "FLOAT64",
    "mean_value": "NUMERIC",
    "holdout_purchases": "INT64",
}
_PEOPLE = [("crm", "A", "ann"), ("web", "a", "ann"), ("crm", "B", "bob"), ("crm", "C", "cid"), ("crm", "D", "dan")]


def _day(customer: str | None, day: str, revenue: str | None, orders: int = 1, system: str | None = "crm") -> Row:
    return {
        "source_system": system,
        "source_customer_id": customer,
        "activity_date": day,
        "orders_count": orders,
        "gross_revenue": revenue,
    }


_DAYS = [
    # Ann: first day, two purchases of one day in two systems, a refund (no purchase), a later day, one held out.
    _day("A", "2024-01-01", "100"),
    _day("A", "2024-01-15", "10", orders=3),
    _day("a", "2024-01-15", "20.50", system="web"),
    _day("A", "2024-01-20", "0", orders=0),
    _day("a", "2024-01-29", "30", system="web"),
    _day("A", "2024-03-01", "999"),
    # Bob: once, on the last day; then twice held out, and once after the run date.
    _day("B", "2024-02-05", "7"),
    _day("B", "2024-02-06", "7"),
    _day("B", "2024-03-31", "7"),
    _day("B", "2024-04-01", "7"),
    # Cid: only held out. Dan: never. Guests: nobody. E: a customer whom no map knows.
    _day("C", "2024-03-01", "5"),
    _day(None, "2024-01-01", "5", system=None),
    _day("E", "2024-01-01", "5"),
]


@pytest.fixture(scope="module", params=_ENGINES)
def history(request: pytest.FixtureRequest) -> Callable[[str], dict[str, Row]]:
    project = load_project(_ROOT)

    def run(calibration_end: str) -> dict[str, Row]:
        columns, rows = _ENGINES[request.param](
            _FILE.read_text(encoding="utf-8"),
            tables={
                str(_ORDERS): (project.schema(_ORDERS), _DAYS),
                str(_MAP): (
                    project.schema(_MAP),
                    [{"source_system": s, "source_customer_id": c, "customer360_id": p} for s, c, p in _PEOPLE],
                ),
            },
            parameters={"run_date": ("DATE", "2024-03-31"), "calibration_end": ("DATE", calibration_end)},
        )
        assert dict(columns) == _COLUMNS
        people = {row["customer360_id"]: row for row in rows}
        assert len(people) == len(rows)
        return people

    return run


def _facts(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in list(_COLUMNS)[1:])


def test_days_until_the_calibration_ends_are_history_and_later_ones_are_held_out(
    history: Callable[[str], dict[str, Row]],
) -> None:
    people = history("2024-02-05")
    assert people.keys() == {"ann", "bob"}
    assert _facts(people["ann"]) == (2, 4.0, 5.0, Decimal("30.25"), 1)
    assert _facts(people["bob"]) == (0, 0.0, 0.0, None, 2)


def test_at_the_run_date_nothing_is_held_out(history: Callable[[str], dict[str, Row]]) -> None:
    people = history("2024-03-31")
    assert people.keys() == {"ann", "bob", "cid"}
    assert {row["holdout_purchases"] for row in people.values()} == {0}
    assert _facts(people["ann"])[0] == 3 and _facts(people["ann"])[3] == Decimal("353.166666667")
    assert _facts(people["bob"])[:2] == (2, 55 / 7)
    assert _facts(people["cid"]) == (0, 0.0, 30 / 7, None, 0)


def test_it_is_sql_that_a_model_might_hold() -> None:
    query = parse.parse_query(_FILE.read_text(encoding="utf-8"), path=_FILE)
    allow.check(query, path=_FILE)
    assert parse.parameters(query) == {"run_date", "calibration_end"}
