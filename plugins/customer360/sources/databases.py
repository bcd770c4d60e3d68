"""Readers of databases. Rows are copied once: a table that others write to is never the same twice."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from customer360.errors import SourceError
from customer360.sources.bindings import TableBinding
from customer360.sources.connections import Connection, attached
from customer360.sources.extract import BROKEN, RESERVED, Extract
from customer360.sources.window import Window
from customer360.warehouse.duckdb_text import identifier, literal

if TYPE_CHECKING:
    import duckdb

_DATED = ("date", "timestamp without time zone", "timestamp with time zone")


def read_database(
    session: duckdb.DuckDBPyConnection,
    binding: TableBinding,
    connection: Connection,
    window: Window,
    wanted: Collection[str],
    scratch: Path,
) -> Extract:
    """The wanted columns of a table or view. `wanted` are names in lower case; other columns are not read."""
    schema, _, table = binding.relation.rpartition(".")
    session.execute(BROKEN)
    with attached(session, connection, "remote", scratch):
        reader = _read_sqlite if connection.kind == "sqlite" else _read_postgres
        return reader(session, binding, schema, table, window, wanted)


def _read_sqlite(
    session: duckdb.DuckDBPyConnection,
    binding: TableBinding,
    schema: str,
    table: str,
    window: Window,
    wanted: Collection[str],
) -> Extract:
    import duckdb

    relation = f"remote.{identifier(table)}"
    try:
        names = [row[0] for row in session.execute(f"DESCRIBE {relation}").fetchall()]
    except duckdb.CatalogException:
        known = "SELECT table_name FROM duckdb_tables() WHERE {0} UNION SELECT view_name FROM duckdb_views() WHERE {0}"
        raise _no_relation(session, binding, known.format("database_name = 'remote'")) from None
    read = [name for name in names if name.lower() in wanted and name.lower() not in RESERVED]
    position = "rowid" if _has_rowid(session, relation) else "row_number() OVER ()"
    _copy(session, binding, read, position, relation)
    return Extract(dict.fromkeys(read, "VARCHAR"), tuple(names), ordered=position == "rowid")


def _has_rowid(session: duckdb.DuckDBPyConnection, relation: str) -> bool:
    import duckdb

    try:
        session.execute(f"SELECT rowid FROM {relation} LIMIT 1").fetchall()
    except duckdb.Error:
        return False  # a view, or a table WITHOUT ROWID
    return True


def _read_postgres(
    session: duckdb.DuckDBPyConnection,
    binding: TableBinding,
    schema: str,
    table: str,
    window: Window,
    wanted: Collection[str],
) -> Extract:
    relation = f"{identifier(schema)}.{identifier(table)}" if schema else identifier(table)
    catalogue = f"""
        SELECT attname::text AS name, format_type(atttypid, NULL) AS type, atttypmod AS modifier
        FROM pg_attribute
        WHERE attrelid = to_regclass({literal(relation)}) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""
    found = session.execute(f"FROM postgres_query('remote', {literal(catalogue)})").fetchall()
    if not found:
        listing = """
            SELECT table_schema || '.' || table_name FROM information_schema.tables
            WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"""
        raise _no_relation(session, binding, f"FROM postgres_query('remote', {literal(listing)})")
    read = {n: (t, m) for n, t, m in found if n.lower() in wanted and n.lower() not in RESERVED}
    # NUMERIC without a precision would arrive as a double: as text it arrives whole.
    columns = ", ".join(
        f"{identifier(name)}::text AS {identifier(name)}" if type_ == "numeric" and modifier < 0 else identifier(name)
        for name, (type_, modifier) in read.items()
    )
    days = _days(binding, window, {name: type_ for name, (type_, _) in read.items()})
    query = f"SELECT {columns or '1 AS one'} FROM {relation}{days}"
    _copy(session, binding, read, "row_number() OVER ()", f"postgres_query('remote', {literal(query)})")
    types = {row[0]: row[1] for row in session.execute("DESCRIBE source").fetchall()}
    return Extract({name: types[name] for name in read}, tuple(name for name, _, _ in found), ordered=False)


def _days(binding: TableBinding, window: Window, types: dict[str, str]) -> str:
    """The window as a condition that PostgreSQL can answer by an index; the load itself checks it once more."""
    cursor = binding.load.cursor
    if cursor is None or not cursor.is_column:
        return ""
    name = next((name for name in types if name.lower() == cursor.tree.name.lower()), None)
    if name is None or types[name] not in _DATED:
        return ""
    column = identifier(name)
    first = f"{column} >= '{window.first} 00:00:00+00' AND " if window.first else ""
    return f" WHERE {first}{column} < '{window.after} 00:00:00+00' OR {column} IS NULL"


def _copy(
    session: duckdb.DuckDBPyConnection, binding: TableBinding, names: Collection[str], position: str, relation: str
) -> None:
    columns = "".join(f"{identifier(name)}, " for name in names)
    session.execute(
        f"CREATE TEMP TABLE source AS SELECT {columns}CAST({position} AS BIGINT) AS _position, CAST(NULL AS BIGINT) AS"
        f" _line, {literal(binding.place)} AS _source FROM {relation}"
    )


def _no_relation(session: duckdb.DuckDBPyConnection, binding: TableBinding, listing: str) -> SourceError:
    known = sorted({row[0] for row in session.execute(listing).fetchall()})
    return SourceError(
        f"{binding.contract}: connection {binding.connection} has no table {binding.relation!r}, named in"
        f" {binding.file.name}; it has {', '.join(known[:20]) or 'none'}"
    )
