"""The same GoogleSQL through our dialect on an in-memory DuckDB; the signatures are those of `zetasql_engine`."""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from customer360.googlesql import types
from customer360.googlesql.session import SESSION_SETTINGS
from customer360.googlesql.to_duckdb import to_duckdb
from customer360.googlesql.types import Type
from reference.canonical import Row, canonical
from reference.zetasql_engine import Parameters, Tables


def execute(sql: str, *, tables: Tables, parameters: Parameters) -> list[Row]:
    """The rows of a query, canonical. `tables` maps dataset.table to (schema, rows); `parameters` a name to (type, value)."""
    return run(sql, tables=tables, parameters=parameters)[1]


def run(sql: str, *, tables: Tables, parameters: Parameters) -> tuple[list[tuple[str, str]], list[Row]]:
    """(name, GoogleSQL type) of each column, and the rows. A column whose type no GoogleSQL type is stored as is refused."""
    schemas = tuple((name, tuple(schema.items())) for name, (schema, _) in tables.items())
    translated = _translated(sql, schemas, tuple((name, type_) for name, (type_, _) in parameters.items()))
    connection = _connection()
    try:
        for name, (schema, rows) in tables.items():
            _create(connection, name, schema, rows)
        values = {name: literal(value, types.parse(type_)) for name, (type_, value) in parameters.items()}
        used = [f'"{name}" := {value}' for name, value in values.items() if re.search(rf"\${name}\b", translated)]
        connection.execute(f"PREPARE translated AS {translated}")
        relation = connection.execute(f"EXECUTE translated({', '.join(used)})" if used else "EXECUTE translated")
        columns = [(column[0], types.from_duckdb(str(column[1]))) for column in relation.description or []]
        row_type = types.struct(tuple((name, types.parse(type_)) for name, type_ in columns))
        return columns, [canonical(row, row_type) for row in relation.fetchall()]
    finally:
        for dataset in {name.split(".")[0] for name in tables}:
            connection.execute(f'DROP SCHEMA IF EXISTS "{dataset}" CASCADE')


@functools.cache
def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    for statement in SESSION_SETTINGS:
        connection.execute(statement)
    return connection


@functools.lru_cache(maxsize=64)
def _translated(sql: str, schemas: tuple[tuple[str, Any], ...], parameters: tuple[tuple[str, str], ...]) -> str:
    return to_duckdb(sql, schemas={name: dict(columns) for name, columns in schemas}, parameters=dict(parameters))


def _create(
    connection: duckdb.DuckDBPyConnection, name: str, schema: Mapping[str, str], rows: Iterable[Mapping[str, Any]]
) -> None:
    dataset, table = name.split(".")
    parsed = {column: types.parse(type_) for column, type_ in schema.items()}
    columns = ", ".join(f'"{column}" {type_.duckdb}' for column, type_ in parsed.items())
    connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{dataset}"')
    connection.execute(f'CREATE TABLE "{dataset}"."{table}" ({columns})')
    values = []
    for row in rows:
        given = {str(column).lower(): value for column, value in row.items()}
        if unknown := given.keys() - {column.lower() for column in schema}:
            raise ValueError(f"no such column: {', '.join(sorted(unknown))}; there are {', '.join(schema)}")
        values.append(f"({', '.join(literal(given.get(column.lower()), type_) for column, type_ in parsed.items())})")
    if values:
        connection.execute(f'INSERT INTO "{dataset}"."{table}" VALUES {", ".join(values)}')


def literal(value: Any, type_: Type) -> str:
    """A constant of DuckDB of exactly this type; an array is never NULL, as in a table of BigQuery."""
    if value is None and type_.element is None:
        return f"CAST(NULL AS {type_.duckdb})"
    return _typed(canonical(value, type_), type_)


def _typed(value: Any, type_: Type) -> str:
    if value is None:
        return "NULL"
    if type_.element is not None:
        return f"CAST([{', '.join(_typed(item, type_.element) for item in value)}] AS {type_.duckdb})"
    if type_.name == "STRUCT":
        items = zip(value.values(), type_.fields, strict=True)
        return f"CAST(row({', '.join(_typed(item, field) for item, (_, field) in items)}) AS {type_.duckdb})"
    match type_.name:
        case "BOOL":
            return str(value).upper()
        case "BYTES":
            return f"unhex('{base64.b64decode(value).hex()}')"
        case "NUMERIC":
            return f"CAST('{value:f}' AS {type_.duckdb})"
        case "FLOAT64":
            return f"CAST('{value!r}' AS {type_.duckdb})"
        case "JSON":
            value = json.dumps(value, ensure_ascii=False)
    return "CAST('" + str(value).replace("'", "''") + f"' AS {type_.duckdb})"
