"""Tables, rows and runs that the warehouse's tests share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from customer360.project import Column, Partition, TableName, TableSpec
from customer360.project.platform import PUBLISHED
from customer360.warehouse.port import RunInfo
from warehouse.conftest import Bench

PROJECT = "test-project"
FIRST, SECOND = date(2024, 1, 31), date(2024, 2, 1)
RUN = RunInfo("scheduled__2024-01-31", FIRST, "customer_360_daily", "marts.write")
VISITS = TableSpec(
    TableName("raw_web", "visits"),
    (
        Column("visit_id", "STRING", "Key."),
        Column("pages", "INT64", "Pages seen."),
        Column("day", "DATE", "Logical date."),
    ),
    "Visits. One row per visit.",
    partition=Partition("day"),
    cluster_by=("visit_id",),
    labels=(("owner", "web team"),),
)
TOTALS = TableSpec(
    TableName("core", "totals"),
    (Column("n", "INT64", "Count."), Column("amount", "NUMERIC", "Money.")),
    "Totals. One row per count.",
)
ONE = "SELECT 1 AS n, CAST('10.5' AS NUMERIC) AS amount"
TWO = "SELECT 2 AS n, CAST('20.5' AS NUMERIC) AS amount"
ONE_ROW, TWO_ROW = [{"n": 1, "amount": Decimal("10.5")}], [{"n": 2, "amount": Decimal("20.5")}]
NUMERIC_EDGE = Decimal("99999999999999999999999999999.999999999")


def reference(name: TableName, suffix: str = "") -> dict[str, str]:
    """A table in a request to BigQuery, or with `$20240131` a partition of it."""
    return {"projectId": PROJECT, "datasetId": name.dataset, "tableId": name.table + suffix}


def parquet(folder: Path, spec: TableSpec, rows: list[dict[str, Any]], name: str = "part") -> str:
    """A Parquet file of rows in the table's types."""
    file = folder / f"{name}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=spec.arrow_schema), file)
    return str(file)


def visits(day: date, *ids: str) -> list[dict[str, Any]]:
    return [{"visit_id": visit, "pages": len(visit), "day": day} for visit in ids]


def published_log(
    *names: TableName, run: RunInfo = RUN, at: datetime = datetime(2024, 2, 1, 3, tzinfo=UTC)
) -> Mapping[TableSpec, pa.Table]:
    """Rows of ops.published, as an orchestrator makes them: stamped before the publish."""
    rows = [
        {
            "run_id": run.run_id,
            "run_date": run.run_date,
            "table_name": str(name),
            "row_count": 1,
            "code_version": "1",
            "published_at": at,
        }
        for name in names
    ]
    return {PUBLISHED: pa.Table.from_pylist(rows, schema=PUBLISHED.arrow_schema)}


def write_totals(bench: Bench, sql: str = ONE) -> TableName:
    """A candidate of the totals."""
    candidate = TOTALS.name.candidate(FIRST)
    bench.warehouse.write(TOTALS, sql, target=candidate, run=RUN)
    return candidate
