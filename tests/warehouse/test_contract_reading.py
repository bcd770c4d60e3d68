"""What every warehouse promises, whatever its engine: the port's contract, run against both adapters: values, views and looking."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from customer360.errors import Customer360Error, WarehouseError
from customer360.project import Column, TableName, TableSpec
from customer360.settings import Parameter
from customer360.warehouse.port import Publication, RunInfo, Warehouse
from warehouse.conftest import Bench
from warehouse.shared import (
    FIRST,
    NUMERIC_EDGE,
    ONE,
    ONE_ROW,
    RUN,
    SECOND,
    TOTALS,
    TWO,
    parquet,
    published_log,
    write_totals,
)

# -- values


def test_numerics_keep_every_digit(bench: Bench, warehouse: Warehouse, tmp_path: Path) -> None:
    values = [NUMERIC_EDGE, Decimal(f"-{NUMERIC_EDGE}"), Decimal("0.000000001")]
    rows = [{"n": n, "amount": amount} for n, amount in enumerate(values)]
    warehouse.load(TOTALS, [parquet(tmp_path, TOTALS, rows)])
    assert bench.rows(TOTALS.name) == rows
    sql = f"SELECT NUMERIC '{NUMERIC_EDGE}' AS amount"
    found = warehouse.query(sql)
    assert found["amount"].to_pylist() == [NUMERIC_EDGE]
    assert found.schema.field("amount").type == pa.decimal128(38, 9)


def test_nested_types_are_kept(bench: Bench, warehouse: Warehouse, tmp_path: Path) -> None:
    spec = TableSpec(
        TableName("marts", "people"),
        (
            Column("id", "STRING", "Key."),
            Column("emails", "ARRAY<STRING>", "All e-mails."),
            Column("weights", "ARRAY<STRUCT<category STRING, weight NUMERIC>>", "Taste."),
            Column("best", "STRUCT<name STRING, at TIMESTAMP>", "The best one."),
        ),
        "People. One row per person.",
    )
    rows: list[dict[str, Any]] = [
        {
            "id": "a",
            "emails": ["x@example.org", "y@example.org"],
            "weights": [{"category": "tea", "weight": Decimal("0.250000000")}],
            "best": {"name": "tea", "at": datetime(2024, 1, 31, 12, tzinfo=UTC)},
        },
        {"id": "b", "emails": [], "weights": [], "best": None},
    ]
    warehouse.load(spec, [parquet(tmp_path, spec, rows)])
    assert warehouse.columns(spec.name) == spec.schema
    assert bench.rows(spec.name) == rows
    sql = f"SELECT * FROM {spec.name} WHERE id = 'a'"
    assert warehouse.query(sql).to_pylist() == rows[:1]


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("STRING", "it's `quoted` \\ \n"),
        ("INT64", 2**63 - 1),
        ("NUMERIC", NUMERIC_EDGE),
        ("FLOAT64", 0.5),
        ("BOOL", True),
        ("DATE", date(2024, 2, 29)),
        ("TIMESTAMP", datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)),
        ("ARRAY<STRING>", ["delivered", "it's"]),
        ("ARRAY<STRING>", []),
        ("STRING", None),
        ("DATE", None),
    ],
    ids=str,
)
def test_parameters_arrive_as_they_were_given(bench: Bench, warehouse: Warehouse, type_: str, value: object) -> None:
    sql = "SELECT @given AS given"
    parameters = {"given": Parameter(type_, value), "not_used": Parameter("INT64", 1)}
    assert warehouse.query(sql, parameters=parameters)["given"].to_pylist() == [value]


def test_a_parameter_without_a_value_is_named(warehouse: Warehouse) -> None:
    with pytest.raises(Customer360Error, match="@run_date"):
        warehouse.query("SELECT @run_date AS day", parameters={"other": Parameter("INT64", 1)})


# -- views


def test_a_view_is_created_and_replaced(bench: Bench, warehouse: Warehouse) -> None:
    warehouse.publish([Publication(TOTALS, write_totals(bench))], run=RUN)
    view = replace(TOTALS, name=TableName("core", "totals_view"), description="A view. One row per count.")
    for sql in ("SELECT n, amount FROM core.totals", "SELECT t.n, t.amount FROM core.totals AS t WHERE t.n > 0"):
        warehouse.create_view(view, sql)
        assert warehouse.columns(view.name) == TOTALS.schema
    assert warehouse.tables("core") == [TOTALS.name, view.name]
    warehouse.drop([view.name])
    assert warehouse.tables("core") == [TOTALS.name]


def test_a_view_takes_no_parameters(warehouse: Warehouse) -> None:
    with pytest.raises(Customer360Error, match="@limit"):
        warehouse.create_view(TOTALS, "SELECT @limit AS n, CAST('1' AS NUMERIC) AS amount")


# -- looking and dropping


def test_missing_tables_have_no_columns_and_no_count(bench: Bench, warehouse: Warehouse) -> None:
    write_totals(bench)
    missing = TableName("core", "missing")
    assert warehouse.columns(missing) is None
    assert warehouse.row_counts([missing, TOTALS.name.candidate(FIRST)]) == {TOTALS.name.candidate(FIRST): 1}
    assert warehouse.columns(TableName("nowhere", "missing")) is None
    assert warehouse.tables("nowhere") == []


def test_dropping_what_is_not_there_is_fine(bench: Bench, warehouse: Warehouse) -> None:
    candidate = write_totals(bench)
    warehouse.drop([TableName("core", "missing"), TableName("nowhere", "missing"), candidate])
    assert warehouse.tables("core") == []


def test_an_estimate_compiles_and_runs_nothing(bench: Bench, warehouse: Warehouse) -> None:
    warehouse.publish([Publication(TOTALS, write_totals(bench))], run=RUN)
    sql = "SELECT n FROM core.totals WHERE n > @least"
    assert warehouse.estimate(sql, parameters={"least": Parameter("INT64", 0)}).bytes_processed > 0
    with pytest.raises(WarehouseError):
        warehouse.estimate("SELECT n FROM core.missing")
    assert bench.rows(TOTALS.name) == ONE_ROW


# -- what only running SQL can show


def test_a_query_reads_the_candidate_that_it_is_sent_to(warehouse: Warehouse) -> None:
    candidate = TOTALS.name.candidate(FIRST)
    warehouse.write(TOTALS, ONE, run=RUN)
    warehouse.write(TOTALS, TWO, target=candidate, run=RUN)
    renames = {TOTALS.name: candidate}
    assert warehouse.query("SELECT totals.n FROM core.totals", renames=renames)["n"].to_pylist() == [2]
    assert warehouse.query("SELECT totals.n FROM core.totals")["n"].to_pylist() == [1]
    copied = "SELECT totals.n, totals.amount FROM core.totals"
    warehouse.write(TOTALS, copied, target=TableName("core", "copied"), renames=renames, run=RUN)
    assert warehouse.query("SELECT n FROM core.copied")["n"].to_pylist() == [2]


def test_what_a_run_published_can_be_read_later(warehouse: Warehouse) -> None:
    runs = [(RUN, ONE), (RunInfo("scheduled__2024-02-01", SECOND), TWO)]
    for run, sql in runs:
        candidate = TOTALS.name.candidate(run.run_date)
        warehouse.write(TOTALS, sql, target=candidate, run=run)
        warehouse.publish([Publication(TOTALS, candidate)], run=run, log=published_log(TOTALS.name, run=run))
    for (run, _), expected in zip(runs, (1, 2), strict=True):
        assert warehouse.query("SELECT n FROM core.totals", as_of=run.run_id)["n"].to_pylist() == [expected]
    with pytest.raises(WarehouseError, match="nowhere"):
        warehouse.query("SELECT n FROM core.totals", as_of="nowhere")
