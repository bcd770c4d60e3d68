"""A real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from customer360.errors import SchemaDriftError, SourceError
from sources.awkward import Case, Refused, assert_each
from sources.conftest import Shop
from sources.servers import Postgres

BINDING = "connection: shop_db\nrelation: orders\nload: {cursor: updated}\n"
YEARS = "is no {} of the years 1 to 9999"
AWKWARD = [
    Case("numeric(38,10)", "1234567890123456789012345678.0123456780", "NUMERIC", Decimal("1234567890123456789012345678.012345678")),
    Case("numeric(38,10)", "0.0123456789", "NUMERIC", Refused("is no NUMERIC", "0.0123456789")),
    Case("numeric(10,2)", "1.10", "NUMERIC", Decimal("1.1")),
    Case("numeric(10,2)", "'NaN'", "NUMERIC", Refused("is no NUMERIC", "NaN")),
    Case("numeric(50,20)", "123456789012345678901.00000000010000000000", "NUMERIC", Refused("is no NUMERIC", "123456789012345678901.00000000010000000000")),
    Case("numeric(50,20)", "123456789012345678901.5", "NUMERIC", Decimal("123456789012345678901.5")),
    Case("numeric(50,20)", "123456789012345678901.5", "STRING", "123456789012345678901.50000000000000000000"),
    Case("numeric", "0.0123456789", "NUMERIC", Refused("is no NUMERIC", "0.0123456789")),
    Case("numeric(5,-2)", "12300", "NUMERIC", Decimal(12300)),
    Case("numeric", "12345678901234567890.123456789", "NUMERIC", Decimal("12345678901234567890.123456789")),
    Case("numeric", "'Infinity'", "NUMERIC", Refused("is no NUMERIC", "Infinity")),
    Case("numeric", "'NaN'", "FLOAT64", Refused("is no FLOAT64", "NaN")),
    Case("money", "'-1234.50'", "NUMERIC", Decimal("-1234.5")),
    Case("positive", "123456789012345678901234.5", "NUMERIC", Decimal("123456789012345678901234.5")),
    Case("real", "'NaN'", "FLOAT64", Refused("is no FLOAT64", "nan")),
    Case("double precision", "'-Infinity'", "NUMERIC", Refused("is no NUMERIC", "-inf")),
    Case("double precision", "1e-320", "FLOAT64", 1e-320),
    Case("double precision", "0.1::float8 + 0.2", "FLOAT64", 0.1 + 0.2),
    Case("bigint", "-9223372036854775808", "INT64", -(2**63)),
    Case("oid", "4294967295", "INT64", 4294967295),
    Case("boolean", "'yes'", "BOOL", True),
    Case("date", "'1850-02-03'", "DATE", date(1850, 2, 3)),
    Case("date", "'infinity'", "DATE", Refused(YEARS.format("DATE"), "infinity")),
    Case("date", "'0044-03-15 BC'", "DATE", Refused(YEARS.format("DATE"), "0044-03-15 (BC)")),
    Case("day", "'1969-12-31'", "DATE", date(1969, 12, 31)),
    Case("timestamptz", "'1960-01-01 00:00:00.000001+02'", "TIMESTAMP", datetime(1959, 12, 31, 22, 0, 0, 1, UTC)),
    Case("timestamptz", "'-infinity'", "TIMESTAMP", Refused(YEARS.format("TIMESTAMP"), "-infinity")),
    Case("timestamptz", "'12000-01-01'", "TIMESTAMP", Refused(YEARS.format("TIMESTAMP"), "12000-01-01 00:00:00+00")),
    Case("timestamp", "'1850-02-03 04:05:06.123456'", "TIMESTAMP", datetime(1850, 2, 3, 4, 5, 6, 123456, UTC)),
    Case("timestamp", "'infinity'", "TIMESTAMP", Refused("is no TIMESTAMP", "infinity")),
    Case("time", "'24:00'", "STRING", "24:00:00"),
    Case("timetz", "'10:00+02'", "STRING", "10:00:00+02"),
    Case("interval", "'1 mon 2 days'", "STRING", "1 mon 2 days"),
    Case("jsonb", """'{"a": 1.10, "b": "😀"}'""", "json", '{"a": 1.10, "b": "😀"}'),
    Case("json", "'[1, 1]'", "STRING", "[1, 1]"),
    Case("text[]", """'{a,NULL,"b,c"}'""", "json", '["a",null,"b,c"]'),
    Case("int[]", "'{{1,2},{3,4}}'", "json", "[[1,2],[3,4]]"),
    Case("numeric[]", "'{1.50,NaN}'", "json", '[1.50,"NaN"]'),
    Case("pair", "ROW(1, 'x')", "json", '{"a":1,"b":"x"}'),
    Case("mood", "'paid'", "STRING", "paid"),
    Case("text", "'😀 naïve'", "STRING", "😀 naïve"),
    Case("char(5)", "'ab'", "STRING", "ab"),
    Case("uuid", "'4f703e94-eb9a-11f1-b194-02fc00000001'", "STRING", "4f703e94-eb9a-11f1-b194-02fc00000001"),
    Case("inet", "'::1'", "STRING", "::1/128"),
    Case("bit(3)", "B'101'", "STRING", "101"),
    Case("int4range", "'[1,2)'", "STRING", "[1,2)"),
]  # fmt: skip


@pytest.fixture
def postgres(shop: Shop, postgres_server: Postgres) -> Postgres:
    postgres_server.sql("""
        DROP SCHEMA public CASCADE; CREATE SCHEMA public;
        CREATE DOMAIN positive AS numeric CHECK (value > 0); CREATE DOMAIN day AS date; CREATE DOMAIN birthday AS day;
        CREATE TYPE mood AS ENUM ('open', 'paid'); CREATE TYPE pair AS (a int, b text);""")
    shop.connections["shop_db"] = postgres_server.connection()
    return postgres_server


@pytest.mark.parametrize("nan", [True, False])
def test_each_value_arrives_as_it_is_or_is_refused(shop: Shop, postgres: Postgres, nan: bool) -> None:
    """A NaN has all decimals read another way: both ways give the same values."""
    cases = [case for case in AWKWARD if nan or case[:2] != ("numeric(10,2)", "'NaN'")]
    assert len(cases) == len(AWKWARD) - (not nan)
    assert_each(shop, cases, postgres.connection(), postgres.sql)


def orders(postgres: Postgres, type_: str, *days: str) -> None:
    rows = ", ".join(f"('o1', {n}, '2024-06-30', 2, 1.5, {day})" for n, day in enumerate(days, 1))
    postgres.sql(
        "CREATE TABLE orders (order_id text, line int, placed_at timestamp, quantity int, amount numeric(9,2),"
        f" updated {type_}); INSERT INTO orders VALUES {rows}"
    )


@pytest.mark.parametrize("type_", ["timestamptz", "timestamp", "birthday"])
def test_rows_whose_cursor_is_no_day_are_read_each_time(shop: Shop, postgres: Postgres, type_: str) -> None:
    orders(postgres, type_, "'2024-06-28'", "'2024-06-30'", "'2024-07-01'", "NULL", "'infinity'", "'-infinity'")
    shop.load(BINDING, date(2024, 6, 28))
    shop.load(BINDING, date(2024, 6, 30))
    loaded = sorted((row["line"], row["_loaded_date"].day) for row in shop.rows(audit=True))
    assert loaded == [(1, 28), (2, 30), (4, 28), (4, 30), (5, 28), (5, 30), (6, 28), (6, 30)]


def test_bytes_are_no_text(shop: Shop, postgres: Postgres) -> None:
    orders(postgres, "bytea", r"'\x00ff'")
    with pytest.raises(SchemaDriftError, match="note expected STRING, found BLOB"):
        shop.load("connection: shop_db\nrelation: orders\nload: snapshot\ncolumns: {note: updated}")


def test_text_of_a_latin_database_arrives_and_broken_text_stops_the_load(shop: Shop, postgres: Postgres) -> None:
    for name, encoding, byte in (("latin", "LATIN1", "\\351"), ("careless", "SQL_ASCII", "\\351")):
        postgres.sql(f"DROP DATABASE IF EXISTS {name}")
        postgres.sql(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        postgres.sql(f"\\c {name}\nSET client_encoding = '{encoding}';")
        postgres.sql(
            f"\\c {name}\nCREATE TABLE orders AS SELECT 'o1' AS order_id, 1 AS line, date '2024-06-30' AS placed_at,"
            f" 2 AS quantity, 1.5 AS amount, convert_from('{byte}', '{encoding}') AS note"
        )
    snapshot = "connection: shop_db\nrelation: orders\nload: snapshot"
    shop.connections["shop_db"] = postgres.connection(database="latin")
    shop.load(snapshot)
    assert shop.rows()[0]["note"] == "é"
    shop.connections["shop_db"] = postgres.connection(database="careless")
    with pytest.raises(SourceError, match=r"careless.*(?i:invalid|utf)"):
        shop.load(snapshot)


ORDERS = "connection: shop_db\nrelation: Sales.orders\nload: snapshot\ncolumns: {status: '`the status`'}\n"
A, B, C = (f"{letter * 8}-0000-0000-0000-000000000000" for letter in "abc")


@pytest.fixture
def sales(postgres: Postgres) -> Postgres:
    postgres.sql("""
        DROP SCHEMA IF EXISTS "Sales" CASCADE; CREATE SCHEMA "Sales";
        CREATE TABLE "Sales".orders (
          order_id uuid, line int, placed_at timestamptz, quantity bigint, amount numeric, "the status" varchar(10),
          score numeric(3, 1), born date, active boolean, payload jsonb, tags text[], updated timestamp
        )""")
    return postgres


def test_postgres_keeps_types_and_every_digit(shop: Shop, sales: Postgres) -> None:
    sales.sql(f"""
        INSERT INTO "Sales".orders VALUES
          ('{A}', 1, '2024-06-30 12:00+02', 2, 123456789012345678.123456789, 'paid', 4.5, '2000-02-29', true, '{{"a": 1}}', '{{x}}'),
          ('{B}', 1, '2024-06-30 12:00+02', 2, 'NaN', 'paid', 9.5, NULL, NULL, NULL, NULL),
          ('{C}', 1, NULL, 2, 1, 'paid', NULL, NULL, NULL, NULL, NULL)""")
    result = shop.load(ORDERS)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (3, 1, 2)
    (row,) = shop.rows()
    assert row["order_id"] == A
    assert row["placed_at"] == datetime(2024, 6, 30, 10, tzinfo=UTC)
    assert row["amount"] == Decimal("123456789012345678.123456789")
    assert (row["score"], row["born"], row["active"]) == (Decimal("4.5"), date(2000, 2, 29), True)
    assert [entry["column_name"] for entry in shop.quarantine()] == ["amount", "placed_at"]


@pytest.mark.parametrize("type_", ["timestamp", "timestamptz", "date", "text"])
def test_postgres_reads_the_window_of_the_cursor(shop: Shop, sales: Postgres, type_: str) -> None:
    sales.sql(f'ALTER TABLE "Sales".orders ALTER updated TYPE {type_} USING updated::{type_}')
    rows = [("2024-06-28", 1), ("2024-06-29", 2), ("2024-06-30", 3), ("2024-07-01", 4)]
    values = ", ".join(f"('{A}', {n}, '2024-06-30', 1, 1, '{day}')" for day, n in rows)
    insert = 'INSERT INTO "Sales".orders (order_id, line, placed_at, quantity, amount, updated) VALUES '
    sales.sql(insert + values + f", ('{A}', 5, '2024-06-30', 1, 1, NULL)")
    binding = ORDERS.replace("load: snapshot", "load: {cursor: updated}")
    first = shop.load(binding, date(2024, 6, 28))
    second = shop.load(binding, date(2024, 6, 30))
    assert (first.rows_read, second.rows_read) == (2, 3)
    assert second.window_from == date(2024, 6, 29)
    loaded = sorted((row["line"], row["_loaded_date"].day) for row in shop.rows(audit=True))
    assert loaded == [(1, 28), (2, 30), (3, 30), (5, 28), (5, 30)]


def test_a_missing_postgres_table_names_those_there_are(shop: Shop, sales: Postgres) -> None:
    with pytest.raises(SourceError, match=r"has no table 'orders'.*it has Sales\.orders"):
        shop.load(ORDERS.replace("Sales.", ""))
