"""Running the SQL files of this room: from names that say a table's part in it to tables of the warehouse."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from customer360.errors import WarehouseError
from customer360.googlesql.parse import parameters as parameter_names
from customer360.googlesql.parse import parse_query, references
from customer360.googlesql.rename import rename_tables
from customer360.identity.tables import DATASET, Tables
from customer360.project.model import Column, TableSpec
from customer360.project.names import TableName
from customer360.settings import Parameter
from customer360.warehouse.port import JobStats, RunInfo, Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

_SQL = Path(__file__).with_name("sql")


@dataclass
class Steps:
    """One resolution's statements.

    A SQL file names its tables by the part they play: `scratch.links` is a table of this run that is dropped at its
    end, `target.edges` one that it makes, `previous.edges` one that an earlier run made, `input.observations` one that
    it is given. `specs` are those of the tables it makes, by role. Every statement replaces its table, so each may be
    run again.
    """

    warehouse: Warehouse
    run: RunInfo
    specs: Mapping[str, TableSpec]
    target: Tables
    previous: Tables | None
    inputs: Mapping[str, TableName]
    parameters: Mapping[str, Parameter]
    maximum_bytes: int | None = None
    jobs: dict[TableName, JobStats] = field(default_factory=dict)

    def scratch(self, name: str) -> TableName:
        """Where a scratch table of this run is. Dated, so that runs of two days never meet."""
        return self.warehouse.temporary(TableName(DATASET, f"__{name}_{self.run.run_date:%Y%m%d}"))

    def write(
        self, name: str, columns: str, *, sql: str = "", reads: Mapping[str, TableName] | None = None,
        parameters: Mapping[str, Parameter] | None = None,
    ) -> int:  # fmt: skip
        """Write a scratch table; `columns` as in `node INT64, component INT64`. Returns its rows.

        `sql` is a file's name without suffix (default: the table's); `reads` says which tables stand for scratch names.
        """
        spec = _scratch_spec(columns)
        return self._run(spec, self.scratch(name), self._text(sql or name), reads or {}, parameters or {})

    def write_text(self, name: str, columns: str, text: str) -> int:
        """Write a scratch table from SQL that is made of this room's own table names."""
        spec = _scratch_spec(columns)
        return self._run(spec, self.scratch(name), text, {}, {})

    def write_empty(self, name: str, columns: str) -> int:
        """Write a scratch table without rows."""
        return self.write_text(name, columns, _nothing(_scratch_spec(columns)))

    def load(self, name: str, rows: pa.Table, schema: Mapping[str, str]) -> int:
        """Write a scratch table from Arrow rows; `schema` is column → GoogleSQL type. Returns its rows."""
        import pyarrow.parquet as pq

        columns = tuple(Column(column, type_, "") for column, type_ in schema.items())
        spec = TableSpec(self.scratch(name), columns, "Scratch of a resolution.")
        with TemporaryDirectory(prefix="c360-identity-") as folder:
            file = f"{folder}/{name}.parquet"
            pq.write_table(rows.select(list(schema)).cast(spec.arrow_schema), file)
            stats = self.warehouse.load(spec, [file], run=self.run)
        self.jobs[spec.name] = stats
        return stats.rows

    def ask(self, file: str) -> pa.Table:
        """The rows of a SQL file, without writing them."""
        text = self._text(file)
        return self.warehouse.query(self._renamed(text, {}), parameters=self._used(text, {}))

    def read(self, name: str) -> pa.Table:
        """All rows of a scratch table."""
        return self.warehouse.query(f"SELECT * FROM {self.scratch(name)}")

    def publishable(self, role: str, *, empty: bool = False) -> int:
        """Write one of the tables that a resolution makes, from the file of its name, or without rows. Returns its
        rows."""
        spec = self.specs[role]
        return self._run(spec, self.target.by_role[role], _nothing(spec) if empty else self._text(role), {}, {})

    def count(self, text: str) -> dict[str, int]:
        """The one row of a query over this run's tables."""
        found = self.warehouse.query(self._renamed(text, {}), parameters=self._used(text, {})).to_pylist()
        return {name: int(value or 0) for name, value in found[0].items()}

    def clear(self) -> None:
        """Drop this date's scratch tables, those of a run that was killed included."""
        suffix = f"_{self.run.run_date:%Y%m%d}"
        names = self.warehouse.tables(self.scratch("any").dataset)
        self.warehouse.drop(n for n in names if n.table.startswith("__") and n.table.endswith(suffix))

    def _run(
        self, spec: TableSpec, target: TableName, text: str, reads: Mapping[str, TableName],
        parameters: Mapping[str, Parameter],
    ) -> int:  # fmt: skip
        stats = self.warehouse.write(
            spec,
            self._renamed(text, reads),
            target=target,
            parameters=self._used(text, parameters),
            maximum_bytes=self.maximum_bytes,
            run=self.run,
        )
        self.jobs[target] = stats
        log.debug("%s: %s rows in %.1f s", target, f"{stats.rows:,}", stats.seconds)
        return stats.rows

    def _text(self, file: str) -> str:
        return (_SQL / f"{file}.sql").read_text(encoding="utf-8")

    def _used(self, text: str, more: Mapping[str, Parameter]) -> dict[str, Parameter]:
        known = {**self.parameters, **more}
        return {name: known[name] for name in _names_in(text)[1]}

    def _renamed(self, text: str, reads: Mapping[str, TableName]) -> str:
        return rename_tables(
            text, {f"{part}.{name}": str(self._place(part, name, reads)) for part, name in _names_in(text)[0]}
        )

    def _place(self, part: str, name: str, reads: Mapping[str, TableName]) -> TableName:
        if part == "scratch":
            return reads.get(name) or self.scratch(name)
        if part == "input" and name in self.inputs:
            return self.inputs[name]
        tables = {"target": self.target, "previous": self.previous}.get(part)
        if tables is None:
            raise WarehouseError(
                f"{part}.{name} is no table of this resolution: SQL of identity/ reads scratch, target,"
                " input and, after a first run, previous"
            )
        return tables.by_role[name]


@lru_cache(maxsize=256)
def _names_in(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """The tables that a query names, and its parameters."""
    query = parse_query(text)
    return [(each.dataset, each.table) for each in references(query)], sorted(parameter_names(query))


def _scratch_spec(columns: str) -> TableSpec:
    pairs = (column.strip().split(" ", 1) for column in columns.split(","))
    return TableSpec(
        TableName(DATASET, "__scratch"),
        tuple(Column(name, type_, "") for name, type_ in pairs),
        "Scratch of a resolution.",
    )


def _nothing(spec: TableSpec) -> str:
    columns = ", ".join(f"CAST(NULL AS {type_}) AS {name}" for name, type_ in spec.schema.items())
    return f"SELECT {columns} FROM (SELECT 1 AS one) AS nothing WHERE one = 0"
