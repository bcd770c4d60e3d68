"""The scenario's tables: small, of every shape that production has."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from customer360.project import Column, Partition, TableName, TableSpec
from customer360.project.platform import PUBLISHED
from customer360.warehouse.port import RunInfo

FIRST, SECOND = date(2024, 1, 30), date(2024, 1, 31)
RUN_ID = "scheduled__2024-01-31"
LARGE = 600_000  # bytes that do not compress: more than one chunk of a resumable upload
VISITS = TableSpec(
    TableName("raw_web", "visits"),
    (
        Column("visitor", "STRING", "Who.", pii=True),
        Column("pages", "INT64", "Pages seen."),
        Column("picture", "BYTES", "What was looked at."),
        Column("day", "DATE", "Logical date."),
    ),
    "Visits. One row per visit.",
    partition=Partition("day", require_filter=True),
    cluster_by=("visitor",),
    labels=(("owner", "web"),),
)
REFUSED = TableSpec(
    TableName("raw_web", "refused"),
    (Column("reason", "STRING", "Why."), Column("raw", "BYTES", "The row as it arrived.", pii=True)),
    "Refused rows. One row per refused row.",
)
VISITORS = TableSpec(
    TableName("core", "visitors"),
    (Column("visitor", "STRING", "Who.", pii=True), Column("pages", "INT64", "Pages seen.")),
    "Visitors. One row per visitor.",
    cluster_by=("visitor",),
    labels=(("owner", "core"),),
)
TOTALS = TableSpec(
    TableName("core", "totals"),
    (Column("visitors", "INT64", "Count."), Column("pages", "INT64", "Sum.")),
    "Totals. One row.",
)
LATEST = TableSpec(TableName("core", "latest"), TOTALS.columns, "The totals, for dashboards. One row.")
VISITORS_SQL = "SELECT visitor, SUM(pages) AS pages FROM raw_web.visits WHERE day BETWEEN @from_date AND @run_date GROUP BY visitor"
TOTALS_SQL = "SELECT COUNT(*) AS visitors, SUM(pages) AS pages FROM core.visitors"
LATEST_SQL = "SELECT visitors, pages FROM core.totals"


def run_of(step: str) -> RunInfo:
    """Each step is a task of the same run."""
    return RunInfo(RUN_ID, SECOND, "customer_360_daily", step)


def visits(day: date, *names: str, picture: bytes = b"") -> list[dict[str, Any]]:
    return [{"visitor": name, "pages": len(name), "picture": picture, "day": day} for name in names]


def parquet(folder: Path, spec: TableSpec, rows: list[dict[str, Any]], name: str) -> Path:
    """A Parquet file of rows in the table's types."""
    file = folder / f"{name}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=spec.arrow_schema), file)
    return file


def large(seed: int) -> bytes:
    return random.Random(seed).randbytes(LARGE)


def published_log(counts: Mapping[TableName, int], run: RunInfo) -> dict[TableSpec, pa.Table]:
    """Rows of ops.published, as the build makes them: stamped with the time of this try."""
    rows = [
        {
            "run_id": run.run_id,
            "run_date": run.run_date,
            "table_name": str(name),
            "row_count": count,
            "code_version": "1",
            "published_at": datetime.now(UTC),
        }
        for name, count in counts.items()
    ]
    return {PUBLISHED: pa.Table.from_pylist(rows, schema=PUBLISHED.arrow_schema)}
