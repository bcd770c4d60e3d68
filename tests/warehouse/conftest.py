"""Both adapters, each on a bench: with a way to say what a query gives, and to look at what a table holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from customer360.project import TableName
from customer360.warehouse.bigquery import BigQueryWarehouse
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import Warehouse
from warehouse.bigquery_transport import PROJECT, Transport


class Bench(Protocol):
    """A warehouse under test. `gives` tells a transport that runs no SQL what a text results in; engines run it."""

    @property
    def warehouse(self) -> Warehouse: ...

    def gives(self, sql: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str: ...

    def rows(self, name: TableName) -> list[dict[str, Any]]: ...

    def descriptions(self, name: TableName) -> dict[str, str]:
        """Column → description; the table's own under ''."""


class LocalBench:
    def __init__(self, folder: Path) -> None:
        self.warehouse = LocalWarehouse(folder)

    def gives(self, sql: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str:
        return sql

    def rows(self, name: TableName) -> list[dict[str, Any]]:
        return in_order(self.warehouse.query(f"SELECT * FROM {name}").to_pylist())

    def descriptions(self, name: TableName) -> dict[str, str]:
        place = [name.dataset, name.table]
        found = self.warehouse.connection.execute(
            "SELECT '', comment FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?"
            " UNION ALL SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?",
            place * 2,
        )
        return dict(found.fetchall())


class BigQueryBench:
    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        client = bigquery.Client(project=PROJECT, credentials=AnonymousCredentials(), _http=cast(Any, transport))
        self.warehouse = BigQueryWarehouse(client, location=transport.location, labels={"deployment": "test"})

    def gives(self, sql: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str:
        self.transport.gives(sql, columns, rows)
        return sql

    def rows(self, name: TableName) -> list[dict[str, Any]]:
        order = self.warehouse.columns(name)
        assert order is not None, f"{name} does not exist"
        return in_order([{key: row.get(key) for key in order} for row in self.transport.rows[name.dataset, name.table]])

    def configurations(self, *, dry: bool = False) -> list[dict[str, Any]]:
        """The configurations of the jobs sent: those that are to run, or the dry ones."""
        sent = [call.body["configuration"] for call in self.transport.sent("jobs.insert") if call.body]
        return [configuration for configuration in sent if bool(configuration.get("dryRun")) == dry]

    def descriptions(self, name: TableName) -> dict[str, str]:
        table = self.transport.tables[name.dataset, name.table]
        columns = {field["name"]: field.get("description", "") for field in table["schema"]["fields"]}
        return {"": table.get("description", ""), **columns}


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows by their text: tables have no order."""
    return sorted(rows, key=str)


@pytest.fixture(params=["local", "bigquery"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    made: Bench = LocalBench(tmp_path / "lake") if request.param == "local" else BigQueryBench(Transport())
    yield made
    made.warehouse.close()


@pytest.fixture
def warehouse(bench: Bench) -> Warehouse:
    return bench.warehouse


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Warehouse]:
    """The adapters that run SQL, for what only running can show."""
    local = LocalWarehouse(tmp_path / "lake")
    yield local
    local.close()


@pytest.fixture
def cloud() -> BigQueryBench:
    """BigQuery alone, for its requests."""
    return BigQueryBench(Transport())
