"""What is done to a query before BigQuery gets it: named parameters, and reading tables as they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from google.cloud import bigquery
from sqlglot import exp

from customer360.errors import WarehouseError
from customer360.googlesql import types
from customer360.googlesql.parse import parameters as parameter_names
from customer360.googlesql.parse import parse_query, references
from customer360.googlesql.types import Type
from customer360.project.names import TableName
from customer360.settings import Parameter

QueryParameter: TypeAlias = bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter | bigquery.StructQueryParameter


def query_parameters(sql: str, known: Mapping[str, Parameter]) -> list[QueryParameter]:
    """The parameters that a query uses, by name. A name without a value is a WarehouseError."""
    used = sorted(parameter_names(parse_query(sql)))
    if missing := [name for name in used if name not in known]:
        raise WarehouseError(f"no value for @{missing[0]}; known parameters: {', '.join(sorted(known)) or 'none'}")
    return [_parameter(name, types.parse(known[name].type), known[name].value) for name in used]


def _parameter(name: str | None, type_: Type, value: Any) -> QueryParameter:
    if type_.element is not None:
        values = list(value or ())
        if type_.element.name == "STRUCT":
            struct = _struct_type(type_.element)
            return bigquery.ArrayQueryParameter(name, struct, [_parameter(None, type_.element, v) for v in values])
        return bigquery.ArrayQueryParameter(name, type_.element.name, [_scalar(type_.element, v) for v in values])
    if type_.name == "STRUCT":
        return bigquery.StructQueryParameter(name, *(_parameter(f, t, (value or {}).get(f)) for f, t in type_.fields))
    return bigquery.ScalarQueryParameter(name, type_.name, _scalar(type_, value))


def _scalar(type_: Type, value: Any) -> Any:
    # The client writes datetimes of another zone as UTC, and Python values as JSON text; JSON given as text stays.
    if type_.name == "JSON" and isinstance(value, str):
        return json.loads(value)
    if type_.name == "TIMESTAMP" and isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    return value


def _struct_type(type_: Type) -> bigquery.StructQueryParameterType:
    return bigquery.StructQueryParameterType(*(_type(field, nested) for field, nested in type_.fields))


def _type(name: str, type_: Type) -> Any:
    if type_.element is not None:
        return bigquery.ArrayQueryParameterType(_type("", type_.element), name=name)
    if type_.name == "STRUCT":
        return bigquery.StructQueryParameterType(*(_type(f, t) for f, t in type_.fields), name=name)
    return bigquery.ScalarQueryParameterType(type_.name, name=name or None)


def tables_read(sql: str) -> frozenset[TableName]:
    """The tables that a query reads."""
    return frozenset(TableName(r.dataset, r.table) for r in references(parse_query(sql)))


def read_as_of(sql: str, moments: Mapping[TableName, datetime]) -> str:
    """Read each table as it was at its moment (naive ones are UTC). The text stays otherwise as it was."""
    query = parse_query(sql)
    spans: list[tuple[int, str]] = []
    for table in query.find_all(exp.Table):
        moment = moments.get(TableName(table.db, table.name))
        if moment is None or table.args.get("version"):
            continue
        # GoogleSQL wants the alias before FOR SYSTEM_TIME.
        alias = table.args.get("alias")
        last = alias.this if alias is not None and alias.this is not None else table.this
        utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        clause = f" FOR SYSTEM_TIME AS OF TIMESTAMP '{utc:%Y-%m-%d %H:%M:%S.%f}+00:00'"
        spans.append((last.meta["end"] + 1, clause))
    for at, clause in sorted(spans, reverse=True):
        sql = sql[:at] + clause + sql[at:]
    return sql
