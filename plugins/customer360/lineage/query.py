"""Where the columns of one query come from, and what decides which rows it has.

The query is analysed as for the embedded engine: every name resolved, stars expanded. From there each relation is
followed inwards: CTEs, subqueries, set operations, UNNEST.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlglot import exp

from customer360.errors import ProjectError
from customer360.googlesql.analysis import Schemas, analyse
from customer360.googlesql.parse import line_of, parse_query
from customer360.googlesql.unnesting import Element, resolve_elements
from customer360.lineage.expressions import Relation, Scope, Value
from customer360.lineage.nodes import NOTHING, Kind, Node, Source, Sources, through


def trace_query(sql: str, schemas: Schemas, parameters: Mapping[str, str], path: Path | None = None) -> Relation:
    """The query's columns, in order, and its rows, down to the tables and parameters it names.

    Raises ProjectError where a name cannot be followed.
    """
    query = analyse(parse_query(sql, path=path), schemas, parameters, path)
    elements = {id(unnest): element for unnest, element in resolve_elements(query)}
    try:
        return _Tracer(elements, schemas).relation(query, {}, {})
    except ProjectError as error:
        raise ProjectError(str(error), path=path, line=error.line) from None


Relations = Mapping[str, Relation]


@dataclass(frozen=True)
class _Tracer:
    """elements: the UNNESTs in FROM, by identity."""

    elements: Mapping[int, Element]
    schemas: Schemas

    def relation(self, query: exp.Expr, ctes: Relations, outer: Relations) -> Relation:
        """Of a query: `ctes` are in reach by name, `outer` are the sources of the queries around it."""
        ctes = dict(ctes)
        if (with_ := query.args.get("with_")) is not None:
            for cte in with_.expressions:
                ctes[cte.alias.lower()] = _renamed(self.relation(cte.this, ctes, outer), cte)
        if isinstance(query, exp.Subquery):
            found = self.relation(query.this, ctes, outer)
        elif isinstance(query, exp.SetOperation):
            found = self._set_operation(query, ctes, outer)
        elif isinstance(query, exp.Select):
            return self._select(query, ctes, outer)
        else:
            raise ProjectError(f"{query.key.upper()} is no query that lineage can follow", line=line_of(query))
        if query.args.get("limit") is not None:
            scope = Scope({}, {}, lambda inner: self.relation(inner, ctes, outer), own=found.columns)
            return Relation(found.columns, found.rows | _ordering(query, scope))
        return found

    def _set_operation(self, query: exp.SetOperation, ctes: Relations, outer: Relations) -> Relation:
        left, right = self.relation(query.this, ctes, outer), self.relation(query.expression, ctes, outer)
        rows = left.rows | right.rows
        if query.args.get("distinct") is not False:  # which rows are alike
            rows |= _used([left, right], Kind.GROUP_BY)
        if isinstance(query, exp.Except):
            return Relation(left.columns, rows)
        pairs = zip(left.columns.items(), right.columns.values(), strict=True)
        return Relation({name: one | other for (name, one), other in pairs}, rows)

    def _select(self, query: exp.Select, ctes: Relations, outer: Relations) -> Relation:
        windows = {window.name.lower(): window for window in query.args.get("windows") or ()}
        sources: dict[str, Relation] = {}
        rows = NOTHING

        def scope(**more: Mapping[str, Value]) -> Scope:
            reach = {**outer, **sources}
            return Scope(reach, windows, lambda inner: self.relation(inner, ctes, reach), rows, **more)

        joins = query.args.get("joins") or ()
        from_ = query.args.get("from_")
        for item in [*([from_.this] if from_ is not None else []), *(join.this for join in joins)]:
            sources[_name(item, self.elements)] = relation = self._source(item, ctes, scope())
            rows |= relation.rows
        rows |= scope().sources_of((on for join in joins if (on := join.args.get("on")) is not None), Kind.JOIN)
        rows |= _clause(query, "where", scope())
        columns = {item.alias_or_name.lower(): scope().value(item) for item in query.expressions}
        within = scope(own=columns)
        group = query.args.get("group")
        rows |= within.sources_of(group.expressions if group is not None else (), Kind.GROUP_BY)
        rows |= _clause(query, "having", within) | _clause(query, "qualify", within)
        if query.args.get("distinct") is not None:
            rows |= _used([Relation(columns, rows)], Kind.GROUP_BY)
        if query.args.get("limit") is not None:
            rows |= _ordering(query, within)
        return Relation(columns, rows)

    def _source(self, item: exp.Expr, ctes: Relations, scope: Scope) -> Relation:
        """What stands in FROM or after JOIN."""
        if isinstance(item, exp.Unnest):
            return _unnested(self.elements[id(item)], scope.value(item.expressions[0]))
        if isinstance(item, exp.Table) and not item.db and item.name.lower() in ctes:
            return _renamed(ctes[item.name.lower()], item)
        if isinstance(item, exp.Table):
            name = f"{item.db}.{item.name}"
            columns = {column.lower(): _taken(Node(name, column.lower())) for column in self.schemas[name]}
            return Relation(columns, frozenset({Source(Node.rows(name), Kind.READ)}))
        return _renamed(self.relation(item, ctes, scope.sources), item)


def _taken(node: Node) -> Value:
    return Value(frozenset({Source(node, Kind.IDENTITY)}))


def _name(item: exp.Expr, elements: Mapping[int, Element]) -> str:
    return (elements[id(item)].table if isinstance(item, exp.Unnest) else item.alias_or_name).lower()


def _unnested(element: Element, array: Value) -> Relation:
    """A row for each element: the array's content is the value, and decides how many rows there are."""
    columns = {element.name.lower(): array.through(Kind.TRANSFORMATION)}
    if element.offset:
        columns[element.offset.lower()] = Value(through(array.sources, Kind.TRANSFORMATION))
    return Relation(columns, frozenset(Source(source.node, Kind.READ) for source in array.sources))


def _renamed(relation: Relation, item: exp.Expr) -> Relation:
    """`AS name(column, …)`"""
    names = item.alias_column_names
    if not names:
        return relation
    return Relation(dict(zip(map(str.lower, names), relation.columns.values(), strict=True)), relation.rows)


def _clause(query: exp.Select, name: str, scope: Scope) -> Sources:
    clause = query.args.get(name)
    return NOTHING if clause is None else scope.sources_of([clause.this], Kind.FILTER)


def _ordering(query: exp.Expr, scope: Scope) -> Sources:
    """Before LIMIT, the order decides who stays."""
    order = query.args.get("order")
    return scope.sources_of((key.this for key in order.expressions) if order is not None else (), Kind.SORT)


def _used(relations: Iterable[Relation], kind: Kind) -> Sources:
    values = (value for relation in relations for value in relation.columns.values())
    return frozenset(source for value in values for source in through(value.sources, kind))
