"""How a rule is written: a function from a typed GoogleSQL node to the DuckDB node that means the same.

Nodes are visited from the leaves up, so a rule sees children that are DuckDB already but keep their GoogleSQL type.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from customer360.errors import UnsupportedSqlError
from customer360.googlesql import types
from customer360.googlesql.parse import DIALECT, line_of
from customer360.googlesql.types import Type

Rule = Callable[[Any], exp.Expr]

RULES: dict[type[exp.Expr], Rule] = {}

_SCALARS = {
    **dict.fromkeys(("BIGINT", "INT", "SMALLINT", "TINYINT"), types.INT64),
    **dict.fromkeys(("TEXT", "VARCHAR", "CHAR"), types.STRING),
    **dict.fromkeys(("BINARY", "VARBINARY"), types.BYTES),
    **dict.fromkeys(("DOUBLE", "FLOAT"), types.FLOAT64),
    **dict.fromkeys(("TIMESTAMPTZ", "TIMESTAMPLTZ"), types.TIMESTAMP),
    **dict.fromkeys(("DATETIME", "TIMESTAMP"), types.DATETIME),
    "BOOLEAN": types.BOOL,
    "DECIMAL": types.NUMERIC,
    "DATE": types.DATE,
    "JSON": types.JSON,
}
NULL = Type("NULL")
UNKNOWN = Type("UNKNOWN")


def rule(*nodes: type[exp.Expr]) -> Callable[[Rule], Rule]:
    """Register the rule for these node types; that also puts them on the allow-list."""

    def register(function: Rule) -> Rule:
        for node in nodes:
            if node in RULES:
                raise ValueError(f"two rules for {node.__name__}")
            RULES[node] = function
        return function

    return register


def type_of(node: exp.Expr) -> Type:
    """The GoogleSQL type of a node: NULL for a bare NULL, UNKNOWN where the analysis could not tell."""
    return _from_sqlglot(node.type) if isinstance(node.type, exp.DataType) else UNKNOWN


def known(node: exp.Expr) -> Type:
    """The type of a node, refusing the query where it is not known."""
    type_ = type_of(node)
    if type_ == UNKNOWN:
        raise refused(node, f"The type of {text(node)} cannot be told here.", "give it one with CAST(… AS …)")
    return type_


def _from_sqlglot(data_type: exp.DataType) -> Type:
    name = data_type.this.value if isinstance(data_type.this, exp.DType) else str(data_type.this)
    if name == "ARRAY" and data_type.expressions:
        return types.array(_from_sqlglot(data_type.expressions[0]))
    if name == "STRUCT":
        return types.struct(tuple(map(_field, data_type.expressions)))
    return _SCALARS.get(name, NULL if name == "NULL" else UNKNOWN)


def _field(field: exp.Expr) -> tuple[str, Type]:
    if isinstance(field, exp.ColumnDef):
        return field.name, _from_sqlglot(field.kind) if field.kind else UNKNOWN
    return "", _from_sqlglot(field) if isinstance(field, exp.DataType) else UNKNOWN


def is_known(type_: Type) -> bool:
    """Whether a type is known through and through."""
    if type_.element is not None:
        return is_known(type_.element)
    return type_ not in (UNKNOWN, NULL) and all(is_known(field) for _, field in type_.fields)


def refused(node: exp.Expr, message: str, hint: str) -> UnsupportedSqlError:
    """The error for a construct outside the allow-list; whoever knows the file adds it."""
    return UnsupportedSqlError(message, line=line_of(node), hint=hint)


def text(node: exp.Expr) -> str:
    """A node as a person wrote it, shortened."""
    sql = node.sql(DIALECT, comments=False)
    return sql if len(sql) <= 80 else f"{sql[:77]}…"


def call(name: str, *arguments: exp.Expr | int | str) -> exp.Anonymous:
    """A DuckDB function, written as it is: no translation of sqlglot's applies to it."""
    return exp.Anonymous(this=name, expressions=[_argument(argument) for argument in arguments])


def _argument(argument: exp.Expr | int | str) -> exp.Expr:
    if isinstance(argument, int):
        return exp.Literal.number(argument)
    return exp.Literal.string(argument) if isinstance(argument, str) else argument


@functools.lru_cache(maxsize=512)
def _duckdb_type(name: str) -> exp.DataType:
    return exp.DataType.build(name, dialect="duckdb")


def cast(node: exp.Expr, type_: Type, *, safe: bool = False) -> exp.Expr:
    """CAST (or TRY_CAST) to the DuckDB type that stores a GoogleSQL type."""
    return cast_to(node, type_.duckdb, safe=safe)


def cast_to(node: exp.Expr, duckdb_type: str, *, safe: bool = False) -> exp.Expr:
    """CAST (or TRY_CAST) to a DuckDB type by name."""
    class_ = exp.TryCast if safe else exp.Cast
    return class_(this=node, to=_duckdb_type(duckdb_type).copy())


def paren(node: exp.Expr) -> exp.Expr:
    """Brackets around an operator, none around what holds together anyway."""
    return exp.Paren(this=node) if isinstance(node, (exp.Binary, exp.Unary, exp.Between, exp.In)) else node


def argument(node: exp.Expr) -> exp.Expr:
    """A node's first argument."""
    first = node.this
    if not isinstance(first, exp.Expr):
        raise refused(node, f"{text(node)} has no argument.", "see the function's reference")
    return first


def case(condition: exp.Expr, value: exp.Expr, default: exp.Expr | None = None) -> exp.Case:
    """CASE WHEN condition THEN value [ELSE default] END."""
    return exp.Case(ifs=[exp.If(this=condition, true=value)], default=default)


def constant_int(node: exp.Expr | None) -> int | None:
    """The value of a literal INT64, else None."""
    if isinstance(node, exp.Neg):
        inner = constant_int(node.this)
        return None if inner is None else -inner
    if isinstance(node, exp.Literal) and (not node.is_string or node.this.lstrip("-").isdigit()):
        return int(node.this) if node.this.lstrip("-").isdigit() else None
    return None


def constant_text(node: exp.Expr | None) -> str | None:
    """The value of a literal STRING, else None."""
    if isinstance(node, exp.RawString):
        return str(node.this)
    return str(node.this) if isinstance(node, exp.Literal) and node.is_string else None
