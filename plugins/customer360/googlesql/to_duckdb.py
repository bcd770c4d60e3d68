"""GoogleSQL → DuckDB: analyse, rewrite UNNEST, apply the rules from the leaves up, write the text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sqlglot import ErrorLevel, exp
from sqlglot.dialects.duckdb import DuckDB

from customer360.errors import UnsupportedSqlError
from customer360.googlesql import types
from customer360.googlesql.allow import check
from customer360.googlesql.analysis import Schemas, analyse
from customer360.googlesql.parse import parse_expression, parse_query
from customer360.googlesql.rules import RULES
from customer360.googlesql.rules.arrays import or_empty
from customer360.googlesql.rules.base import NULL, cast, is_known, refused, type_of
from customer360.googlesql.rules.narrow import is_narrow
from customer360.googlesql.unnesting import refuse_stars, resolve_elements, write_source

_ROW = "source.relation"


class _Session(DuckDB):
    """DuckDB under SESSION_SETTINGS: NULLs come first ascending and last descending, as in GoogleSQL."""

    NULL_ORDERING = "nulls_are_small"


def to_duckdb(
    query: str | exp.Query,
    *,
    schemas: Schemas,
    parameters: Mapping[str, str],
    path: Path | None = None,
    place: Callable[[str], tuple[str, str]] | None = None,
) -> str:
    """The DuckDB query that means the same as a GoogleSQL query.

    `schemas` maps dataset.table to {column: GoogleSQL type} for the tables referenced, `parameters` a name to its type.
    Parameters become $name. Tables stay "dataset"."table", or are written in full where `place` gives the database and
    the schema of a dataset. The connection must have run SESSION_SETTINGS.
    What is not on the allow-list raises UnsupportedSqlError; an unknown table or parameter raises ProjectError.
    """
    parsed = parse_query(query, path=path) if isinstance(query, str) else query
    translated = _translate(parsed, schemas, parameters, path)
    for table in translated.find_all(exp.Table) if place else ():
        if place and table.db:
            database, schema = place(table.db)
            table.set("catalog", exp.to_identifier(database))
            table.set("db", exp.to_identifier(schema))
    return _write(translated)


def expression_to_duckdb(
    text: str, *, columns: Mapping[str, str], parameters: Mapping[str, str] | None = None, path: Path | None = None
) -> str:
    """The same for one expression over the columns of one relation, which stay unqualified."""
    expression = parse_expression(text, path=path)
    query = exp.select(exp.alias_(expression, "value")).from_(exp.to_table(_ROW))
    translated = _translate(query, {_ROW: columns}, parameters or {}, path)
    value = translated.selects[0].unalias()
    for column in list(value.find_all(exp.Column)):
        if column.table == "relation":
            column.set("table", None)
    return _write(value)


def _translate(query: exp.Query, schemas: Schemas, parameters: Mapping[str, str], path: Path | None) -> exp.Query:
    check(query, path=path)
    query = query.copy()
    try:
        refuse_stars(query)
        analysed = analyse(query, schemas, parameters, path)
        unnests = resolve_elements(analysed)
        _apply_rules(analysed)
        for unnest, element in unnests:
            write_source(unnest, element)
        _type_outputs(analysed)
    except UnsupportedSqlError as error:
        if path is None or error.path is not None:
            raise
        message = str(error).removesuffix(f" ({error.hint})")
        raise UnsupportedSqlError(message, path=path, line=error.line, hint=error.hint) from None
    return analysed


def _apply_rules(query: exp.Query) -> None:
    for node in reversed(list(query.bfs())):
        rule = RULES.get(type(node))
        if rule is None:
            continue
        parent, key, index, type_ = node.parent, node.arg_key, node.index, node.type
        new = rule(node)
        if new is not node:
            new.type = type_
            if parent is not None and key is not None:
                parent.set(key, new, index)


def _type_outputs(query: exp.Query) -> None:
    """Casts where a column would come out narrower than its type, and an empty array where GoogleSQL stores no NULL."""
    for select in query.find_all(exp.Select):
        for item in select.expressions:
            untyped = isinstance(item.unalias(), exp.Null) and not isinstance(select.parent, exp.SetOperation)
            if untyped or is_narrow(item.unalias()):
                target = item if not isinstance(item, exp.Alias) else item.this
                new = cast(target.copy(), types.INT64)
                target.replace(new)
    for select in _outermost(query):
        for item in select.selects:
            type_ = type_of(item)
            if type_.element is not None and is_known(type_) and isinstance(item, exp.Alias):
                item.set("this", or_empty(item.this.copy(), type_))
            elif type_ == NULL or not is_known(type_):
                raise refused(
                    item, f"The type of {item.alias_or_name} cannot be told.", "give it one with CAST(… AS …)"
                )


def _outermost(query: exp.Expr) -> list[exp.Select]:
    if isinstance(query, exp.SetOperation):
        return [*_outermost(query.this), *_outermost(query.expression)]
    if isinstance(query, exp.Subquery):
        return _outermost(query.this)
    return [query] if isinstance(query, exp.Select) else []


def _write(query: exp.Expr) -> str:
    level = ErrorLevel.IGNORE  # what sqlglot would warn of, our rules and their golden tests have settled
    return query.sql(_Session, identify=True, pretty=True, comments=False, unsupported_level=level)
