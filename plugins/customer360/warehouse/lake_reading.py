"""Reading the lake: GoogleSQL → DuckDB → Arrow, now or as it was, and what a query would cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import duckdb
import pyarrow as pa

from customer360.errors import WarehouseError
from customer360.googlesql.bind import bind_parameters
from customer360.googlesql.parse import parse_query, references
from customer360.googlesql.rename import rename_tables
from customer360.googlesql.to_duckdb import to_duckdb
from customer360.project.names import TableName
from customer360.settings import Parameter
from customer360.warehouse import lake
from customer360.warehouse.lake_costs import bytes_of, reads
from customer360.warehouse.lake_session import LakeSession
from customer360.warehouse.lake_tables import drop, file_bytes, in_googlesql, keep, kinds, quoted, table_id
from customer360.warehouse.port import Estimate


class LakeReading(LakeSession):
    """A lake whose SQL is translated by `schemas`, the declared ones (`dataset.table` → column → GoogleSQL type);
    tables they do not name are looked up in the lake."""

    def __init__(
        self,
        folder: Path,
        *,
        schemas: Mapping[str, Mapping[str, str]] | None = None,
        memory_limit: str | None = None,
        threads: int | None = None,
        lock_timeout: float = 600.0,
    ) -> None:
        super().__init__(folder, memory_limit=memory_limit, threads=threads, lock_timeout=lock_timeout)
        self._schemas = dict(schemas or {})
        self._written: dict[str, dict[str, str]] = {}  # columns of what this object wrote elsewhere than in its table

    def columns(self, name: TableName) -> dict[str, str] | None:
        with self._errors(f"look at {name}"):
            if name.table not in kinds(self.connection, name.dataset):
                return None
            relation = self.connection.sql(f"FROM {quoted(name)} LIMIT 0")
            found = zip(relation.columns, relation.types, strict=True)
            return {column: in_googlesql(str(type_)) for column, type_ in found}

    def tables(self, dataset: str) -> list[TableName]:
        with self._errors(f"list {dataset}"):
            return [TableName(dataset, table) for table in kinds(self.connection, dataset)]

    def temporary(self, name: TableName) -> TableName:
        return TableName(lake.SCRATCH, name.table)

    def row_counts(self, names: Iterable[TableName]) -> dict[TableName, int]:
        found = [name for name in names if name.table in kinds(self.connection, name.dataset)]
        if not found:
            return {}
        # In one query: most of the time of each goes into its beginning.
        counts = (f"SELECT {number}, COUNT(*) FROM {quoted(name)}" for number, name in enumerate(found))
        with self._errors(f"count {', '.join(map(str, found))}"):
            rows = self.connection.execute(" UNION ALL ".join(counts)).fetchall()
        return {found[number]: count for number, count in sorted(rows)}

    @contextmanager
    def at_hand(self, names: Iterable[TableName], *, maximum_bytes: int) -> Iterator[dict[TableName, TableName]]:
        """Copies in memory of these tables as they are now, the smallest first, as far as their files are not larger
        together: where each is, until the block ends. A question about a table of the lake takes 20 ms before a row is
        read, one about a copy 2. A view is not copied, for it may be of any size; nor is what cannot be read: whoever
        asks about it is told."""
        copies: dict[TableName, TableName] = {}
        with self._errors("look at tables"):
            sizes = file_bytes(self.connection)
        room = maximum_bytes
        try:
            tables = [name for name in names if kinds(self.connection, name.dataset).get(name.table) == "TABLE"]
            for name in sorted(tables, key=lambda each: sizes.get(each, 0)):
                room -= sizes.get(name, 0)
                if room < 0:
                    break
                copy = TableName(lake.SCRATCH, f"__at_hand__{name.dataset}__{name.table}")
                with suppress(duckdb.Error):
                    keep(self.connection, copy, f"FROM {quoted(name)}")
                    copies[name] = copy
            yield copies
        finally:
            for copy in copies.values():
                drop(self.connection, copy)

    def versions(self, names: Iterable[TableName]) -> dict[TableName, str]:
        with self._errors("look at tables"):
            found = {name: table_id(self.connection, name) for name in names}
        return {name: str(number) for name, number in found.items() if number is not None}

    def query(
        self,
        sql: str,
        *,
        parameters: Mapping[str, Parameter] | None = None,
        renames: Mapping[TableName, TableName] | None = None,
        as_of: str | datetime | None = None,
    ) -> pa.Table:
        query = self._translate(sql, parameters, renames)
        if as_of is None:
            with self._errors("query"):
                return self.connection.execute(query).to_arrow_table()
        snapshot = self._snapshot(as_of)
        with self._errors(f"query as of {as_of}"):
            past = self._open(snapshot)
            try:
                return past.execute(query).to_arrow_table()
            finally:
                past.close()

    def _snapshot(self, as_of: str | datetime) -> int:
        """The last snapshot that a run committed, or the last at a time."""
        column = "commit_extra_info ->> '$.run_id' = ?" if isinstance(as_of, str) else "snapshot_time <= ?"
        with self._errors("look for a snapshot"):
            found = self.connection.execute(
                f"SELECT MAX(snapshot_id) FROM ducklake_snapshots('{lake.ALIAS}') WHERE {column}",
                [as_of],
            ).fetchone()
        if not found or found[0] is None:
            raise WarehouseError(f"nothing is kept as of {as_of}: no such run, or its snapshot has expired")
        return int(found[0])

    def estimate(
        self,
        sql: str,
        *,
        parameters: Mapping[str, Parameter] | None = None,
    ) -> Estimate:
        """See the port. Here: the compressed bytes of the columns read, in the files that may hold the rows."""
        query = self._translate(sql, parameters, None)
        with self._errors("estimate"):
            relation = self.connection.sql(query)
            columns = dict(zip(relation.columns, map(in_googlesql, map(str, relation.types)), strict=True))
        return Estimate(self._bytes(sql, parameters, None), exact=False, columns=columns)

    def _bytes(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None,
        renames: Mapping[TableName, TableName] | None,
    ) -> int:
        """What a query would read."""
        bound = bind_parameters(sql, parameters or {})
        names = {f"{r.dataset}.{r.table}" for r in references(parse_query(bound))}
        found = reads(bound, {name: self._schemas.get(name) or self._known(name) for name in names})
        moved = renames or {}
        with self._errors("estimate"):
            return bytes_of(self.connection, [replace(r, table=moved.get(r.table, r.table)) for r in found])

    def _translate(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None,
        renames: Mapping[TableName, TableName] | None,
    ) -> str:
        """GoogleSQL → DuckDB, with values bound and tables renamed."""
        bound = bind_parameters(sql, parameters or {})
        names = {f"{r.dataset}.{r.table}" for r in references(parse_query(bound))}
        schemas = {name: self._schemas.get(name) or self._written.get(name) or self._known(name) for name in names}
        if renames:
            moved = {str(old): str(new) for old, new in renames.items()}
            bound = rename_tables(bound, moved)
            schemas |= {moved[name]: schema for name, schema in schemas.items() if name in moved}
        return _in_duckdb(bound, tuple((name, tuple(schema.items())) for name, schema in schemas.items()))

    def _known(self, name: str) -> dict[str, str]:
        dataset, _, table = name.partition(".")
        found = self.columns(TableName(dataset, table))
        if found is None:
            raise WarehouseError(f"there is no table {name} in the lake {self.folder}")
        return found


@lru_cache(maxsize=256)
def _in_duckdb(sql: str, schemas: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]) -> str:
    """Translated once: the same questions about ops tables are asked again and again."""
    return to_duckdb(sql, schemas={name: dict(columns) for name, columns in schemas}, parameters={})
