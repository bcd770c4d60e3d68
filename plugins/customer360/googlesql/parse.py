"""Reading GoogleSQL: one query, one expression, and what a query refers to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from customer360.errors import ProjectError

DIALECT = "bigquery"


@dataclass(frozen=True)
class Reference:
    """A table that a query reads, and the line that says so."""

    dataset: str
    table: str
    line: int | None

    def __str__(self) -> str:
        return f"{self.dataset}.{self.table}"


def parse_query(sql: str, *, path: Path | None = None) -> exp.Query:
    """The one SELECT (WITH and set operations allowed) that a text holds; else a ProjectError with its line."""
    statements = [statement for statement in _parse(sql, path) if statement is not None]
    if len(statements) != 1:
        raise ProjectError(f"Expected one SELECT, found {len(statements)} statements.", path=path)
    (statement,) = statements
    if not isinstance(statement, exp.Query):
        hint = "a model is a query; the platform writes the table"
        raise ProjectError(f"Expected a SELECT, found {statement.key.upper()}.", path=path, line=1, hint=hint)
    return statement


def parse_expression(text: str, *, path: Path | None = None) -> exp.Expr:
    """One scalar expression over a row's columns; a subquery, a table or a second expression is a ProjectError."""
    query = parse_query(f"SELECT {text}\n", path=path)
    extra = [name for name, value in query.args.items() if value and name not in ("expressions", "kind")]
    if not isinstance(query, exp.Select) or len(query.expressions) != 1 or extra or query.args.get("kind"):
        raise ProjectError(f"Expected one expression, found {text!r}.", path=path)
    expression: exp.Expr = query.expressions[0]
    for refused, what in ((exp.Query, "a subquery"), (exp.Alias, "an alias"), (exp.Star, "*"), (exp.Table, "a table")):
        found = expression.find(refused)
        if found is not None and not isinstance(found.parent, exp.Count):
            raise ProjectError(f"{what} has no place in the expression {text!r}.", path=path, line=line_of(found))
    expression.pop()
    return expression


def references(query: exp.Query, *, path: Path | None = None) -> tuple[Reference, ...]:
    """Every table a query reads, once, in order of appearance; a CTE's name is hidden only where it is in scope."""
    found: dict[tuple[str, str], Reference] = {}
    for table in sorted(_tables(query, path), key=lambda table: int(table.this.meta.get("start", 0))):
        line = line_of(table)
        if table.args.get("catalog"):
            hint = f"write {table.db}.{table.name}: the project comes from the settings"
            raise ProjectError(f"{table.sql(DIALECT)} names a project.", path=path, line=line, hint=hint)
        if not table.db:
            hint = "write dataset.table, or name a CTE that is defined before"
            raise ProjectError(f"{table.name} has no dataset and is no CTE here.", path=path, line=line, hint=hint)
        found.setdefault((table.db, table.name), Reference(table.db, table.name, line))
    return tuple(found.values())


def parameters(query: exp.Query) -> frozenset[str]:
    """The names of the @parameters used."""
    return frozenset(parameter.name for parameter in query.find_all(exp.Parameter))


def line_of(node: exp.Expr) -> int | None:
    """The line a node stands on, taken from itself, else from what it holds, else from what holds it."""
    holder: exp.Expr | None = node
    while holder is not None:
        lines = [inner.meta["line"] for inner in holder.walk() if "line" in inner.meta]
        if lines:
            return int(min(lines))
        holder = holder.parent
    return None


def _parse(sql: str, path: Path | None) -> list[exp.Expr | None]:
    try:
        return list(sqlglot.parse(sql, dialect=DIALECT))
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        near = f" near {first['highlight']!r}" if first.get("highlight") else ""
        message = f"{str(first.get('description') or error).splitlines()[0].rstrip('.')}{near}."
        raise ProjectError(message, path=path, line=first.get("line")) from None
    except SqlglotError as error:
        raise ProjectError(str(error).splitlines()[0], path=path) from None


def _tables(query: exp.Query, path: Path | None) -> list[exp.Table]:
    tables: list[exp.Table] = []
    for scope in traverse_scope(query):
        found = [source for source in scope.sources.values() if isinstance(source, exp.Table)]
        for table in found:
            if table.db and table.db in scope.sources:
                hint = f"write UNNEST({table.db}.{table.name}) AS …"
                message = f"{table.db}.{table.name} is an array of a table in FROM, not a table."
                raise ProjectError(message, path=path, line=line_of(table), hint=hint)
        tables.extend(table for table in found if not any(table is other for other in tables))
    return tables
