"""Where the rows are: tables of a DuckLake, one transaction per change, one writer at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any

import duckdb
import pyarrow as pa

from cloud_server.answers import Refused, Resource
from customer360.googlesql import types
from customer360.project.names import TableName
from customer360.warehouse.duckdb_text import identifier, literal
from customer360.warehouse.lake_tables import in_googlesql, quoted, scalar
from customer360.warehouse.local import LocalWarehouse

PAST = "c360_past"
_PARTITION = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}
# Logical sizes: https://cloud.google.com/bigquery/pricing#data
_SIZES = {"INT64": 8, "FLOAT64": 8, "NUMERIC": 16, "BOOL": 1, "DATE": 8, "DATETIME": 8, "TIMESTAMP": 8}


class Store:
    """Rows by `dataset.table`. `lock` is held by whoever reads or writes them."""

    def __init__(self, folder: Path) -> None:
        self.warehouse = LocalWarehouse(folder, memory_limit="2GB")
        self.lock = RLock()
        self._numbers = itertools.count()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        return self.warehouse.connection

    def close(self) -> None:
        with self.lock:
            self.warehouse.close()

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.lock:
            connection = self.connection
            connection.execute("BEGIN")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(duckdb.Error):
                    connection.execute("ROLLBACK")
                raise

    # -- tables

    def create(self, connection: duckdb.DuckDBPyConnection, name: TableName, columns: Mapping[str, str]) -> None:
        text = ", ".join(f"{identifier(column)} {types.to_duckdb(type_)}" for column, type_ in columns.items())
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(name.dataset)}")
        connection.execute(f"CREATE TABLE {quoted(name)} ({text or 'nothing BOOLEAN'})")

    def add_columns(self, name: TableName, columns: Mapping[str, str]) -> None:
        with self.transaction() as connection:
            for column, type_ in columns.items():
                column_text = f"{identifier(column)} {types.to_duckdb(type_)}"
                connection.execute(f"ALTER TABLE {quoted(name)} ADD COLUMN {column_text}")

    def create_view(self, name: TableName, duckdb_sql: str) -> None:
        with self.transaction() as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(name.dataset)}")
            connection.execute(f"CREATE OR REPLACE VIEW {quoted(name)} AS {duckdb_sql}")

    def drop(self, name: TableName, kind: str) -> None:
        with self.transaction() as connection:
            connection.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} IF EXISTS {quoted(name)}")

    def delete_partition(self, name: TableName, layout: Mapping[str, Any], partition: str) -> None:
        with self.transaction() as connection:
            connection.execute(f"DELETE FROM {quoted(name)} WHERE {partition_sql(layout)} = {literal(partition)}")

    def columns(self, duckdb_sql: str) -> dict[str, str]:
        """What a query gives: column → GoogleSQL type. Nothing runs."""
        with self.lock:
            relation = self.connection.sql(duckdb_sql)
            names = list(relation.columns)
            if len(set(names)) < len(names):
                raise Refused(400, "invalidQuery", f"Duplicate column names in the result are not supported: {names}")
            return {name: in_googlesql(str(type_)) for name, type_ in zip(names, relation.types, strict=True)}

    # -- rows

    def read(self, duckdb_sql: str) -> pa.Table:
        with self.lock:
            return self.connection.execute(duckdb_sql).to_arrow_table()

    def replace(
        self,
        name: TableName,
        columns: Mapping[str, str],
        source: str,
        *,
        partition: str | None = None,
        layout: Mapping[str, Any] | None = None,
        disposition: str = "WRITE_TRUNCATE",
        exists: bool = False,
        register: pa.Table | None = None,
    ) -> int:
        """Put the rows of a DuckDB query (`_rows` in it is `register`) into a table; returns how many.

        `partition` with `layout` is the one that they must be of, and that is replaced.
        """
        names = ", ".join(identifier(column) for column in columns)
        with self.lock, ExitStack() as cleanup:
            if register is not None:
                self.connection.register("_rows", register)
                cleanup.callback(self.connection.unregister, "_rows")
            if partition is not None:
                cleanup.callback(self.connection.execute, "DROP TABLE IF EXISTS temp._staged")
                source = self._staged(source, partition, layout or {})
            with self.transaction() as connection:
                if disposition == "WRITE_TRUNCATE" and partition is None:
                    connection.execute(f"DROP TABLE IF EXISTS {quoted(name)}")
                    self.create(connection, name, columns)
                elif not exists:
                    self.create(connection, name, columns)
                elif disposition == "WRITE_TRUNCATE":
                    where = f"{partition_sql(layout or {})} = {literal(partition or '')}"
                    connection.execute(f"DELETE FROM {quoted(name)} WHERE {where}")
                return scalar(connection, f"INSERT INTO {quoted(name)} ({names}) {source}")

    def _staged(self, source: str, partition: str, layout: Mapping[str, Any]) -> str:
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE _staged AS {source}")
        where = f"{partition_sql(layout)} <> {literal(partition)}"
        if scalar(self.connection, f"SELECT COUNT(*) FROM temp._staged WHERE {where}"):
            message = f"Some rows belong to different partitions rather than destination partition {partition}"
            raise Refused(400, "invalid", message)
        return "SELECT * FROM temp._staged"

    def view_of_past(self, name: TableName, moment: str) -> str:
        """A table as it was: the name of a view in the catalog PAST."""
        with self.lock:
            self.connection.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {PAST}")
            view = f"t{next(self._numbers)}"
            place = f"lake.{quoted(name)} AT (TIMESTAMP => TIMESTAMPTZ {literal(moment)})"
            self.connection.execute(f"CREATE VIEW {PAST}.{view} AS SELECT * FROM {place}")
            return view

    # -- sizes

    def statistics(
        self, name: TableName, columns: Mapping[str, str], layout: Mapping[str, Any], partition: str | None = None
    ) -> tuple[int, dict[str, int]]:
        """Rows, and the logical bytes of each column; of one partition if it is given."""
        parts = [size_sql(column, type_) for column, type_ in columns.items()]
        where = f" WHERE {partition_sql(layout)} = {literal(partition)}" if partition else ""
        with self.lock:
            found = self.connection.execute(f"SELECT {', '.join(['COUNT(*)', *parts])} FROM {quoted(name)}{where}")
            count, *sizes = found.fetchone() or (0,)
        return int(count), {column: int(size or 0) for column, size in zip(columns, sizes, strict=True)}


def size_sql(column: str, type_: str) -> str:
    """The bytes of a column, in SQL. Nested ones by their text, which is near enough."""
    name = identifier(column)
    if type_ in _SIZES:
        return f"{_SIZES[type_]} * COUNT({name})"
    if type_ in ("STRING", "JSON"):
        return f"SUM(2 + octet_length(encode({name}::VARCHAR)))"
    return f"SUM(2 + octet_length({name}))" if type_ == "BYTES" else f"SUM(length({name}::VARCHAR))"


def partition_sql(layout: Mapping[str, Any]) -> str:
    """The id of a row's partition, in SQL, such as `20240131`."""
    partitioning: Resource = layout.get("timePartitioning") or {}
    if not partitioning:
        raise Refused(400, "invalid", "Partition decorators need a partitioned table")
    column, format_ = identifier(partitioning["field"]), literal(_PARTITION[partitioning["type"]])
    return f"COALESCE(strftime({column}, {format_}), '__NULL__')"
