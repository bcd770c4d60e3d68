"""Where the value of an expression comes from, given where the columns in reach do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from customer360.errors import ProjectError
from customer360.googlesql.parse import line_of
from customer360.lineage.nodes import NOTHING, Kind, Node, Source, Sources, through

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Value:
    """Where a value comes from; of a STRUCT (or an ARRAY of them) made in the same query, field by field too.

    constants: literals that it may be, as written; what they are good for where there are sources, nobody asks
    """

    sources: Sources = NOTHING
    fields: Mapping[str, Value] = field(default_factory=dict)
    constants: frozenset[str] = NONE

    def field(self, name: str) -> Value:
        """A field; of a STRUCT that came from elsewhere as one column, the column."""
        return self.fields.get(name.lower()) or self.through(Kind.TRANSFORMATION)

    def through(self, kind: Kind) -> Value:
        fields = {name: value.through(kind) for name, value in self.fields.items()}
        return Value(through(self.sources, kind), fields, self.constants)

    def __or__(self, other: Value) -> Value:
        """Either of the two. Fields can be told apart still where both have them, or one is a constant."""
        if self.fields and other.fields:
            names = self.fields.keys() | other.fields.keys()
            fields = {name: self.field(name) | other.field(name) for name in names}
        else:
            fields = dict(self.fields) if not other.sources else dict(other.fields) if not self.sources else {}
        return Value(self.sources | other.sources, fields, self.constants | other.constants)


@dataclass(frozen=True)
class Relation:
    """A table, subquery or UNNEST: its columns, and what decides which rows it has."""

    columns: Mapping[str, Value]
    rows: Sources


@dataclass(frozen=True)
class Scope:
    """What a SELECT's expressions may name: its sources, and those of the SELECT around it; its own columns.

    subquery: a query inside the expression, as a relation
    """

    sources: Mapping[str, Relation]
    windows: Mapping[str, exp.Expr]
    subquery: Callable[[exp.Query], Relation]
    rows: Sources = NOTHING
    own: Mapping[str, Value] = field(default_factory=dict)

    def value(self, node: exp.Expr) -> Value:
        """Of any expression. A name that leads nowhere is a ProjectError."""
        if handler := _HANDLERS.get(type(node)):
            return handler(self, node)
        kind = Kind.AGGREGATION if isinstance(node, exp.AggFunc) else Kind.TRANSFORMATION
        parts = [self.value(part) for part in node.iter_expressions()]
        sources = frozenset(source for part in parts for source in through(part.sources, kind))
        # Of constants alone comes a constant.
        return Value(sources, {}, NONE if sources else NONE.union(*(part.constants for part in parts)))

    def sources_of(self, nodes: Iterable[exp.Expr], kind: Kind) -> Sources:
        """All that goes into these expressions, used as `kind`."""
        return frozenset(source for node in nodes for source in through(self.value(node).sources, kind))

    def column(self, node: exp.Column) -> Value:
        name, table = node.name.lower(), node.table.lower()
        relations = [self.sources[table]] if table in self.sources else [] if table else list(self.sources.values())
        for columns in [*([] if table else [self.own]), *(relation.columns for relation in relations)]:
            if name in columns:
                return columns[name]
        raise ProjectError(f"nobody can say where {node.sql('bigquery')} comes from", line=line_of(node))


def _inner(scope: Scope, node: exp.Expr) -> Value:
    return scope.value(node.this)


def _literal(_: Scope, node: exp.Expr) -> Value:
    return Value(constants=frozenset({node.sql("bigquery")}))


def _cast(scope: Scope, node: exp.Expr) -> Value:
    return Value(through(scope.value(node.this).sources, Kind.TRANSFORMATION), {}, scope.value(node.this).constants)


def _dot(scope: Scope, node: exp.Dot) -> Value:
    return scope.value(node.this).field(node.expression.name)


def _row(scope: Scope, node: exp.TableColumn) -> Value:
    """A table's name as a value: its row as a STRUCT."""
    columns = scope.sources[node.name.lower()].columns
    every = frozenset(source for value in columns.values() for source in value.sources)
    return Value(through(every, Kind.TRANSFORMATION), columns)


def _struct(scope: Scope, node: exp.Struct) -> Value:
    fields: dict[str, Value] = {}
    every: set[Source] = set()
    for item in node.expressions:
        named = isinstance(item, (exp.PropertyEQ, exp.Alias))
        value = scope.value(item.expression if isinstance(item, exp.PropertyEQ) else item)
        every |= value.sources
        if named or isinstance(item, exp.Column):
            name = item.this.name if isinstance(item, exp.PropertyEQ) else item.alias_or_name
            fields[name.lower()] = value
    return Value(through(frozenset(every), Kind.TRANSFORMATION), fields)


def _array(scope: Scope, node: exp.Array) -> Value:
    """ARRAY(SELECT …), or a list of elements, which may be STRUCTs of the same fields."""
    items = [scope.value(item) for item in node.expressions]
    found = items[0] if items else Value()
    for item in items[1:]:
        found |= item
    return found.through(Kind.TRANSFORMATION)


def _query(scope: Scope, node: exp.Query) -> Value:
    """A subquery as a value: its columns, and what decides which rows it finds."""
    relation = scope.subquery(node)
    every = frozenset(source for value in relation.columns.values() for source in value.sources)
    if isinstance(node, exp.Select) and node.args.get("kind") == "STRUCT":
        return Value(every | relation.rows, relation.columns)
    (column,) = relation.columns.values()
    return Value(every | relation.rows, column.fields)


def _element(scope: Scope, node: exp.Bracket) -> Value:
    """`xs[OFFSET(n)]`"""
    value = scope.value(node.this).through(Kind.TRANSFORMATION)
    return value | Value(scope.sources_of(node.expressions, Kind.TRANSFORMATION))


def _either(scope: Scope, node: exp.Coalesce) -> Value:
    value = scope.value(node.this)
    for other in node.expressions:
        value |= scope.value(other)
    return value.through(Kind.TRANSFORMATION)


def _exists(scope: Scope, node: exp.Exists) -> Value:
    return Value(scope.subquery(node.this).rows)


def _in(scope: Scope, node: exp.In) -> Value:
    query = node.args.get("query")
    others = [part for part in node.iter_expressions() if part is not query]
    found = scope.sources_of([*others, *([query.unnest()] if query is not None else [])], Kind.TRANSFORMATION)
    return Value(found)


def _if(scope: Scope, node: exp.If) -> Value:
    value = scope.value(node.args["true"])
    if (otherwise := node.args.get("false")) is not None:
        value |= scope.value(otherwise)
    return value.through(Kind.TRANSFORMATION) | Value(scope.sources_of([node.this], Kind.CONDITIONAL))


def _case(scope: Scope, node: exp.Case) -> Value:
    value = Value()
    if (default := node.args.get("default")) is not None:
        value = scope.value(default).through(Kind.TRANSFORMATION)
    for branch in node.args["ifs"]:
        value |= _if(scope, branch)
    subject = [node.this] if node.this is not None else []
    return value | Value(scope.sources_of(subject, Kind.CONDITIONAL))


def _count(scope: Scope, node: exp.Count) -> Value:
    if isinstance(node.this, exp.Star):
        return Value(frozenset(Source(s.node, Kind.AGGREGATION) for s in scope.rows if s.kind is Kind.READ))
    return Value(scope.sources_of(node.iter_expressions(), Kind.AGGREGATION))


def _collect(scope: Scope, node: exp.Expr) -> Value:
    """An aggregate that keeps values as they are: a STRUCT's fields can still be told apart."""
    return scope.value(node.this).through(Kind.AGGREGATION)


def _ordered(scope: Scope, node: exp.Order) -> Value:
    """`x ORDER BY y` inside an aggregate."""
    value = scope.value(node.this) if node.this is not None else Value()
    return value | Value(scope.sources_of((key.this for key in node.expressions), Kind.SORT))


def _having(scope: Scope, node: exp.HavingMax) -> Value:
    return scope.value(node.this) | Value(scope.sources_of([node.expression], Kind.SORT))


def _distinct(scope: Scope, node: exp.Distinct) -> Value:
    value = scope.value(node.expressions[0])
    return value | Value(scope.sources_of(node.expressions[1:], Kind.TRANSFORMATION))


def _window(scope: Scope, node: exp.Window) -> Value:
    return scope.value(node.this).through(Kind.TRANSFORMATION) | Value(_frame(scope, node))


def _frame(scope: Scope, node: exp.Expr) -> Sources:
    """What a window is divided and ordered by; `OVER name` and `OVER (name …)` take over the named one's."""
    order = node.args.get("order")
    keys = [*(node.args.get("partition_by") or ()), *(key.this for key in (order.expressions if order else ()))]
    found = scope.sources_of(keys, Kind.WINDOW)
    named = node.args.get("alias")
    return found | _frame(scope, scope.windows[named.name.lower()]) if named is not None else found


def _parameter(_: Scope, node: exp.Parameter) -> Value:
    return Value(frozenset({Source(Node.parameter(node.name), Kind.IDENTITY)}))


_HANDLERS: dict[type[exp.Expr], Callable[[Scope, Any], Value]] = {
    **dict.fromkeys((exp.Alias, exp.Paren, exp.IgnoreNulls, exp.RespectNulls, exp.Limit), _inner),
    **dict.fromkeys((exp.ArrayAgg, exp.AnyValue, exp.Max, exp.Min, exp.FirstValue, exp.LastValue), _collect),
    **dict.fromkeys((exp.Literal, exp.Null, exp.Boolean), _literal),
    **dict.fromkeys((exp.Cast, exp.TryCast), _cast),
    exp.Column: Scope.column,
    exp.Dot: _dot,
    exp.TableColumn: _row,
    exp.Struct: _struct,
    exp.Array: _array,
    exp.Select: _query,
    exp.Union: _query,
    exp.Except: _query,
    exp.Intersect: _query,
    exp.Subquery: _query,
    exp.Bracket: _element,
    exp.Coalesce: _either,
    exp.Exists: _exists,
    exp.In: _in,
    exp.If: _if,
    exp.Case: _case,
    exp.Count: _count,
    exp.Order: _ordered,
    exp.HavingMax: _having,
    exp.Distinct: _distinct,
    exp.Window: _window,
    exp.Parameter: _parameter,
}
