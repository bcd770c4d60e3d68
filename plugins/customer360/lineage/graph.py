"""Lineage of a whole project: from any column to the raw columns it comes from, and to all that is made from it.

Two questions are kept apart. *Values*: what a column is made of, conditions and orders inside its expression included.
*Rows*: what decides which rows a table has and which of them meet: filters, joins, groups.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from customer360.errors import ProjectError
from customer360.lineage.expressions import Relation, Value
from customer360.lineage.nodes import NOTHING, Kind, Node, Source, Sources
from customer360.lineage.query import trace_query
from customer360.project import Project, TableName

_Step = Callable[[Node], Iterable[Source]]


class Lineage:
    """Each model's query is read once, when it is first asked about. `parameters` maps a name to its GoogleSQL type."""

    def __init__(self, project: Project, parameters: Mapping[str, str]) -> None:
        self.project = project
        self._parameters = parameters
        self._traced: dict[str, Relation] = {}

    @property
    def tables(self) -> list[str]:
        """Every table there is: raw ones first, then in build order."""
        return [*map(str, sorted(self.project.contracts)), *map(str, self.project.graph.order)]

    def columns(self, table: str) -> list[Node]:
        """The columns of a table, in order."""
        return [Node(table, column) for column in self.project.schemas[table]]

    def is_raw(self, table: str) -> bool:
        """Whether a table's rows come from outside."""
        return bool(table) and TableName.parse(table) in self.project.contracts

    def computed_by(self, table: str) -> str | None:
        """The room that makes a table in Python: which column goes where, nobody can say then."""
        model = self.project.models.get(TableName.parse(table)) if table else None
        return model.built_by if model else None

    def trace(self, table: str) -> Relation:
        """Where the columns of a table come from, one step back, and what decides its rows. ProjectError where a name
        in its query cannot be followed."""
        if table not in self._traced:
            self._traced[table] = self._trace(TableName.parse(table))
        return self._traced[table]

    def _trace(self, name: TableName) -> Relation:
        model = self.project.models.get(name)
        if model is None:
            return Relation({column: Value() for column in self.project.schema(name)}, NOTHING)
        if self.computed_by(str(name)):
            reads = frozenset(Source(Node.anything(str(r.name)), Kind.COMPUTED) for r in model.references)
            return Relation({column: Value(reads) for column in model.spec.schema}, reads)
        return trace_query(model.sql, self.project.schemas, self._parameters, model.path / "query.sql")

    def sources(self, node: Node) -> Sources:
        """One step back: what a column is made of, what decides a table's rows, what a whole table consists of."""
        if node.is_parameter:
            return NOTHING
        if node.is_anything:
            return frozenset(Source(part, Kind.READ) for part in [*self.columns(node.table), Node.rows(node.table)])
        relation = self.trace(node.table)
        return relation.rows if node.is_rows else relation.columns[node.column].sources

    def values(self, node: Node) -> Sources:
        """One step back without what decides: the rows of a table come from the rows it reads."""
        found = self.sources(node)
        return frozenset(s for s in found if s.kind in (Kind.READ, Kind.COMPUTED)) if node.is_rows else found

    def users(self, node: Node) -> Sources:
        """One step forward: the inverse of `sources`."""
        return frozenset(self._users.get(node, ()))

    def value_users(self, node: Node) -> Sources:
        """One step forward: the inverse of `values`."""
        return frozenset(user for user in self.users(node) if Source(node, user.kind) in self.values(user.node))

    @cached_property
    def _users(self) -> Mapping[Node, set[Source]]:
        users: dict[Node, set[Source]] = {}
        every = [node for table in self.tables for node in [*self.columns(table), Node.rows(table)]]
        as_a_whole = {source.node for node in every for source in self.sources(node) if source.node.is_anything}
        for node in [*every, *as_a_whole]:
            for source in self.sources(node):
                users.setdefault(source.node, set()).add(Source(node, source.kind))
        return users

    def ends(self, *nodes: Node) -> list[Node]:
        """What the values of these come from in the end: raw columns and rows, parameters of the run, and columns of
        models that are constants."""
        return sorted(node for node in _reach(nodes, self.values) if not self.values(node))

    def deciding(self, *nodes: Node) -> list[Node]:
        """What else decides which rows the values of these come from, as `ends`."""
        start = [*nodes, *(Node.rows(node.table) for node in nodes if not node.is_parameter)]
        known = set(self.ends(*nodes))
        found = (node for node in _reach(start, self.sources) if not self.sources(node) and node not in known)
        return sorted(node for node in found if not node.is_rows)

    def computed(self, *nodes: Node) -> list[str]:
        """The computed tables among what these come from: from there on, any column may come from any."""
        return sorted({node.table for node in _reach(nodes, self.values) if self.computed_by(node.table)})

    def impact(self, *nodes: Node) -> tuple[list[Node], list[str]]:
        """What a change of these may change: the columns made of them; and the tables whose rows they decide, with all
        the tables made from those."""
        values = [n for n in _reach(nodes, self.value_users) if n.is_column and n not in nodes]
        tables = {node.table for node in _reach(nodes, self.users) if node.is_rows and node not in nodes}
        return sorted(values), [table for table in self.tables if table in tables]

    def find(self, text: str) -> list[Node]:
        """The node of `dataset.table.column`, or all columns of `dataset.table`. ProjectError, with what is nearest,
        where there is no such thing."""
        parts = text.lower().split(".")
        table, column = ".".join(parts[:2]), ".".join(parts[2:])
        if table not in self.project.schemas:
            raise ProjectError(f"there is no table {table!r}", hint=_nearest(text, [*self.tables, *self._paths(parts)]))
        if column and column not in self.project.schemas[table]:
            raise ProjectError(f"{table} has no column {column!r}", hint=_nearest(column, self.project.schemas[table]))
        return [Node(table, column)] if column else self.columns(table)

    def _paths(self, parts: list[str]) -> list[str]:
        """Where a column of the last part's name is, for somebody who left out the dataset or the table."""
        return [str(node) for table in self.tables for node in self.columns(table) if node.column == parts[-1]]


def _reach(start: Iterable[Node], step: _Step) -> list[Node]:
    """All that steps lead to, the start first, each once."""
    found = dict.fromkeys(start)
    waiting = list(found)
    while waiting:
        for source in step(waiting.pop()):
            if source.node not in found:
                found[source.node] = None
                waiting.append(source.node)
    return list(found)


def _nearest(text: str, known: Iterable[str]) -> str | None:
    close = difflib.get_close_matches(text.lower(), list(known), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else None
