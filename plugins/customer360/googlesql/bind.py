"""Named parameters → typed literals: a value becomes SQL only by way of the syntax tree, which quotes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sqlglot import TokenType, exp
from sqlglot.dialects.bigquery import BigQuery

from customer360.errors import ProjectError


def bind_parameters(sql: str, parameters: Mapping[str, tuple[str, Any]]) -> str:
    """GoogleSQL with every `@name` replaced by its value. `parameters` maps name → (GoogleSQL type, Python value).

    The literals are put in at the places of the tokens: writing the whole query anew from its syntax tree would change
    other parts of it.
    """
    tokens = BigQuery().tokenize(sql)
    spans: list[tuple[int, int, str]] = []
    for sign, name in pairwise(tokens):
        if sign.token_type != TokenType.PARAMETER:
            continue
        if name.text not in parameters:
            raise ProjectError(
                f"no value for @{name.text}", line=name.line, hint=f"known parameters: {', '.join(sorted(parameters))}"
            )
        literal = to_literal(*parameters[name.text]).sql(dialect="bigquery")
        spans.append((sign.start, name.end + 1, literal))
    for start, end, literal in reversed(spans):
        sql = sql[:start] + literal + sql[end:]
    return sql


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
