"""The GoogleSQL of unexpected_rows_expectation → the text that Great Expectations hands to the engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from customer360.errors import ProjectError
from customer360.googlesql.bind import bind_parameters
from customer360.googlesql.rename import rename_tables
from customer360.googlesql.to_duckdb import to_duckdb
from customer360.project.names import TableName
from customer360.settings import Parameter
from customer360.warehouse.lake import place

# SQLAlchemy takes `:word` for a parameter, in string literals too; a backslash makes it text.
_BIND = re.compile(r"(?<![:\w\\]):(?=\w)")


@dataclass(frozen=True)
class Scope:
    """What a query is read against: the engine, this run's parameters, where tables are, and their schemas."""

    engine: str
    parameters: Mapping[str, Parameter]
    renames: Mapping[TableName, TableName]
    schemas: Mapping[str, Mapping[str, str]]


def google_sql(query: str, table: TableName) -> str:
    """The query with `{batch}` replaced by the table's own name: plain GoogleSQL. `{{` is a brace, as in GX."""
    fields = {field for _, field, _, _ in Formatter().parse(query) if field is not None}
    if fields - {"batch"}:
        raise ProjectError(
            f"{{{sorted(fields - {'batch'})[0]}}} in a query of {table}", hint="only {batch}; double other braces"
        )
    return query.format(batch=table)


def engine_sql(query: str, table: TableName, scope: Scope) -> str:
    """What the engine runs: values bound, reads sent to this run's candidates, translated for the local engine.

    Raises UnsupportedSqlError for what is outside the allow-list.
    """
    renames = {str(old): str(new) for old, new in scope.renames.items()}
    bound = bind_parameters(google_sql(query, table), scope.parameters)
    sql = rename_tables(bound, renames)
    if scope.engine == "local":
        moved = {renames[name]: schema for name, schema in scope.schemas.items() if name in renames}
        sql = to_duckdb(sql, schemas={**scope.schemas, **moved}, parameters={}, place=place)
    return sql


def for_great_expectations(sql: str) -> str:
    """Quote SQL for the two templates it passes through: GX's braces and SQLAlchemy's colons.

    GX complains on stdout about a query without `{batch}`, so the comment names it.
    """
    quoted = sql.rstrip().removesuffix(";").replace("{", "{{").replace("}", "}}")
    return _BIND.sub(r"\\:", quoted) + "\n/* {batch} */"
