"""INT64 that DuckDB would make an INTEGER of: literals, and what is computed from nothing else."""

from __future__ import annotations

from sqlglot import exp

_SAME_AS_ARGUMENT = ("abs", "greatest", "least", "any_value", "arg_max_null", "arg_min_null")


def is_narrow(node: exp.Expr) -> bool:
    """Whether a node that means an INT64 needs a cast where its type shows: in a column, a field or an array."""
    if isinstance(node, exp.Literal):
        return node.is_int
    if isinstance(node, (exp.Paren, exp.Neg, exp.Max, exp.Min, exp.Window)):
        return is_narrow(node.this)
    if isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.IntDiv)):
        return is_narrow(node.left) and is_narrow(node.right)
    if isinstance(node, (exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue, exp.IgnoreNulls, exp.Nullif)):
        return is_narrow(node.this)
    if isinstance(node, exp.Coalesce):
        return all(map(_may_be_narrow, (node.this, *node.expressions)))
    if isinstance(node, exp.Case):
        values = [*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")]
        return all(_may_be_narrow(value) for value in values if value is not None)
    if isinstance(node, exp.If):
        return all(_may_be_narrow(value) for value in (node.args["true"], node.args.get("false")) if value is not None)
    if isinstance(node, exp.Anonymous) and node.name in _SAME_AS_ARGUMENT:
        return is_narrow(node.expressions[0])
    return False


def _may_be_narrow(node: exp.Expr) -> bool:
    return isinstance(node.unnest(), exp.Null) or is_narrow(node)
