"""Named parameters → typed literals, through the syntax tree: values never become SQL by pasting text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlglot import exp

from customer360.errors import ProjectError
from customer360.googlesql.parse import parse_query


def bind_parameters(sql: str, parameters: Mapping[str, tuple[str, Any]]) -> str:
    """GoogleSQL with every `@name` replaced by its value. `parameters` maps name → (GoogleSQL type, Python value)."""

    def literal(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Parameter):
            return node
        name = node.name
        if name not in parameters:
            raise ProjectError(f"no value for @{name}", hint=f"known parameters: {', '.join(sorted(parameters))}")
        type_text, value = parameters[name]
        return to_literal(type_text, value)

    return parse_query(sql).transform(literal).sql(dialect="bigquery", comments=False)


def to_literal(type_text: str, value: Any) -> exp.Expression:
    """A typed GoogleSQL literal: scalars, and arrays of scalars from lists."""
    if type_text.startswith("ARRAY<") and value is not None:
        element = type_text.removeprefix("ARRAY<").removesuffix(">")
        array = exp.Array(expressions=[to_literal(element, item) for item in value])
        return exp.cast(array, type_text, dialect="bigquery") if not value else array
    if value is None:
        return exp.cast(exp.null(), type_text, dialect="bigquery")
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if type_text == "STRING":
        return exp.Literal.string(str(value))
    if type_text == "INT64":
        return exp.Literal.number(int(value))
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat(sep=" ")
    elif isinstance(value, (date, Decimal)):
        value = str(value)
    return exp.cast(exp.Literal.string(str(value)), type_text, dialect="bigquery")
