"""A lake whose GoogleSQL Google's reference implementation runs: DuckDB stores rows for it and computes none.

What a query gives and what a write writes is what Google's engine makes of the rows that the lake's tables hold. The
rest is no SQL of ours and stays the lake's: loads, the other partitions of a write, publishing, counting rows, what the
catalog says of tables, columns and versions, and the text of views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from customer360.googlesql import types
from customer360.googlesql.parse import parse_query, references
from customer360.googlesql.rename import rename_tables
from customer360.project import Project, TableName
from customer360.project.model import TableSpec
from customer360.settings import Parameter
from customer360.warehouse.lake_tables import quoted
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import JobStats
from reference import zetasql_tables
from reference.canonical import python_value
from reference.zetasql_tables import Table


class ReferenceLake(LocalWarehouse):
    """`queries`: how many were answered; `writes`: (table, partitions) of each write, None for the whole table."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        self.queries = 0
        self._read: dict[TableName, tuple[Any, Table]] = {}
        self.writes: list[tuple[TableName, Sequence[date] | None]] = []

    def query(self, sql: str, *, parameters: Any = None, renames: Any = None, as_of: Any = None) -> pa.Table:
        if as_of is not None:
            raise NotImplementedError("as_of")
        self.queries += 1
        return arrow(self._computed(sql, parameters, renames))

    def write(
        self,
        spec: TableSpec,
        sql: str,
        *,
        parameters: Mapping[str, Parameter] | None = None,
        renames: Mapping[TableName, TableName] | None = None,
        partitions: Sequence[date] | None = None,
        maximum_bytes: int | None = None,
        **how: Any,
    ) -> JobStats:
        """See the port. What Google's engine gives goes into the lake by way of a scratch table, as it is."""
        self.writes.append((spec.name, partitions))
        found = self._computed(sql, parameters, renames)
        assert found.schema == spec.schema, f"{spec.name}: {found.schema}, declared as {spec.schema}"
        scratch = TableSpec(self.temporary(spec.name), spec.columns, "What Google's engine gave.")
        with TemporaryDirectory() as folder:
            pq.write_table(arrow(found), file := f"{folder}/rows.parquet")
            self.load(scratch, [file])
        stats = super().write(spec, f"SELECT * FROM {scratch.name}", partitions=partitions, **how)
        self.drop([scratch.name])
        return stats

    def _computed(self, sql: str, parameters: Any, renames: Mapping[TableName, TableName] | None) -> Table:
        moved = rename_tables(sql, {str(old): str(new) for old, new in (renames or {}).items()})
        names = {TableName(each.dataset, each.table) for each in references(parse_query(moved))}
        return zetasql_tables.query(moved, {str(name): self._table(name) for name in sorted(names)}, parameters or {})

    def _table(self, name: TableName) -> Table:
        """A table as it lies in the lake, read without a query of ours; made for Google's engine when it has changed."""
        schema = self.columns(name) or {}
        rows = self.connection.execute(f"FROM {quoted(name)}").to_arrow_table().to_pylist()
        if name not in self._read or self._read[name][0] != (schema, rows):
            self._read[name] = (schema, rows), zetasql_tables.given(schema, rows)
        return self._read[name][1]


def arrow(table: Table) -> pa.Table:
    """The rows of a table of Google's engine as the warehouse gives rows."""
    row_type = table.row_type
    schema = pa.schema([(name, types.to_arrow(type_)) for name, type_ in table.columns])
    return pa.Table.from_pylist([python_value(row, row_type) for row in zetasql_tables.rows(table)], schema=schema)


def rebuilt(
    project: Project, raw: Mapping[TableName, Sequence[Mapping[str, Any]]], parameters: Mapping[str, Parameter]
) -> dict[TableName, Table]:
    """Every model's table, from raw rows alone, each from what the engine gave before."""
    found = {name: zetasql_tables.given(project.schema(name), rows) for name, rows in raw.items()}
    for name in project.graph.order:
        model = project.models[name]
        reads = {str(reference.name): found[reference.name] for reference in model.references}
        found[name] = zetasql_tables.query(model.sql, reads, {each: parameters[each] for each in model.parameters})
    return {name: found[name] for name in project.graph.order}
