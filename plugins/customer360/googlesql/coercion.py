"""Where sqlglot's inference of types differs from GoogleSQL's: mixed numbers, and functions it does not know.

A FLOAT64 literal that meets a NUMERIC is a NUMERIC: `n * 0.5` and `COALESCE(n, 0.0)` are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery

_Annotator = Callable[[Any, Any], exp.Expr]
_INT, _NUMERIC, _FLOAT = exp.DType.BIGINT, exp.DType.DECIMAL, exp.DType.DOUBLE
_NUMBERS = {exp.DType.INT: _INT, _INT: _INT, _NUMERIC: _NUMERIC, _FLOAT: _FLOAT}


def _operands(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Case):
        values = [*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")]
    elif isinstance(node, exp.If):
        values = [node.args["true"], node.args.get("false")]
    elif isinstance(node, (exp.Coalesce, exp.Greatest, exp.Least)):
        values = [node.this, *node.expressions]
    else:
        values = [node.this, node.expression]
    return [value for value in values if value is not None and not isinstance(value.unnest(), exp.Null)]


def _is_literal(node: exp.Expr) -> bool:
    bare = node.unnest()
    return isinstance(bare, exp.Literal) or (isinstance(bare, exp.Neg) and _is_literal(bare.this))


def _number(operands: Iterable[exp.Expr]) -> exp.DType | None:
    """The common type of numbers; None where one is no number or nothing is known."""
    fixed: set[exp.DType] = set()
    literal: set[exp.DType] = set()
    for operand in operands:
        type_ = _NUMBERS.get(operand.type.this) if operand.type else None
        if type_ is None:
            return None
        (literal if _is_literal(operand) else fixed).add(type_)
    if _FLOAT in fixed or (_FLOAT in literal and _NUMERIC not in fixed):
        return _FLOAT
    if _NUMERIC in fixed | literal:
        return _NUMERIC
    return _INT if fixed | literal else None


def _common(default: _Annotator | None) -> _Annotator:
    def annotate(annotator: Any, node: exp.Expr) -> exp.Expr:
        number = _number(_operands(node))
        if number is None:
            return default(annotator, node) if default else node
        annotator._set_type(node, number)
        return node

    return annotate


def _quotient(annotator: Any, node: exp.Expr) -> exp.Expr:
    number = _number(_operands(node))
    annotator._set_type(node, _FLOAT if number == _INT else number)
    return node


def _as_argument(annotator: Any, node: exp.Expr) -> exp.Expr:
    kind = _NUMBERS.get(node.this.type.this)
    annotator._set_type(node, _FLOAT if kind == _INT else kind)
    return node


_MIXED = (exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Coalesce, exp.Greatest, exp.Least, exp.If, exp.Case, exp.Nullif)
_KNOWN: dict[type[exp.Expr], dict[str, Any]] = dict(BigQuery.EXPRESSION_METADATA)
METADATA: dict[type[exp.Expr], dict[str, Any]] = {
    **_KNOWN,
    **{type_: {"annotator": _common(_KNOWN.get(type_, {}).get("annotator"))} for type_ in _MIXED},
    exp.Div: {"annotator": _quotient},
    exp.SafeDivide: {"annotator": _quotient},
    exp.Trunc: {"annotator": _as_argument},
}
