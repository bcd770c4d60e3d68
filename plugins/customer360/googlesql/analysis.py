"""A query with every name resolved and every type known, as the rules need it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from customer360.errors import ProjectError
from customer360.googlesql import types
from customer360.googlesql.coercion import METADATA
from customer360.googlesql.parse import DIALECT, references

Schemas = Mapping[str, Mapping[str, str]]


def analyse(query: exp.Query, schemas: Schemas, parameters: Mapping[str, str], path: Path | None) -> exp.Query:
    """A copy of the query with qualified columns, expanded stars and `.type` on every node."""
    query = query.copy()
    wanted = references(query, path=path)
    for reference in wanted:
        if str(reference) not in schemas:
            hint = "is its folder missing under sql/?"
            raise ProjectError(f"There is no table {reference}.", path=path, line=reference.line, hint=hint)
    _type_parameters(query, parameters, path)
    schema = MappingSchema(dialect=DIALECT, normalize=False)
    for name in {str(reference) for reference in wanted}:
        schema.add_table(
            exp.to_table(name, dialect=DIALECT),
            {column.lower(): types.normalise(type_) for column, type_ in schemas[name].items()},
            dialect=DIALECT,
            normalize=False,
        )
    try:
        qualified = qualify(
            query, dialect=DIALECT, schema=schema, quote_identifiers=False, validate_qualify_columns=False
        )
        annotated = annotate_types(qualified, dialect=DIALECT, schema=schema, expression_metadata=METADATA)
    except SqlglotError as error:
        raise ProjectError(str(error).splitlines()[0], path=path) from None
    if not isinstance(annotated, exp.Query):
        raise ProjectError("Expected a query.", path=path)
    return annotated


def _type_parameters(query: exp.Query, parameters: Mapping[str, str], path: Path | None) -> None:
    for parameter in list(query.find_all(exp.Parameter)):
        if parameter.name not in parameters:
            hint = f"there are {', '.join(f'@{name}' for name in sorted(parameters)) or 'none'}"
            raise ProjectError(f"There is no parameter @{parameter.name}.", path=path, hint=hint)
        data_type = exp.DataType.build(types.normalise(parameters[parameter.name]), dialect=DIALECT)
        parameter.replace(exp.Cast(this=parameter.copy(), to=data_type))
