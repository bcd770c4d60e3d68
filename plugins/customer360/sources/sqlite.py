"""Reading SQLite, whose types belong to values, not to columns: a value arrives as the text that says it exactly."""

from __future__ import annotations

from customer360.sources.extract import Extract
from customer360.sources.relation import Relation
from customer360.warehouse.duckdb_text import identifier, literal

_FAULT = "? fault"  # no column is called so


def read(relation: Relation) -> Extract:
    """Copy the wanted columns into `source`; rows with bytes where a text or a number should be into `broken`."""
    import duckdb

    table = identifier(relation.table)
    try:
        names = [row[0] for row in relation.session.execute(f"DESCRIBE remote.{table}").fetchall()]
    except duckdb.CatalogException:
        known = "SELECT table_name FROM duckdb_tables() WHERE {0} UNION SELECT view_name FROM duckdb_views() WHERE {0}"
        raise relation.missing(known.format("database_name = 'remote'")) from None
    read = [name for name in names if relation.reads(name)]
    ordered = _has_rowid(relation, table)
    _copy(relation, read, table, ordered=ordered)
    _set_aside(relation, read)
    return Extract(dict.fromkeys(read, "VARCHAR"), tuple(names), ordered=ordered)


def _has_rowid(relation: Relation, table: str) -> bool:
    import duckdb

    try:
        relation.session.execute(f"SELECT rowid FROM remote.{table} LIMIT 1").fetchall()
    except duckdb.Error:
        return False  # a view, or a table WITHOUT ROWID
    return True


def _copy(relation: Relation, names: list[str], table: str, *, ordered: bool) -> None:
    values = [f"{_exact(identifier(name))} AS {identifier(name)}" for name in names]
    blobs = " ".join(f"WHEN typeof({identifier(n)}) = 'blob' THEN {literal(f'{n} holds bytes')}" for n in names)
    fault, position = f"CASE {blobs} END" if names else "NULL", "rowid" if ordered else "NULL"
    query = (
        f"SELECT {', '.join([*values, f'{fault} AS {identifier(_FAULT)}', f'{position} AS _position'])} FROM {table}"
    )
    # SQLite takes any bytes for a text.
    columns = {name: f"TRY(decode(encode({identifier(name)})))" for name in names}
    broken = " ".join(
        f"WHEN {identifier(name)} IS NOT NULL AND {value} IS NULL THEN {literal(f'{name} is no UTF-8')}"
        for name, value in columns.items()
    )
    columns[_FAULT] = f"coalesce({identifier(_FAULT)}, CASE {broken} END)" if names else "NULL"
    at = "_position" if ordered else "row_number() OVER ()"
    relation.copy(columns, f"sqlite_query('remote', {literal(query)})", at, f"{identifier(_FAULT)} IS NULL")


def _exact(column: str) -> str:
    """SQLite's SQL of a value as text. By itself it would write a REAL with 15 digits, which may be another number."""
    tries = " ".join(
        f"WHEN CAST(printf('%!.{digits}g', {column}) AS REAL) = {column} THEN printf('%!.{digits}g', {column})"
        for digits in (15, 16)
    )
    real = f"CASE {tries} ELSE printf('%!.17g', {column}) END"
    return f"CASE typeof({column}) WHEN 'real' THEN {real} WHEN 'blob' THEN hex({column}) ELSE {column} END"


def _set_aside(relation: Relation, names: list[str]) -> None:
    fields = ", ".join(f"{literal(name)}: {identifier(name)}" for name in names)
    raw = f"CAST(to_json({{{fields}}}) AS VARCHAR)" if names else "NULL"
    fault = identifier(_FAULT)
    relation.session.execute(
        f"INSERT INTO broken SELECT {fault}, {raw}, NULL, {literal(relation.binding.place)}, NULL"
        f" FROM {relation.copied()} WHERE {fault} IS NOT NULL"
    )
