"""Numbers: literals, operators, rounding. NUMERIC is DECIMAL(38, 9) before and after every operation."""

from __future__ import annotations

from sqlglot import exp

from customer360.googlesql import types
from customer360.googlesql.rules.base import (
    call,
    case,
    cast,
    constant_int,
    known,
    paren,
    refused,
    rule,
    text,
    type_of,
)

_ROUNDING = {exp.Round: "round", exp.Trunc: "trunc", exp.Floor: "floor", exp.Ceil: "ceil"}


@rule(exp.Literal)
def literal(node: exp.Literal) -> exp.Expr:
    """A number with a point is FLOAT64 in GoogleSQL and DECIMAL in DuckDB, unless it meets a NUMERIC."""
    if node.is_string or node.is_int:
        return node
    if _becomes_numeric(node):
        return cast(node, types.NUMERIC) if "e" in node.this.lower() else node
    return exp.Literal.number(node.this if "e" in node.this.lower() else f"{node.this}e0")


def _becomes_numeric(node: exp.Literal) -> bool:
    holder = node.parent
    while isinstance(holder, (exp.Paren, exp.Neg)):
        holder = holder.parent
    if isinstance(holder, exp.If):
        holder = holder.parent
    if isinstance(holder, (exp.Predicate, exp.Between)):
        operands = (child for child in holder.iter_expressions() if not isinstance(child, exp.Literal))
        return any(type_of(operand) == types.NUMERIC for operand in operands)
    return holder is not None and type_of(holder) == types.NUMERIC


@rule(exp.Add, exp.Sub)
def add(node: exp.Binary) -> exp.Expr:
    """Numbers only: dates have functions that name their unit."""
    for side in (node.left, node.right):
        if known(side).name in ("DATE", "TIMESTAMP", "DATETIME"):
            raise refused(
                node, f"{text(node)} does arithmetic on a {known(side)}.", "use DATE_ADD, DATE_SUB or DATE_DIFF"
            )
    return node


@rule(exp.Mul)
def multiply(node: exp.Mul) -> exp.Expr:
    """DuckDB adds the scales, so two NUMERICs are rounded back to nine digits; integers add none."""
    scales = [side for side in (node.left, node.right) if _has_scale(side)]
    return call("gsql_multiply", *scales) if type_of(node) == types.NUMERIC and len(scales) == 2 else node


def _has_scale(node: exp.Expr) -> bool:
    bare = node.unnest()
    return type_of(node) != types.INT64 and not (isinstance(bare, exp.Literal) and bare.is_int)


@rule(exp.Div)
def divide(node: exp.Div) -> exp.Expr:
    """`/`: NUMERIC stays NUMERIC, integers make a FLOAT64, and a division by zero is an error."""
    divisor = node.right
    if not constant_int(divisor.unnest()):
        divisor = call("gsql_nonzero", divisor)
        divisor.type = node.right.type
    return _quotient(node, node.left, divisor)


@rule(exp.SafeDivide)
def safe_divide(node: exp.SafeDivide) -> exp.Expr:
    """NULL when the divisor is zero; the type is that of `/`."""
    divisor = node.expression
    if not constant_int(divisor.unnest()):
        divisor = call("nullif", divisor, 0)
        divisor.type = node.expression.type
    return _quotient(node, node.this, divisor)


def _quotient(node: exp.Expr, left: exp.Expr, right: exp.Expr) -> exp.Expr:
    if type_of(node) != types.NUMERIC:
        # Both sides as they are would do for integers; a NUMERIC meets a FLOAT64 as one.
        return exp.Paren(this=exp.Div(this=_as_float(left), expression=_as_float(right), typed=False, safe=False))
    if known(right) == types.INT64:
        return call("gsql_divide_int", _as_numeric(left), right)
    return call("gsql_divide", _as_numeric(left), _as_numeric(right))


def _as_numeric(node: exp.Expr) -> exp.Expr:
    return node if known(node) == types.NUMERIC else cast(node, types.NUMERIC)


def _as_float(node: exp.Expr) -> exp.Expr:
    return paren(node) if known(node) in (types.FLOAT64, types.INT64) else cast(node, types.FLOAT64)


@rule(exp.IntDiv)
def integer_divide(node: exp.IntDiv) -> exp.Expr:
    """DIV: towards zero, as DuckDB's // does, but by zero an error."""
    if type_of(node) != types.INT64:
        raise refused(node, f"DIV of {known(node.left)}.", "use TRUNC(a / b)")
    divisor = node.right if constant_int(node.right) else call("gsql_nonzero", node.right)
    return exp.Paren(this=exp.IntDiv(this=paren(node.left), expression=paren(divisor)))


@rule(exp.Mod)
def modulo(node: exp.Mod) -> exp.Expr:
    """MOD: the sign of the dividend, as DuckDB's % does, but by zero an error."""
    divisor = node.right.unnest()
    if not constant_int(divisor):
        divisor = call("gsql_nonzero", divisor)
    return exp.Paren(this=exp.Mod(this=paren(node.left.unnest()), expression=paren(divisor)))


@rule(exp.Round, exp.Trunc, exp.Floor, exp.Ceil)
def rounding(node: exp.Func) -> exp.Expr:
    """Away from zero at the half in both engines; DuckDB changes the scale of a NUMERIC and keeps integers."""
    argument = node.this
    digits = node.args.get("decimals")
    if known(argument) == types.INT64:
        argument = cast(argument, types.FLOAT64)
    if digits is not None and constant_int(digits) is None:
        raise refused(node, "Rounding to digits that are no literal.", "write the number of digits")
    if isinstance(node, exp.Round) and type_of(node) == types.NUMERIC and abs(constant_int(digits) or 0) <= 9:
        return call("gsql_round", argument, digits or 0)
    rounded = call(_ROUNDING[type(node)], *(part for part in (argument, digits) if part is not None))
    return cast(rounded, types.NUMERIC) if type_of(node) == types.NUMERIC else rounded


@rule(exp.Abs)
def absolute(node: exp.Abs) -> exp.Expr:
    """ABS keeps the type."""
    return call("abs", node.this)


@rule(exp.Sign)
def sign(node: exp.Sign) -> exp.Expr:
    """SIGN keeps the type; DuckDB's is a TINYINT."""
    return cast(call("sign", node.this), known(node.this))


@rule(exp.Sqrt, exp.Exp, exp.Ln)
def real_function(node: exp.Func) -> exp.Expr:
    """FLOAT64 only: no two engines agree on the ninth digit of a NUMERIC logarithm."""
    return call(node.key.lower(), _real(node, node.this))


@rule(exp.Pow)
def power(node: exp.Pow) -> exp.Expr:
    """POW of FLOAT64s."""
    return call("pow", _real(node, node.this), _real(node, node.expression))


@rule(exp.Log)
def logarithm(node: exp.Log) -> exp.Expr:
    """LOG(x) is natural; LOG(x, base). The parser puts a base first."""
    if node.expression is None:
        return call("ln", _real(node, node.this))
    return exp.Paren(
        this=exp.Div(
            this=call("ln", _real(node, node.expression)),
            expression=call("ln", _real(node, node.this)),
            typed=False,
            safe=False,
        )
    )


def _real(node: exp.Expr, argument: exp.Expr) -> exp.Expr:
    if known(argument) == types.NUMERIC:
        raise refused(node, f"{node.key.upper()} of the NUMERIC {text(argument)}.", "CAST(… AS FLOAT64) first")
    return argument if known(argument) == types.FLOAT64 else cast(argument, types.FLOAT64)


@rule(exp.Greatest, exp.Least)
def extreme(node: exp.Func) -> exp.Expr:
    """NULL if any argument is; DuckDB would leave NULLs out."""
    arguments = [node.this, *node.expressions]
    nullable = [argument for argument in arguments if not isinstance(argument, (exp.Literal, exp.Null))]
    found = call(node.key.lower(), *arguments)
    if any(isinstance(argument, exp.Null) for argument in arguments):
        return exp.Null()
    if not nullable:
        return found
    missing = exp.or_(
        *(exp.Is(this=paren(argument.copy()), expression=exp.Null()) for argument in nullable), copy=False
    )
    return case(missing, exp.Null(), found)
