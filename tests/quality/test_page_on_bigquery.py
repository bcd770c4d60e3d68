"""The page's questions through the BigQuery adapter, over HTTP to the contract server."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from cloud_server import CloudServer
from cloud_server.fixtures import cloud_server, server  # noqa: F401

from customer360.project import load_project
from customer360.project.platform import DATA_QUALITY, LOADS, PUBLISHED
from customer360.quality.history import look
from customer360.warehouse.bigquery import BigQueryWarehouse
from customer360.warehouse.port import RunInfo

DAY = date(2024, 6, 30)


def test_what_is_asked_is_answered_there_too(server: CloudServer) -> None:  # noqa: F811
    warehouse = BigQueryWarehouse(server.client(), location=server.location)
    warehouse.work_for(RunInfo("now", DAY))
    days = [DAY - timedelta(days=n) for n in range(8, -1, -1)]
    name, source = "core.fct_orders", "raw_web.website_behavior"
    checks = [
        {"run_id": "r", "run_date": day, "table_name": name, "expectation": "some", "description": "rule", "severity": "critical",
         "success": day != days[3], "checked_at": _at(day), "sample_keys": []}
        for day in days
    ]  # fmt: skip
    published = [
        {"run_id": "r", "run_date": day, "table_name": name, "row_count": 100, "published_at": _at(day)} for day in days
    ]
    loaded = [{"table_name": source, "loaded_date": DAY, "run_id": "r", "batch_id": "b", "mode": "cursor", "rows_read": 9,
               "rows_loaded": 9, "drift": [], "finished_at": _at(DAY)}]  # fmt: skip
    for spec, rows in ((DATA_QUALITY, checks), (PUBLISHED, published), (LOADS, loaded)):
        warehouse.append(spec, pa.Table.from_pylist(rows, schema=spec.arrow_schema))
    seen = look(load_project(Path(__file__).parents[2]), warehouse, RunInfo("now", DAY))
    warehouse.close()
    (orders,) = (table for table in seen.tables if table.table == name)
    assert orders.checks[0].history == (True, True, True, False, True, True, True, True, True)
    assert (orders.day, orders.band, len(orders.rows)) == (DAY, (80.0, 120.0), 9)
    assert [each.table for each in seen.sources if each.last] == [source]


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
