"""Reading PostgreSQL: types that DuckDB holds exactly arrive as they are, all others as PostgreSQL's text or JSON."""

from __future__ import annotations

from dataclasses import dataclass

from customer360.sources.extract import Extract
from customer360.sources.relation import Relation
from customer360.warehouse.duckdb_text import identifier, literal

_EXACT = {
    "bigint", "boolean", "bytea", "character", "character varying", "date", "double precision", "integer", "json",
    "jsonb", "real", "smallint", "text", "timestamp with time zone", "timestamp without time zone", "uuid",
}  # fmt: skip
_DATED = ("date", "timestamp without time zone", "timestamp with time zone")
_MAX_DIGITS = 38  # of DuckDB's DECIMAL
# True for a row with a NaN in a column of numbers: DuckDB's DECIMAL has none, and reads 0. No column is called so.
_NAN = identifier("? NaN")


@dataclass(frozen=True)
class _Column:
    """`type`: as PostgreSQL writes it, a domain's as the type below it. `document`: an array or a row."""

    name: str
    type: str
    modifier: int
    document: bool

    @property
    def decimal(self) -> bool:
        """Whether it is a number of so many digits as DuckDB's DECIMAL holds."""
        digits, scale = (self.modifier - 4) >> 16 & 0xFFFF, ((self.modifier - 4 & 0x7FF) ^ 1024) - 1024
        return self.type == "numeric" and self.modifier >= 0 and digits <= _MAX_DIGITS and 0 <= scale <= digits

    def sql(self, *, decimals: bool) -> str:
        name = identifier(self.name)
        if self.document:
            return f"to_json({name})::text"
        if self.type in _EXACT or (self.decimal and decimals):
            return name
        return f"{name}::numeric::text" if self.type == "money" else f"{name}::text"


def read(relation: Relation) -> Extract:
    """Copy the wanted columns of the window into `source`."""
    table = identifier(relation.table)
    if relation.schema:
        table = f"{identifier(relation.schema)}.{table}"
    present = _columns(relation, table)
    columns = [column for column in present if relation.reads(column.name)]
    days = _days(relation, {column.name: column.type for column in columns})
    _copy(relation, columns, table, days, decimals=True)
    if relation.session.execute(f"SELECT bool_or({_NAN}) FROM source").fetchone() == (True,):
        _copy(relation, columns, table, days, decimals=False)
    decimals = {column.name: column.type == "numeric" for column in columns}
    return relation.extract(decimals, [column.name for column in present])


def _columns(relation: Relation, table: str) -> list[_Column]:
    found = relation.session.execute(f"""
        FROM postgres_query('remote', {
        literal(f'''
            WITH RECURSIVE columns AS (
              SELECT attnum, attname::text AS name, atttypid AS type, atttypmod AS modifier
              FROM pg_attribute
              WHERE attrelid = to_regclass({literal(table)}) AND attnum > 0 AND NOT attisdropped
              UNION ALL
              SELECT c.attnum, c.name, t.typbasetype, t.typtypmod
              FROM columns AS c JOIN pg_type AS t ON t.oid = c.type
              WHERE t.typtype = 'd'
            )
            SELECT c.name, format_type(c.type, NULL), c.modifier, t.typtype = 'c' OR t.typcategory = 'A'
            FROM columns AS c JOIN pg_type AS t ON t.oid = c.type
            WHERE t.typtype <> 'd'
            ORDER BY c.attnum
        ''')
    })""").fetchall()
    if not found:
        listing = """
            SELECT table_schema || '.' || table_name FROM information_schema.tables
            WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"""
        raise relation.missing(f"FROM postgres_query('remote', {literal(listing)})")
    return [_Column(*row) for row in found]


def _copy(relation: Relation, columns: list[_Column], table: str, days: str, *, decimals: bool) -> None:
    """With `decimals`, one that is NaN arrives as 0 and its row is marked; else all arrive as text."""
    select = [f"{column.sql(decimals=decimals)} AS {identifier(column.name)}" for column in columns]
    nan = " OR ".join(f"{identifier(column.name)} = 'NaN'" for column in columns if column.decimal and decimals)
    query = f"SELECT {', '.join([*select, f'({nan or False}) AS {_NAN}'])} FROM {table}{days}"
    names = {column.name: identifier(column.name) for column in columns}
    relation.copy({**names, "? NaN": _NAN}, f"postgres_query('remote', {literal(query)})")


def _days(relation: Relation, types: dict[str, str]) -> str:
    """The window as a condition that PostgreSQL can answer by an index; the load itself checks it once more."""
    name = relation.cursor_of(types, _DATED)
    if name is None:
        return ""
    column, window = identifier(name), relation.window
    first = f"{column} >= '{window.first} 00:00:00+00' AND " if window.first else ""
    timeless = f"{column} IS NULL OR {column} IN ('infinity', '-infinity')"
    return f" WHERE {first}{column} < '{window.after} 00:00:00+00' OR {timeless}"
