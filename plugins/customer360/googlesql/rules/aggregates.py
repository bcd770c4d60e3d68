"""Aggregates and windows."""

from __future__ import annotations

from sqlglot import exp

from customer360.googlesql import types
from customer360.googlesql.rules.base import call, cast, constant_int, constant_text, known, refused, rule


@rule(exp.Sum)
def total(node: exp.Sum) -> exp.Expr:
    """SUM of INT64 is INT64; DuckDB's is a HUGEINT. Under OVER the window's rule casts."""
    if known(node) != types.INT64 or isinstance(node.parent, exp.Window):
        return node
    return cast(node, types.INT64)


@rule(exp.Avg)
def mean(node: exp.Avg) -> exp.Expr:
    """AVG of NUMERIC is NUMERIC; DuckDB's is a DOUBLE."""
    if known(node) != types.NUMERIC or isinstance(node.parent, exp.Window):
        return node
    return call("gsql_divide_int", exp.Sum(this=node.this), call("nullif", exp.Count(this=node.this.copy()), 0))


@rule(exp.Window)
def window(node: exp.Window) -> exp.Expr:
    """What the rule of the function under OVER would do, done around the whole."""
    function = node.this
    if isinstance(function, exp.Sum) and known(node) == types.INT64:
        return cast(node, types.INT64)
    if isinstance(function, exp.Avg) and known(node) == types.NUMERIC:
        parts = []
        for aggregate in (exp.Sum, exp.Count):
            part = node.copy()
            part.set("this", aggregate(this=function.this.copy()))
            parts.append(part)
        return call("gsql_divide_int", parts[0], call("nullif", parts[1], 0))
    return node


@rule(exp.CountIf)
def count_if(node: exp.CountIf) -> exp.Expr:
    """COUNTIF; DuckDB's own is a HUGEINT."""
    return exp.Filter(this=exp.Count(this=exp.Star()), expression=exp.Where(this=node.this))


@rule(exp.LogicalOr, exp.LogicalAnd)
def logical(node: exp.Func) -> exp.Expr:
    """LOGICAL_OR and LOGICAL_AND."""
    return call("bool_or" if isinstance(node, exp.LogicalOr) else "bool_and", node.this)


@rule(exp.AnyValue)
def any_value(node: exp.AnyValue) -> exp.Expr:
    """ANY_VALUE(x [HAVING MAX|MIN y])."""
    having = node.this
    if not isinstance(having, exp.HavingMax):
        return call("any_value", having)
    # arg_max leaves out rows whose value is NULL; the _null variant answers NULL for them, as GoogleSQL does.
    return call("arg_max_null" if having.args.get("max") else "arg_min_null", having.this, having.expression)


@rule(exp.ArrayAgg)
def array_agg(node: exp.ArrayAgg) -> exp.Expr:
    """ARRAY_AGG([DISTINCT] x [IGNORE NULLS] [ORDER BY …] [LIMIT n])."""
    value, order, limit, ignore_nulls = _parts(node.this)
    ignore_nulls = ignore_nulls or isinstance(node.parent, exp.IgnoreNulls)
    bare = value.expressions[0] if isinstance(value, exp.Distinct) else value
    return _first(_listed(value, order, bare if ignore_nulls else None), limit)


@rule(exp.IgnoreNulls, exp.RespectNulls)
def nulls(node: exp.Expr) -> exp.Expr:
    """IGNORE NULLS stays with navigation; the rule of ARRAY_AGG has seen it."""
    return node if isinstance(node.this, (exp.FirstValue, exp.LastValue, exp.NthValue)) else node.this


@rule(exp.GroupConcat)
def string_agg(node: exp.GroupConcat) -> exp.Expr:
    """STRING_AGG([DISTINCT] x [, separator] [ORDER BY …] [LIMIT n])."""
    value, order, limit, _ = _parts(node.this)
    separator = constant_text(node.args.get("separator")) if node.args.get("separator") else ","
    if separator is None:
        raise refused(node, "STRING_AGG with a separator that is no literal.", "write the separator as text")
    bare = value.expressions[0] if isinstance(value, exp.Distinct) else value
    return call("array_to_string", _first(_listed(value, order, bare), limit), separator)


def _parts(
    node: exp.Expr,
) -> tuple[exp.Expr, list[exp.Expr], int | None, bool]:
    order: list[exp.Expr] = []
    limit: int | None = None
    ignore_nulls = False
    while True:
        if isinstance(node, exp.Limit):
            limit = constant_int(node.expression)
            if limit is None:
                raise refused(node, "LIMIT that is no literal.", "write the number")
        elif isinstance(node, exp.Order):
            order = node.expressions
        elif isinstance(node, exp.IgnoreNulls):
            ignore_nulls = True
        elif not isinstance(node, exp.RespectNulls):
            return node, order, limit, ignore_nulls
        node = node.this


def _listed(value: exp.Expr, order: list[exp.Expr], not_null: exp.Expr | None) -> exp.Expr:
    ordered = exp.Order(this=value, expressions=order) if order else value
    listed = call("list", ordered)
    if not_null is None:
        return listed
    present = exp.Not(this=exp.Is(this=not_null.copy(), expression=exp.Null()))
    return exp.Filter(this=listed, expression=exp.Where(this=present))


def _first(listed: exp.Expr, limit: int | None) -> exp.Expr:
    if limit is None:
        return listed
    return exp.Bracket(
        this=exp.Paren(this=listed),
        expressions=[exp.Slice(this=exp.Literal.number(1), expression=exp.Literal.number(limit))],
    )


@rule(exp.Min, exp.Max, exp.Count)
def plain_aggregate(node: exp.Func) -> exp.Expr:
    """MIN, MAX and COUNT are the same in both."""
    if isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct) and len(node.this.expressions) > 1:
        raise refused(node, "COUNT(DISTINCT a, b).", "count a STRUCT's rows in a subquery with SELECT DISTINCT")
    return node


@rule(exp.RowNumber, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile)
def ranking(node: exp.Func) -> exp.Expr:
    """Rankings are the same in both."""
    return node


@rule(exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue)
def navigation(node: exp.Func) -> exp.Expr:
    """Navigation is the same in both."""
    return node
