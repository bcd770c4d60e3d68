"""A real MariaDB."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from customer360.errors import SchemaDriftError, SourceError
from sources.awkward import Case, Refused, assert_each
from sources.conftest import Shop
from sources.servers import MariaDb

BINDING = "connection: shop_db\nrelation: orders\nload: {cursor: updated}\n"
AWKWARD = [
    Case("decimal(38,10)", "1234567890123456789012345678.0123456780", "NUMERIC", Decimal("1234567890123456789012345678.012345678")),
    Case("decimal(38,10)", "0.0123456789", "NUMERIC", Refused("is no NUMERIC", "0.0123456789")),
    Case("decimal(65,30)", "12345678901234567890123456789012345.5", "NUMERIC", Refused("is no NUMERIC", "12345678901234567890123456789012345.500000000000000000000000000000")),
    Case("decimal(65,30)", "123456789012345678901.5", "NUMERIC", Decimal("123456789012345678901.5")),
    Case("decimal(65,30)", "0.0123456789", "NUMERIC", Refused("is no NUMERIC", "0.012345678900000000000000000000")),
    Case("bigint unsigned", "18446744073709551615", "INT64", Refused("is no INT64", "18446744073709551615")),
    Case("bigint unsigned", "18446744073709551615", "NUMERIC", Decimal(18446744073709551615)),
    Case("bigint unsigned", "18446744073709551615", "STRING", "18446744073709551615"),
    Case("bigint", "-9223372036854775808", "INT64", -(2**63)),
    Case("tinyint(1)", "7", "INT64", 7),
    Case("tinyint(1)", "7", "BOOL", Refused("is no BOOL", "7")),
    Case("boolean", "true", "BOOL", True),
    Case("bit(1)", "b'1'", "BOOL", True),
    Case("bit(64)", "b'1111111111111111111111111111111111111111111111111111111111111111'", "NUMERIC", Decimal(2**64 - 1)),
    Case("int(6) zerofill", "42", "INT64", 42),
    Case("year", "1901", "INT64", 1901),
    Case("float", "16777216", "FLOAT64", 16777216.0),
    Case("float", "0.1", "NUMERIC", Decimal("0.1")),
    Case("double", "1.7976931348623157e308", "FLOAT64", 1.7976931348623157e308),
    Case("double", "0.1e0 + 0.2e0", "FLOAT64", 0.1 + 0.2),
    Case("date", "'0000-00-00'", "DATE", Refused("is no DATE", "0000-00-00")),
    Case("date", "'2024-02-00'", "DATE", Refused("is no DATE", "2024-02-00")),
    Case("date", "'2024-02-31'", "DATE", Refused("is no DATE", "0000-00-00")),  # as this server stores it
    Case("date", "'1850-02-03'", "DATE", date(1850, 2, 3)),
    Case("date", "'9999-12-31'", "DATE", date(9999, 12, 31)),
    Case("datetime(6)", "'0000-00-00 00:00:00'", "TIMESTAMP", Refused("is no TIMESTAMP", "0000-00-00 00:00:00.000000")),
    Case("datetime(6)", "'1850-02-03 04:05:06.123456'", "TIMESTAMP", datetime(1850, 2, 3, 4, 5, 6, 123456, UTC)),
    Case("datetime", "'2024-06-30 00:00:00'", "DATE", date(2024, 6, 30)),
    Case("datetime", "'2024-06-30 00:00:01'", "DATE", Refused("is no DATE", "2024-06-30 00:00:01")),
    Case("timestamp(6) null", "from_unixtime(1.5)", "TIMESTAMP", datetime(1970, 1, 1, 0, 0, 1, 500000, UTC)),
    Case("timestamp null", "'0000-00-00 00:00:00'", "TIMESTAMP", Refused("is no TIMESTAMP", "0000-00-00 00:00:00")),
    Case("time", "'-838:59:59'", "STRING", "-838:59:59"),
    Case("time", "'10:00'", "TIMESTAMP", Refused("is no TIMESTAMP", "10:00:00")),
    Case("json", """'{"a": 1.10, "b": "😀"}'""", "json", '{"a": 1.10, "b": "😀"}'),
    Case("enum('open','paid')", "'paid'", "STRING", "paid"),
    Case("enum('open','paid')", "'lost'", "STRING", ""),  # as this server stores it
    Case("set('a','b')", "'b,a'", "STRING", "a,b"),
    Case("text", "'😀 naïve \\\\ \\' \"'", "STRING", "😀 naïve \\ ' \""),
    Case("varchar(20) CHARACTER SET latin1", "'naïve €'", "STRING", "naïve €"),
    Case("varchar(20) COLLATE utf8mb4_bin", "'😀'", "STRING", "😀"),
    Case("char(5)", "'ab'", "STRING", "ab"),
    Case("uuid", "'4f703e94-eb9a-11f1-b194-02fc00000001'", "STRING", "4f703e94-eb9a-11f1-b194-02fc00000001"),
    Case("inet6", "'::1'", "STRING", "::1"),
]  # fmt: skip


@pytest.fixture
def maria(shop: Shop, mariadb_server: MariaDb) -> MariaDb:
    mariadb_server.sql("DROP TABLE IF EXISTS orders; DROP TABLE IF EXISTS awkward;", "shop")
    shop.connections["shop_db"] = mariadb_server.connection()
    return mariadb_server


def test_each_value_arrives_as_it_is_or_is_refused(shop: Shop, maria: MariaDb) -> None:
    assert_each(
        shop,
        AWKWARD,
        maria.connection(),
        lambda text: maria.sql(f"SET sql_mode='', time_zone='+05:00'; {text}", "shop"),
    )


def orders(maria: MariaDb, type_: str, *days: str) -> None:
    rows = ", ".join(f"('o1', {n}, '2024-06-30', 2, 1.5, {day})" for n, day in enumerate(days, 1))
    maria.sql(
        f"SET sql_mode='', time_zone='+00:00'; CREATE TABLE orders (order_id varchar(9), `line` int, placed_at datetime,"
        f" quantity int, amount decimal(9,2), updated {type_} NULL); INSERT INTO orders VALUES {rows}",
        "shop",
    )


@pytest.mark.parametrize("type_", ["datetime(3)", "timestamp", "date", "varchar(30)"])
def test_the_window_of_the_cursor(shop: Shop, maria: MariaDb, type_: str) -> None:
    orders(maria, type_, "'2024-06-28'", "'2024-06-29'", "'2024-06-30'", "'2024-07-01'", "NULL", "'0000-00-00'")
    first = shop.load(BINDING, date(2024, 6, 28))
    second = shop.load(BINDING, date(2024, 6, 30))
    assert (first.rows_read, second.rows_read) == (3, 4)  # those without a time each time
    loaded = sorted((row["line"], row["_loaded_date"].day) for row in shop.rows(audit=True))
    assert loaded == [(1, 28), (2, 30), (3, 30), (5, 28), (5, 30), (6, 28), (6, 30)]
    assert {row["_source"] for row in shop.rows(audit=True)} == {"shop_db.orders"}


def test_odd_names_and_another_schema(shop: Shop, maria: MariaDb) -> None:
    maria.sql(
        "CREATE DATABASE IF NOT EXISTS other; GRANT SELECT ON other.* TO reader; USE other; DROP TABLE IF EXISTS `Of``ice\\'s`;"
        "CREATE TABLE `Of``ice\\'s` (order_id text, `The ``Line` int, placed_at date, quantity int, amount float);"
        "INSERT INTO `Of``ice\\'s` VALUES ('o1', 1, '2024-06-30', 2, 1.5)"
    )
    binding = r"""
        connection: shop_db
        relation: other.Of`ice\'s
        load: snapshot
        columns: {line: '`The \`Line`'}"""
    assert shop.load(binding.replace("\n        ", "\n")).rows_loaded == 1


def test_what_is_not_there_is_named(shop: Shop, maria: MariaDb) -> None:
    orders(maria, "date", "NULL")
    with pytest.raises(SourceError, match=r"has no table 'order', named in shop.yaml; it has .*orders") as caught:
        shop.load(BINDING.replace("orders", "order"))
    assert not caught.value.retry_helps
    with pytest.raises(SchemaDriftError, match="changed_at"):
        shop.load(BINDING.replace("updated", "changed_at"))
    shop.connections["shop_db"] = maria.connection(database="nothing")
    with pytest.raises(SourceError, match=r"127\.0\.0\.1/nothing") as unknown:
        shop.load(BINDING)
    assert not unknown.value.retry_helps


def test_bytes_are_no_text(shop: Shop, maria: MariaDb) -> None:
    orders(maria, "blob", "x'00ff'")
    with pytest.raises(SchemaDriftError, match="note expected STRING, found BLOB"):
        shop.load("connection: shop_db\nrelation: orders\nload: snapshot\ncolumns: {note: updated}")


def test_a_session_zone_does_not_move_times(shop: Shop, maria: MariaDb) -> None:
    maria.sql("SET GLOBAL time_zone = '+05:00'")
    try:
        orders(maria, "timestamp", "'2024-06-30 23:30:00'")
        shop.load("connection: shop_db\nrelation: orders\nload: snapshot\ncolumns: {placed_at: updated}")
    finally:
        maria.sql("SET GLOBAL time_zone = 'SYSTEM'")
    assert shop.rows()[0]["placed_at"] == datetime(2024, 6, 30, 23, 30, tzinfo=UTC)
