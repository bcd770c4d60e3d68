"""Both adapters, each on a bench: with a way to look at what a table holds, and at what was sent for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from cloud_server import CloudServer, Entry
from cloud_server.faults import always
from cloud_server.fixtures import cloud_server, server

from customer360.project import TableName
from customer360.warehouse.bigquery import BigQueryWarehouse
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import Warehouse

__all__ = ["cloud_server", "server"]


class Bench(Protocol):
    """A warehouse under test."""

    @property
    def warehouse(self) -> Warehouse: ...

    def rows(self, name: TableName) -> list[dict[str, Any]]: ...

    def descriptions(self, name: TableName) -> dict[str, str]:
        """Column → description; the table's own under ''."""


class Killed(BaseException):
    """The worker's process ends here."""


class LocalBench:
    def __init__(self, folder: Path) -> None:
        self.warehouse = LocalWarehouse(folder)

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
    """The adapter over real HTTP to the contract server, where its SQL runs."""

    def __init__(self, server: CloudServer) -> None:
        self.server = server
        self.warehouse = BigQueryWarehouse(server.client(), location=server.location, labels={"deployment": "test"})

    def rows(self, name: TableName) -> list[dict[str, Any]]:
        return in_order(self.server.rows(name.dataset, name.table))

    def configurations(self, *, dry: bool = False) -> list[dict[str, Any]]:
        """The configurations of the jobs sent: those that are to run, or the dry ones."""
        return [entry.configuration for entry in self.server.sent("bigquery.jobs.insert") if entry.dry_run == dry]

    def dies_after(self, method: str, when: Callable[[Entry], bool] = always) -> None:
        """The worker is killed as it gets the next answer of a method: the hook of `requests` raises Killed."""
        hooks = self.warehouse.client._http.hooks["response"]

        def die(*_: Any, **__: Any) -> None:
            entry = self.server.log[-1]
            if entry.method == method and when(entry):
                hooks.clear()
                raise Killed

        hooks.append(die)

    def descriptions(self, name: TableName) -> dict[str, str]:
        table = self.server.tables[name.dataset, name.table]
        columns = {field["name"]: field.get("description", "") for field in table["schema"]["fields"]}
        return {"": table.get("description", ""), **columns}


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows by their text: tables have no order."""
    return sorted(rows, key=str)


@pytest.fixture(params=["local", "bigquery"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    local = request.param == "local"
    made: Bench = LocalBench(tmp_path / "lake") if local else BigQueryBench(request.getfixturevalue("server"))
    yield made
    made.warehouse.close()


@pytest.fixture
def warehouse(bench: Bench) -> Warehouse:
    return bench.warehouse


@pytest.fixture
def cloud(server: CloudServer) -> Iterator[BigQueryBench]:
    """BigQuery alone, for its requests."""
    made = BigQueryBench(server)
    yield made
    made.warehouse.close()
