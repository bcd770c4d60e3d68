"""The embedded warehouse: DuckDB on a DuckLake folder (Parquet files, SQLite catalog).

One operation is one DuckLake transaction under the folder's write lock: it happened wholly or not at all, whenever the
process dies. Readers take a snapshot and never wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa

from customer360.errors import WarehouseError
from customer360.googlesql import types
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.project.periods import outside
from customer360.settings import Parameter
from customer360.warehouse import lake
from customer360.warehouse.costs import refuse_over_budget
from customer360.warehouse.duckdb_text import identifier, literal
from customer360.warehouse.lake_partitions import insert_by_partition, replace_partitions
from customer360.warehouse.lake_reading import LakeReading
from customer360.warehouse.lake_tables import (
    check_columns,
    create,
    differences,
    drop,
    evolve,
    keep,
    kinds,
    quoted,
    scalar,
    total_bytes,
)
from customer360.warehouse.lake_upkeep import LakeUpkeep
from customer360.warehouse.port import Change, JobStats, Publication, RunInfo


class LocalWarehouse(LakeReading, LakeUpkeep):
    """`folder` holds the lake; `schemas` are the declared ones, as in LakeReading."""

    engine = "local"

    def work_for(self, run: RunInfo) -> None:
        """See the port. Commits carry their run's id already, and there are no other jobs."""

    # -- tables

    def ensure(self, tables: Iterable[TableSpec]) -> list[TableName]:
        created: list[TableName] = []
        with self._transaction("ensure tables") as connection:
            for spec in tables:
                existing = self.columns(spec.name)
                if existing is None:
                    create(connection, spec, spec.name)
                    created.append(spec.name)
                else:
                    evolve(connection, spec, existing)
        return created

    def changes(self, tables: Iterable[TableSpec], *, replaced: bool = False) -> list[Change]:
        """See the port. Descriptions are not compared: they are written again each time. A model's table may become
        anything: this is where models are developed."""
        found: list[Change] = []
        for spec in tables:
            existing = self.columns(spec.name)
            if existing is None:
                found.append(Change(spec.name, "create", (f"{len(spec.columns)} columns",)))
            elif refused := differences(spec, existing):
                found.append(Change(spec.name, "alter" if replaced else "refuse", tuple(refused)))
            elif new := [f"new column {c.name} {c.type}" for c in spec.columns if c.name not in existing]:
                found.append(Change(spec.name, "alter", tuple(new)))
        return found

    def drop(self, names: Iterable[TableName]) -> None:
        found = [name for name in names if name.table in kinds(self.connection, name.dataset)]
        for name in found:
            if name.dataset == lake.SCRATCH:
                drop(self.connection, name)
        if wanted := [name for name in found if name.dataset != lake.SCRATCH]:
            with self._transaction("drop tables") as connection:
                for name in wanted:
                    drop(connection, name)

    # -- writing

    def load(
        self,
        spec: TableSpec,
        files: Sequence[str],
        *,
        partition: date | None = None,
        run: RunInfo | None = None,
    ) -> JobStats:
        """See the port. Files become the lake's by hard link (a copy across file systems): no row is written again."""
        started = time.monotonic()
        if remote := [file for file in files if "://" in file]:
            raise WarehouseError(f"the embedded warehouse loads files of this machine, not {remote[0]}")
        if spec.name.dataset == lake.SCRATCH:
            columns = (f"{identifier(c.name)}::{types.to_duckdb(c.type)} AS {identifier(c.name)}" for c in spec.columns)
            with self._reading(files) as found:
                kept = self._keep(spec, spec.name, f"SELECT {', '.join(columns)} FROM {found}")
            return JobStats(rows=kept, seconds=time.monotonic() - started)
        if self.columns(spec.name) is None:
            self.ensure([spec])
        with self._transaction(f"load {spec.name}", run) as connection:
            where, folder = (
                "",
                self.folder / "data" / spec.name.dataset / spec.name.table,
            )
            if partition is not None:
                if spec.partition is None:
                    raise WarehouseError(f"{spec.name} has no partitions, so none can be loaded")
                where = f" WHERE {identifier(spec.partition.column)} = DATE '{partition}'"
                folder /= f"{spec.partition.column}={partition}"
            connection.execute(f"DELETE FROM {quoted(spec.name)}{where}")
            if partition is None and spec.partition is not None and files:
                # Files that hold many partitions must be split; only a file of one can be taken as it is.
                with self._reading(files) as new:
                    connection.execute(f"INSERT INTO {quoted(spec.name)} BY NAME SELECT * FROM {new}")
            else:
                for file in files:
                    lake.adopt(connection, Path(file), folder, spec.name.dataset, spec.name.table)
            rows = scalar(connection, f"SELECT COUNT(*) FROM {quoted(spec.name)}{where}")
        return JobStats(rows=rows, seconds=time.monotonic() - started)

    def write(
        self,
        spec: TableSpec,
        sql: str,
        *,
        target: TableName | None = None,
        parameters: Mapping[str, Parameter] | None = None,
        renames: Mapping[TableName, TableName] | None = None,
        maximum_bytes: int | None = None,
        run: RunInfo | None = None,
        partitions: Sequence[date] | None = None,
        job_id: str | None = None,
    ) -> JobStats:
        """See the port. Files of partitions that stay are linked into the target: no row of them is read."""
        started = time.monotonic()
        query = self._translate(sql, parameters, renames)
        if maximum_bytes is not None and maximum_bytes < total_bytes(self.connection):
            refuse_over_budget(spec, self._bytes(sql, parameters, renames), maximum_bytes)
        name = target or spec.name
        if name.dataset == lake.SCRATCH:
            return JobStats(rows=self._keep(spec, name, query), seconds=time.monotonic() - started)
        data = self.folder / "data"
        with self._transaction(f"write {name}", run) as connection:
            check_columns(connection, spec, query)
            drop(connection, name)
            create(connection, spec, name, partitioned=False)
            if partitions is not None:
                others = self._translate(outside(spec, partitions), None, None)
                replace_partitions(connection, data, spec, name, query=query, others=others, partitions=partitions)
                rows = scalar(connection, f"SELECT COUNT(*) FROM {quoted(name)}")
            elif spec.partition and spec.partition.granularity != "DAY":
                insert_by_partition(connection, data, spec, name, query)
                rows = scalar(connection, f"SELECT COUNT(*) FROM {quoted(name)}")
            else:
                rows = scalar(connection, f"INSERT INTO {quoted(name)} {query}")
        self._written[str(name)] = spec.schema
        return JobStats(rows=rows, seconds=time.monotonic() - started)

    def _keep(self, spec: TableSpec, name: TableName, query: str) -> int:
        with self._errors(f"write {name}"):
            check_columns(self.connection, spec, query)
            rows = keep(self.connection, name, query)
        self._written[str(name)] = spec.schema
        return rows

    def start_write(self, spec: TableSpec, sql: str, **_: Any) -> str | None:
        return None

    def is_running(self, job_id: str) -> bool:
        return False

    def job_url(self, job_id: str) -> str | None:
        return None

    def cancel(self, job_id: str | None = None) -> list[str]:
        if self._connection is not None:
            self._connection.interrupt()
        return []

    def create_view(self, spec: TableSpec, sql: str) -> None:
        query = self._translate(sql, None, None)
        with self._transaction(f"create view {spec.name}") as connection:
            check_columns(connection, spec, query)
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(spec.name.dataset)}")
            connection.execute(f"CREATE OR REPLACE VIEW {quoted(spec.name)} AS {query}")
            connection.execute(f"COMMENT ON VIEW {quoted(spec.name)} IS {literal(spec.description)}")

    def publish(
        self,
        publications: Sequence[Publication],
        *,
        run: RunInfo,
        log: Mapping[TableSpec, pa.Table] | None = None,
        check: Callable[[], None] | None = None,
    ) -> dict[TableName, JobStats]:
        """See the port. A whole table is renamed into place: nothing is copied."""
        stats: dict[TableName, JobStats] = {}
        with self._transaction(f"publish {run.run_date}", run) as connection:
            if check:
                check()
            for publication in publications:
                started = time.monotonic()
                name, candidate = publication.spec.name, publication.candidate
                if publication.partition is None:
                    drop(connection, name)
                    connection.execute(f"ALTER TABLE {quoted(candidate)} RENAME TO {identifier(name.table)}")
                else:
                    assert publication.spec.partition is not None, f"{name} has no partitions"
                    column = identifier(publication.spec.partition.column)
                    if self.columns(name) is None:
                        create(connection, publication.spec, name)
                    connection.execute(f"DELETE FROM {quoted(name)} WHERE {column} = DATE '{publication.partition}'")
                    connection.execute(f"INSERT INTO {quoted(name)} BY NAME SELECT * FROM {quoted(candidate)}")
                    drop(connection, candidate)
                rows_now = scalar(connection, f"SELECT COUNT(*) FROM {quoted(name)}")
                stats[name] = JobStats(rows=rows_now, seconds=time.monotonic() - started)
            for spec, rows in (log or {}).items():
                self._insert(connection, spec, rows)
        return stats

    @contextmanager
    def _reading(self, files: Sequence[str]) -> Iterator[str]:
        """A relation of files, which may lie anywhere: by way of links in the lake's own folder, because the connection
        reads nothing outside of it."""
        with TemporaryDirectory(prefix="load_", dir=self.folder) as scratch:
            for number, file in enumerate(files):
                lake.link(Path(file), Path(scratch) / f"{number:06}.parquet")
            yield f"read_parquet({literal(f'{scratch}/*.parquet')})"

    def append(self, spec: TableSpec, rows: pa.Table) -> None:
        with self._transaction(f"append to {spec.name}") as connection:
            self._insert(connection, spec, rows)

    def _insert(self, connection: duckdb.DuckDBPyConnection, spec: TableSpec, rows: pa.Table) -> None:
        if spec.name.table not in kinds(connection, spec.name.dataset):
            create(connection, spec, spec.name)
        connection.register("_rows", rows)
        try:
            connection.execute(f"INSERT INTO {quoted(spec.name)} BY NAME SELECT * FROM _rows")
        finally:
            connection.unregister("_rows")
