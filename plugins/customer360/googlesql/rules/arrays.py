"""Arrays and structs."""

from __future__ import annotations

from sqlglot import exp

from customer360.googlesql import types
from customer360.googlesql.rules.base import (
    call,
    cast,
    constant_int,
    is_known,
    known,
    refused,
    rule,
    text,
    type_of,
)
from customer360.googlesql.rules.narrow import is_narrow


@rule(exp.Array)
def array(node: exp.Array) -> exp.Expr:
    """[a, b], ARRAY<T>[a, b] and ARRAY(SELECT …)."""
    if len(node.expressions) == 1 and isinstance(node.expressions[0].unnest(), exp.Query):
        query = node.expressions[0].unnest()
        if isinstance(query, exp.Select) and query.args.get("kind") == "STRUCT":
            query = _select_as_struct(query)
        return call("array", query)
    if isinstance(node.parent, exp.Cast):
        return node  # the cast gives the type
    type_ = type_of(node)
    if not is_known(type_):
        raise refused(node, f"The type of {text(node)} cannot be told.", "write ARRAY<T>[…]")
    return cast(node, type_)


def _select_as_struct(query: exp.Select) -> exp.Select:
    query = query.copy()
    query.set("kind", None)
    fields = [
        exp.PropertyEQ(this=exp.to_identifier(item.alias_or_name), expression=item.unalias()) for item in query.selects
    ]
    query.set("expressions", [exp.Struct(expressions=fields)])
    return query


@rule(exp.Struct)
def struct(node: exp.Struct) -> exp.Expr:
    """STRUCT(a AS x, b): every field has a name, from AS or from the column."""
    type_ = type_of(node)
    values = [item.expression if isinstance(item, exp.PropertyEQ) else item.unalias() for item in node.expressions]
    if _typed_by_holder(node):
        return call("row", *values)
    if not all(name for name, _ in type_.fields):
        raise refused(node, f"A field of {text(node)} has no name.", "name it with AS")
    fields = []
    for (name, field_type), value in zip(type_.fields, values, strict=True):
        if not is_known(field_type):
            raise refused(node, f"The type of the field {name} cannot be told.", "give it one with CAST(… AS …)")
        needs_cast = isinstance(value, exp.Null) or is_narrow(value)
        fields.append(
            exp.PropertyEQ(this=exp.to_identifier(name), expression=cast(value, field_type) if needs_cast else value)
        )
    return exp.Struct(expressions=fields)


def _typed_by_holder(node: exp.Expr) -> bool:
    """Whether a CAST or an array around gives this STRUCT its names and types."""
    return isinstance(node.parent, (exp.Cast, exp.Array))


@rule(exp.Tuple)
def row(node: exp.Tuple) -> exp.Expr:
    """(a, b) as an element of ARRAY<STRUCT<…>>[…]; elsewhere (IN, PARTITION BY) as it is."""
    return call("row", *node.expressions) if isinstance(node.parent, exp.Array) else node


@rule(exp.Coalesce)
def coalesce(node: exp.Coalesce) -> exp.Expr:
    """COALESCE(array, …, []) by LIST_CONCAT."""
    *values, last = (node.this, *node.expressions)
    if type_of(node).element is None or not values or not _is_empty(last):
        return node
    return _concat(values[0] if len(values) == 1 else exp.Coalesce(this=values[0], expressions=values[1:]), last)


def or_empty(value: exp.Expr, type_: types.Type) -> exp.Expr:
    """An array, or an empty one where it is NULL: GoogleSQL stores no array that is NULL."""
    if isinstance(value, exp.Anonymous) and value.name == "list_concat" and _is_empty(value.expressions[-1]):
        return value
    return _concat(value, cast(exp.Array(expressions=[]), type_))


def _concat(value: exp.Expr, empty: exp.Expr) -> exp.Expr:
    """LIST_CONCAT passes over NULLs. COALESCE would copy the elements of a whole chunk for each piece of it that joins
    leave."""
    return call("list_concat", value, empty)


def _is_empty(node: exp.Expr) -> bool:
    inner = node.this if isinstance(node, exp.Cast) else node
    return isinstance(inner, exp.Array) and not inner.expressions


@rule(exp.ArraySize)
def array_length(node: exp.ArraySize) -> exp.Expr:
    """ARRAY_LENGTH."""
    return call("len", node.this)


@rule(exp.Bracket)
def element(node: exp.Bracket) -> exp.Expr:
    """array[OFFSET(n)], [ORDINAL(n)], [SAFE_OFFSET(n)] and [SAFE_ORDINAL(n)]."""
    base = node.args.get("offset")
    if base is None or len(node.expressions) != 1 or known(node.this).element is None:
        raise refused(node, f"{text(node)} indexes without OFFSET.", "use [OFFSET(n)], [SAFE_OFFSET(n)] or JSON_VALUE")
    (index,) = node.expressions
    position = constant_int(index)
    offset: exp.Expr | int
    if position is not None:
        offset = position - int(base)
    else:
        offset = exp.Sub(this=index, expression=exp.Literal.number(1)) if base else index
    return call("gsql_safe_at" if node.args.get("safe") else "gsql_at", node.this, offset)


@rule(exp.ArrayConcat)
def array_concat(node: exp.ArrayConcat) -> exp.Expr:
    """ARRAY_CONCAT: NULL if any argument is."""
    joined: exp.Expr = node.this
    for other in node.expressions:
        joined = call("gsql_concat_arrays", joined, other)
    return joined


@rule(exp.ArrayToString)
def array_to_string(node: exp.ArrayToString) -> exp.Expr:
    """ARRAY_TO_STRING leaves NULLs out."""
    if node.args.get("null"):
        raise refused(node, "ARRAY_TO_STRING with a text for NULLs.", "leave NULLs out of the array")
    return call("array_to_string", node.this, node.expression)


@rule(exp.ArrayReverse)
def array_reverse(node: exp.ArrayReverse) -> exp.Expr:
    """ARRAY_REVERSE."""
    return call("list_reverse", node.this)


@rule(exp.GenerateSeries)
def generate_array(node: exp.GenerateSeries) -> exp.Expr:
    """GENERATE_ARRAY of INT64."""
    arguments = [node.args[name] for name in ("start", "end", "step") if node.args.get(name) is not None]
    if any(known(argument) != types.INT64 for argument in arguments):
        raise refused(node, "GENERATE_ARRAY of other than INT64.", "generate integers and compute from them")
    return call("generate_series", *(cast(argument, types.INT64) for argument in arguments))


@rule(exp.In)
def in_(node: exp.In) -> exp.Expr:
    """IN (…), IN (SELECT …), IN UNNEST(array)."""
    unnest = node.args.get("unnest")
    if unnest is None:
        return node
    (values,) = unnest.expressions
    return call("gsql_in", node.this, values)


@rule(exp.Dot)
def field(node: exp.Dot) -> exp.Expr:
    """struct.field; a function behind a dot is no field."""
    if not isinstance(node.expression, exp.Identifier):
        raise refused(node, f"{text(node)} is no field.", "only built-in functions are available")
    return node
