"""A project's whole chain on Google's reference implementation: raw rows → every model, each from what it gave before."""

from __future__ import annotations

from collections.abc import Iterable

from customer360.build import Build
from customer360.project import TableName
from reference import zetasql_tables
from reference.canonical import canonical, compare_rows
from reference.zetasql_tables import Table


class Chain:
    """The tables of a build as the reference implementation makes them, from the build's raw rows and what Python
    computed (other tests look at that) alone.

    Each is made when it is first asked for.
    """

    def __init__(self, build: Build) -> None:
        self.build = build
        self._sql = {name: model.sql for name, model in build.project.models.items()}
        self._tables: dict[TableName, Table] = {}

    def changed(self, name: TableName, sql: str) -> Chain:
        """The same chain with other SQL for one model. Tables that do not depend on it are shared."""
        chain = Chain(self.build)
        chain._sql = self._sql | {name: sql}
        stale = {name} | self.build.project.graph.downstream(name)
        chain._tables = {other: table for other, table in self._tables.items() if other not in stale}
        return chain

    def table(self, name: TableName) -> Table:
        """A raw or computed table as it lies in the warehouse, or what a model gives for the tables of this chain."""
        if name not in self._tables:
            models = self.build.project.models
            given = name not in models or models[name].built_by
            self._tables[name] = self._given(name) if given else self._built(name)
        return self._tables[name]

    def _given(self, name: TableName) -> Table:
        schema = self.build.project.schema(name)
        return zetasql_tables.given(schema, self.build.warehouse.query(_select(name, schema)).to_pylist())

    def _built(self, name: TableName) -> Table:
        model = self.build.project.models[name]
        return zetasql_tables.query(
            self._sql[name],
            {str(reference.name): self.table(reference.name) for reference in model.references},
            {parameter: self.build.parameters[parameter] for parameter in sorted(model.parameters)},
        )

    def difference(self, name: TableName) -> str:
        """What the published table of a model differs from this chain's in, as text; empty if in nothing."""
        table = self.table(name)
        columns = list((self.build.warehouse.columns(name) or {}).items())
        if columns != list(table.columns):
            return f"columns: expected {list(table.columns)}, found {columns}"
        published = self.build.warehouse.query(_select(name, table.schema)).to_pylist()
        return compare_rows([canonical(row, table.row_type) for row in published], zetasql_tables.rows(table))


def _select(name: TableName, columns: Iterable[str]) -> str:
    return f"SELECT {', '.join(f'`{column}`' for column in columns)} FROM {name}"
