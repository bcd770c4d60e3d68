"""Reading MySQL and MariaDB: numbers and bytes arrive as they are, all else as the server's own text.

Times are text because a server may hold days that no calendar has (0000-00-00, 2024-02-00): DuckDB would read NULL or
give up, the contract refuses the one cell or row.
"""

from __future__ import annotations

from dataclasses import dataclass

from customer360.sources.extract import Extract
from customer360.sources.relation import Relation
from customer360.warehouse.duckdb_text import identifier, literal

_NUMBERS = {"tinyint", "smallint", "mediumint", "int", "bigint", "float", "double", "year"}
_BYTES = {
    "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry", "point", "linestring", "polygon",
    "multipoint", "multilinestring", "multipolygon", "geometrycollection", "vector",
}  # fmt: skip
_TEXTS = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"}
_DATED = ("date", "datetime", "timestamp")
_MAX_DIGITS = 38  # of DuckDB's DECIMAL

_COLUMNS = """
    SELECT column_name, data_type, numeric_precision FROM information_schema.columns
    WHERE table_schema = CASE WHEN ? = '' THEN database() ELSE ? END AND BINARY table_name = ?
    ORDER BY ordinal_position"""
_TABLES = """
    SELECT CASE WHEN table_schema = database() THEN table_name ELSE concat(table_schema, '.', table_name) END
    FROM information_schema.tables
    WHERE table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')"""


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    digits: int | None

    @property
    def sql(self) -> str:
        name = _quoted(self.name)
        if self.type in _NUMBERS or self.type in _BYTES:
            return name
        if self.type == "decimal" and (self.digits or 0) <= _MAX_DIGITS:
            return name
        if self.type == "bit":
            return f"CAST({name} AS UNSIGNED)"
        # A text whose collation is binary would arrive as bytes.
        return f"CONVERT({name} USING utf8mb4)" if self.type in _TEXTS else f"CAST({name} AS CHAR)"


def read(relation: Relation) -> Extract:
    """Copy the wanted columns of the window into `source`."""
    schema, table = relation.schema, relation.table
    query = f"FROM mysql_query('remote', {literal(_COLUMNS)}, params => row(?, ?, ?))"
    rows = relation.session.execute(query, [schema, schema, table]).fetchall()
    if not rows:
        raise relation.missing(f"FROM mysql_query('remote', {literal(_TABLES)})")
    present = [_Column(str(name), str(type_).lower(), digits) for name, type_, digits in rows]
    columns = [column for column in present if relation.reads(column.name)]
    select = ", ".join(f"{column.sql} AS {_quoted(column.name)}" for column in columns) or "1 AS one"
    place = f"{_quoted(schema)}.{_quoted(table)}" if schema else _quoted(table)
    days = _days(relation, {column.name: column.type for column in columns})
    answer = f"mysql_query('remote', {literal(f'SELECT {select} FROM {place}{days}')}, stream_results => true)"
    relation.copy({column.name: identifier(column.name) for column in columns}, answer)
    decimals = {column.name: column.type == "decimal" for column in columns}
    return relation.extract(decimals, [column.name for column in present])


def _days(relation: Relation, types: dict[str, str]) -> str:
    """The window as a condition that the server can answer by an index; the load itself checks it once more."""
    name = relation.cursor_of(types, _DATED)
    if name is None:
        return ""
    column, window = _quoted(name), relation.window
    first = f"{column} >= '{window.first} 00:00:00' AND " if window.first else ""
    # Zero dates come before all others.
    return f" WHERE {first}{column} < '{window.after} 00:00:00' OR {column} IS NULL OR {column} < '0001-01-01'"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
