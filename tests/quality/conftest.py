"""A small lake of orders, good and bad, and one call to audit it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from customer360.project import Column, TableName, TableSpec
from customer360.quality import AuditedTable, AuditReport, audit
from customer360.settings import Settings
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo

ROOT = Path(__file__).resolve().parents[2]
SUITES = sorted((ROOT / "expectations").glob("*/*.json"))
suites = pytest.mark.parametrize("path", SUITES, ids=lambda path: f"{path.parent.name}.{path.stem}")

RUN = RunInfo("manual__1", date(2026, 1, 10))
ORDERS = TableSpec(
    name=TableName("core", "orders"),
    description="Orders. One row per order.",
    columns=(
        Column("order_id", "STRING", "Key."),
        Column("line", "INT64", "Key, second part."),
        Column("customer", "STRING", "Who.", pii=True),
        Column("status", "STRING", "delivered or refunded."),
        Column("amount", "NUMERIC", "Money."),
        Column("paid", "NUMERIC", "Money."),
        Column("ordered_on", "DATE", "When."),
        Column("ordered_at", "TIMESTAMP", "When."),
        Column("tags", "ARRAY<STRING>", "Words."),
    ),
)
SCHEMAS = {"core.orders": ORDERS.schema}

# O1 … O6; what is bad about them is said by the tests that look.
GOOD = """
SELECT CONCAT('O', CAST(n AS STRING)) AS order_id, n AS line, 'ann@example.org' AS customer, 'delivered' AS status,
  CAST(n AS NUMERIC) AS amount, CAST(n AS NUMERIC) AS paid, DATE '2026-01-05' AS ordered_on,
  TIMESTAMP '2026-01-05 10:00:00+00' AS ordered_at, ['a:b', '{c}'] AS tags
FROM UNNEST([1, 2, 3, 4, 5, 6]) AS n
"""
BAD = """
SELECT IF(n > 4, 'O4', CONCAT('O', CAST(n AS STRING))) AS order_id, n AS line,
  IF(n > 4, NULL, 'ann@example.org') AS customer, IF(n = 6, 'lost', 'delivered') AS status,
  CAST(IF(n = 6, -100, n) AS NUMERIC) AS amount, CAST(n AS NUMERIC) AS paid,
  IF(n = 6, DATE '2030-01-05', DATE '2026-01-05') AS ordered_on,
  TIMESTAMP '2026-01-05 10:00:00+00' AS ordered_at, ['a:b', '{c}'] AS tags
FROM UNNEST([1, 2, 3, 4, 5, 6]) AS n
"""


def expectation(type_: str, severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    return {"type": type_, "kwargs": kwargs, "severity": severity, "description": f"about {type_}"}


def query(sql: str, severity: str = "critical") -> dict[str, Any]:
    return expectation("unexpected_rows_expectation", severity, unexpected_rows_query=sql)


def write_suite(folder: Path, table: TableName, expectations: list[dict[str, Any]], key: list[str]) -> Path:
    path = folder / table.dataset / f"{table.table}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"name": str(table), "expectations": expectations, "meta": {"key": key}}))
    return folder


@pytest.fixture(scope="session")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWarehouse]:
    """core.orders holds good rows, its candidate of 2026-01-10 bad ones."""
    warehouse = LocalWarehouse(tmp_path_factory.mktemp("orders") / "lake", schemas=SCHEMAS)
    warehouse.write(ORDERS, GOOD)
    warehouse.write(ORDERS, BAD, target=ORDERS.name.candidate(RUN.run_date))
    yield warehouse
    warehouse.close()


Check = Callable[..., AuditReport]


@pytest.fixture
def check(orders: LocalWarehouse, tmp_path: Path) -> Check:
    """Audit core.orders (`good`) or its candidate with these expectations."""

    def run(
        *expectations: dict[str, Any], good: bool = False, key: tuple[str, ...] = ("order_id", "line")
    ) -> AuditReport:
        candidate = ORDERS.name.candidate(RUN.run_date)
        return audit(
            [AuditedTable(ORDERS, ORDERS.name if good else candidate)],
            warehouse=orders,
            suites=write_suite(tmp_path, ORDERS.name, list(expectations), list(key)),
            run=RUN,
            parameters=Settings().parameters(RUN.run_date),
            renames={} if good else {ORDERS.name: candidate},
            schemas=SCHEMAS,
        )

    return run
