"""What a query reads of the lake, before it runs: which columns of which files, by the statistics of the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import duckdb
from sqlglot import exp
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.scope import Scope, traverse_scope

from customer360.googlesql.analysis import analyse
from customer360.googlesql.parse import parse_query
from customer360.project.names import TableName
from customer360.warehouse.lake_tables import CATALOG

Span = tuple[date, date]  # first day, and the day after the last
_EVER: Span = (date.min, date.max)


@dataclass(frozen=True)
class Read:
    """One place where a query reads a table. days: column → spans of days that its rows must lie in."""

    table: TableName
    columns: frozenset[str]
    days: Mapping[str, Sequence[Span]] = field(default_factory=dict)


def reads(sql: str, schemas: Mapping[str, Mapping[str, str]]) -> list[Read]:
    """What a GoogleSQL query without parameters reads."""
    query = pushdown_projections(analyse(parse_query(sql), schemas, {}, None))
    found = []
    for scope in traverse_scope(query):
        for name, source in scope.sources.items():
            if isinstance(source, exp.Table) and source.db:
                columns = frozenset(column.name for column in scope.columns if column.table == name)
                found.append(Read(TableName(source.db, source.name), columns, _days(scope, name)))
    return found


def bytes_of(connection: duckdb.DuckDBPyConnection, found: Sequence[Read]) -> int:
    """Compressed bytes of the columns that are read, in the files that may hold their rows."""
    return sum(_bytes(connection, read) for read in found)


def _bytes(connection: duckdb.DuckDBPyConnection, read: Read) -> int:
    # A nested column's bytes are those of its parts.
    rows = connection.execute(
        f"WITH RECURSIVE top AS ("
        f" SELECT c.table_id, c.column_id, c.column_name FROM {CATALOG}.ducklake_column AS c"
        f" JOIN {CATALOG}.ducklake_table AS t ON t.table_id = c.table_id AND t.end_snapshot IS NULL"
        f" JOIN {CATALOG}.ducklake_schema AS d ON d.schema_id = t.schema_id AND d.end_snapshot IS NULL"
        f" WHERE c.end_snapshot IS NULL AND c.parent_column IS NULL AND d.schema_name = ? AND t.table_name = ?"
        f" UNION ALL SELECT c.table_id, c.column_id, top.column_name FROM {CATALOG}.ducklake_column AS c"
        f" JOIN top ON c.table_id = top.table_id AND c.parent_column = top.column_id WHERE c.end_snapshot IS NULL)"
        f" SELECT f.data_file_id, top.column_name, SUM(s.column_size_bytes), MIN(s.min_value), MAX(s.max_value)"
        f" FROM {CATALOG}.ducklake_data_file AS f JOIN top ON top.table_id = f.table_id"
        f" JOIN {CATALOG}.ducklake_file_column_stats AS s"
        f" ON s.data_file_id = f.data_file_id AND s.column_id = top.column_id"
        f" WHERE f.end_snapshot IS NULL GROUP BY ALL",
        [read.table.dataset, read.table.table],
    ).fetchall()
    skipped = {
        file for file, column, _, least, greatest in rows
        if column in read.days and least and greatest and not _meets(read.days[column], least, greatest)
    }  # fmt: skip
    return sum(int(size or 0) for file, column, size, *_ in rows if column in read.columns and file not in skipped)


def _meets(spans: Sequence[Span], least: str, greatest: str) -> bool:
    first, last = date.fromisoformat(least[:10]), date.fromisoformat(greatest[:10])
    return any(start <= last and first < end for start, end in spans)


# -- conditions on days


def _days(scope: Scope, source: str) -> dict[str, Sequence[Span]]:
    """The spans of days that the WHERE of a SELECT leaves of a source's columns."""
    where = scope.expression.args.get("where")
    if where is None:
        return {}
    columns = {column.name for column in where.find_all(exp.Column) if column.table == source}
    found = {column: _spans(where.this, source, column) for column in columns}
    return {column: spans for column, spans in found.items() if spans is not None}


def _spans(condition: exp.Expr, source: str, column: str) -> list[Span] | None:
    """The days for which a condition may be true; None where it says nothing of the column."""
    if isinstance(condition, exp.Paren):
        return _spans(condition.this, source, column)
    if isinstance(condition, (exp.And, exp.Or)):
        left, right = (_spans(side, source, column) for side in (condition.left, condition.right))
        if isinstance(condition, exp.Or):
            return None if left is None or right is None else left + right
        if left is None or right is None:
            return left if right is None else right
        return [(max(a, c), min(b, d)) for a, b in left for c, d in right if max(a, c) < min(b, d)]
    if isinstance(condition, exp.Boolean) and not condition.this:
        return []
    for moment in _compared(condition, source, column):
        day = moment.date()
        after = day + timedelta(days=1)
        before = day if moment == datetime.combine(day, time.min) else after
        spans: dict[type[exp.Expr], list[Span]] = {
            exp.GTE: [(day, _EVER[1])], exp.GT: [(day, _EVER[1])], exp.LT: [(_EVER[0], before)],
            exp.LTE: [(_EVER[0], after)], exp.EQ: [(day, after)],
        }  # fmt: skip
        return spans[type(condition)]
    return None


def _compared(condition: exp.Expr, source: str, column: str) -> Iterator[datetime]:
    """The day or time (UTC) that a comparison holds the column against, if it is one."""
    if not isinstance(condition, (exp.GTE, exp.GT, exp.LT, exp.LTE, exp.EQ)):
        return
    left, right = condition.left, condition.right
    if isinstance(left, exp.Column) and (left.table, left.name) == (source, column):
        text = right.find(exp.Literal) if isinstance(right, (exp.Cast, exp.Literal)) else None
        if text is not None and text.is_string:
            with suppress(ValueError):  # a text that is compared, and no day
                yield datetime.fromisoformat(text.this).replace(tzinfo=None)
