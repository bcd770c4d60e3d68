"""The relation `mapped`: the binding's rows, one column `m<n>` per contract column, still as the source delivers them.

Where an expression may fail on a row, `e<n>` says that it did: the row is judged by the contract, the load goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sqlglot import exp

from customer360.errors import ProjectError, SchemaDriftError
from customer360.googlesql import types
from customer360.googlesql.to_duckdb import expression_to_duckdb
from customer360.project import Column, Contract
from customer360.sources.bindings import Expression, TableBinding
from customer360.sources.conversion import DECIMAL_TEXT, converted, googlesql_type
from customer360.sources.extract import Extract
from customer360.sources.window import Window
from customer360.warehouse.duckdb_text import identifier, literal

if TYPE_CHECKING:
    import duckdb

# TRY catches no volatile function, and DuckDB's error() is one. These fail just as surely, but by way of a cast; what
# they say depends on the row, else it would be worked out, and fail, before the first row is read.
_CATCHABLE = (
    "CREATE OR REPLACE TEMP MACRO error(message) AS CASE WHEN CAST('! ' || message AS INTEGER) = 0 THEN NULL END",
    "CREATE OR REPLACE TEMP MACRO gsql_nonzero(x) AS CASE WHEN x = 0 THEN error('division by ' || x) ELSE x END",
    "CREATE OR REPLACE TEMP MACRO gsql_at(xs, n) AS"
    " CASE WHEN n < 0 OR n >= len(xs) THEN error('no element ' || n || ' of ' || len(xs)) ELSE xs[n + 1] END",
)


class _Everything(frozenset[str]):
    def __contains__(self, _: object) -> bool:
        return True


# The wanted columns of a contract that keeps what it does not know.
EVERYTHING = _Everything()


@dataclass(frozen=True)
class MappedColumn:
    """A contract column's value in `mapped`: SQL, its DuckDB type, and the flag that its expression failed."""

    column: Column
    value: str
    type: str
    failed: str | None = None


def wanted_columns(binding: TableBinding, contract: Contract) -> dict[str, str]:
    """The source columns that this binding may read: lower case → as the binding or the contract spells them."""
    expressions = [*binding.columns.values(), binding.where, binding.load.cursor]
    if binding.distinct:
        expressions.append(binding.distinct.latest)
    names = [name for expression in expressions if expression for name in sorted(expression.columns)]
    names += [column.name for column in contract.source_columns if column.name not in binding.columns]
    return {name.lower(): name for name in reversed(names)}


def document_columns(binding: TableBinding, contract: Contract) -> frozenset[str]:
    """The source columns, in lower case, that are taken as JSON documents and for nothing else."""
    documents: set[str] = set()
    others: set[str] = set()
    for expression in (binding.where, binding.load.cursor, binding.distinct.latest if binding.distinct else None):
        others |= expression.columns if expression else set()
    for column in contract.source_columns:
        bound = binding.columns.get(column.name)
        as_it_is = bound is None or bound.is_column
        names = bound.columns if bound else {column.name}
        (documents if as_it_is and "JSON" in (column.type, (column.format or "").upper()) else others).update(names)
    return frozenset(name.lower() for name in documents - others)


def drift(binding: TableBinding, contract: Contract, extract: Extract) -> tuple[str, ...]:
    """One sentence per source column that nothing reads."""
    wanted = wanted_columns(binding, contract)
    extra = [name for name in extract.present if name.lower() not in wanted]
    if extra and contract.new_columns == "fail":
        raise SchemaDriftError(f"{contract.name}: {binding.place} has columns that are not in it: {', '.join(extra)}")
    done = "kept in _extra" if contract.new_columns == "add" else "ignored"
    return tuple(f"source column {name} is not in the contract and was {done}" for name in extra)


def _extra(binding: TableBinding, contract: Contract, extract: Extract) -> str:
    """SQL of what the contract keeps of the columns it does not have: a JSON object, or NULL for nothing."""
    if extract.unread:
        return extract.unread
    wanted = wanted_columns(binding, contract)
    fields = ", ".join(
        f"{literal(name)}: {f'CAST({identifier(name)} AS VARCHAR)' if type_ == 'BLOB' else identifier(name)}"
        for name, type_ in extract.columns.items()
        if name.lower() not in wanted
    )
    return f"CAST(to_json({{{fields}}}) AS VARCHAR)" if fields else "CAST(NULL AS VARCHAR)"


def create_mapped(
    session: duckdb.DuckDBPyConnection, binding: TableBinding, contract: Contract, extract: Extract, window: Window
) -> list[MappedColumn]:
    """Create `mapped` and say what is in it. SchemaDriftError where source and contract do not go together."""
    for statement in _CATCHABLE:
        session.execute(statement)
    writer = _Writer(binding, contract, extract)
    values = {column.name: writer.column(column) for column in contract.source_columns}
    conditions = [*writer.window(window), *([f"({writer.expression(binding.where)})"] if binding.where else [])]
    qualify = writer.distinct(values)
    select = [f"{sql} AS m{n}" for n, sql in enumerate(values.values())]
    kept = ["_position", "_line", "_source"]
    if contract.new_columns == "add":
        select.append(f"{_extra(binding, contract, extract)} AS _extra")
        kept.append("_extra")
    query = f"""
        SELECT {", ".join([*select, "_position", "_line", "_source"])}
        FROM (SELECT *{"".join(f", {sql} AS {name}" for name, sql in writer.typed.values())} FROM source)
        {f"WHERE {' AND '.join(conditions)}" if conditions else ""} {qualify}"""
    risky = {n for n, name in enumerate(values) if name in writer.risky}
    outer = ", ".join(f"m{n}[1] AS m{n}, m{n} IS NULL AS e{n}" if n in risky else f"m{n}" for n in range(len(values)))
    if risky:
        query = f"SELECT {outer}, {', '.join(kept)} FROM ({query})"
    # Windows and expressions are computed once; a plain selection is read again faster than it is written. The
    # optimizer must not move what two expressions share out of their TRY.
    once = bool(risky or qualify) or any(e.tree.find(exp.Window) for e in binding.columns.values())
    session.execute("SET disabled_optimizers = 'common_subexpressions'")
    session.execute(f"CREATE TEMP {'TABLE' if once else 'VIEW'} mapped AS {query}")
    session.execute("RESET disabled_optimizers")
    found = {row[0]: row[1] for row in session.execute("DESCRIBE mapped").fetchall()}
    decimals = {identifier(name): type_ for name, type_ in extract.columns.items() if type_ == DECIMAL_TEXT}
    return [
        MappedColumn(
            column, f"m{n}", decimals.get(values[column.name], found[f"m{n}"]), f"e{n}" if n in risky else None
        )
        for n, column in enumerate(contract.source_columns)
    ]


class _Writer:
    """Expressions of one binding as DuckDB SQL over `source`, through the syntax tree."""

    def __init__(self, binding: TableBinding, contract: Contract, extract: Extract) -> None:
        self.binding, self.contract, self.extract = binding, contract, extract
        self.typed: dict[str, tuple[str, str]] = {}
        self.risky: set[str] = set()

    def column(self, column: Column) -> str:
        """SQL of what the source has for a contract column; in brackets and TRY where it may fail."""
        expression = self.binding.columns.get(column.name)
        if expression is None:
            found = self.extract.find(column.name)
            if found is None and column.required:
                raise self.missing(column.name, f"contract column {column.name} ({column.type}, required)")
            name = found
        elif expression.is_column and expression.tree.name.lower() != "_position":
            name = self.extract.find(expression.tree.name)
            if name is None:
                raise self.missing(expression.tree.name, f"contract column {column.name} ({column.type})")
        else:
            sql = self.expression(expression)
            if isinstance(expression.tree, exp.Literal) or expression.tree.find(exp.Window):
                return sql
            self.risky.add(column.name)
            return f"TRY([{sql}])"
        if name is None:
            return f"CAST(NULL AS {types.to_duckdb(column.type)})"
        if column.required and name in self.extract.absent:
            raise self.missing(name, f"required contract column {column.name}", self.extract.absent[name])
        return identifier(name)

    def missing(self, name: str, needed_for: str, place: str | None = None) -> SchemaDriftError:
        return SchemaDriftError(
            f"{self.contract.name}: expected a column {name} in {place or self.binding.place} for {needed_for}; found"
            f" {', '.join(self.extract.present) or 'none'} (bound in {self.binding.file.name})"
        )

    def expression(self, expression: Expression) -> str:
        """DuckDB SQL. Source columns come in as the GoogleSQL type nearest to their own, under names of ours."""
        tree = expression.tree.copy()
        holder = exp.Paren(this=tree)  # so that the root can be replaced too
        schema: dict[str, str] = {}
        for column in list(tree.find_all(exp.Column)):
            name, type_ = self.typed_column(column.name, expression)
            schema[name] = type_
            column.replace(exp.column(name))
        try:
            return expression_to_duckdb(holder.this.sql("bigquery"), columns=schema, path=self.binding.file)
        except ProjectError as error:
            raise ProjectError(f"{expression.text!r}: {error}") from None

    def typed_column(self, name: str, expression: Expression) -> tuple[str, str]:
        if name.lower() == "_position":
            if not self.extract.ordered:
                raise SchemaDriftError(
                    f"{self.contract.name}: {expression.text!r} uses _position, but the rows of {self.binding.place}"
                    " have no order of their own; number them by a column"
                )
            return "_position", "INT64"
        found = self.extract.find(name)
        if found is None:
            raise self.missing(name, f"the expression {expression.text!r}")
        source = self.extract.columns[found]
        type_ = googlesql_type(source)
        if type_ is None:
            raise SchemaDriftError(
                f"{self.contract.name}: {expression.text!r} uses {found}, which is {source}: expected a scalar"
            )
        if found not in self.typed:
            stored = types.to_duckdb(type_)
            self.typed[found] = (f"x{len(self.typed)}", f"TRY_CAST({identifier(found)} AS {stored})")
        return self.typed[found][0], type_

    def window(self, window: Window) -> list[str]:
        """Rows whose cursor lies in the window, and those without one: nobody else would ever read them."""
        cursor = self.binding.load.cursor
        if cursor is None:
            return []
        if cursor.is_column:
            name = self.extract.find(cursor.tree.name)
            if name is None:
                raise self.missing(cursor.tree.name, "the cursor")
            source, value = self.extract.columns[name], identifier(name)
        else:
            value, source = f"TRY({self.expression(cursor)})", "VARCHAR"
            value = f"CAST({value} AS VARCHAR)"
        reading = converted(value, source, "TIMESTAMP")
        if reading is None:
            raise SchemaDriftError(f"{self.contract.name}: the cursor {cursor.text} is {source}, expected a time")
        first = window.first or date.min
        # COALESCE sends rows without a time, or at an end of all time, into the window.
        at = f"CASE WHEN isfinite({reading.value}) THEN {reading.value} END" if "ZONE" in source else reading.value
        moment = f"COALESCE({at}, TIMESTAMPTZ '{window.last} 00:00:00+00')"
        last = f"TIMESTAMPTZ '{window.last} 23:59:59.999999+00'"
        return [f"{moment} BETWEEN TIMESTAMPTZ '{first} 00:00:00+00' AND {last}"]

    def distinct(self, values: dict[str, str]) -> str:
        """QUALIFY for one row per key; rows of one moment are told apart by position, else by their content."""
        distinct = self.binding.distinct
        if distinct is None:
            return ""
        latest = self.expression(distinct.latest)
        content = ", ".join(f"CAST({value} AS VARCHAR)" for value in values.values())
        tie = "_position" if self.extract.ordered else f"CAST([{content}] AS VARCHAR)"
        by = ", ".join(values[name] for name in distinct.by)
        return f"QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY {latest} DESC NULLS LAST, {tie} DESC) = 1"
