"""A real SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from customer360.errors import SchemaDriftError, SourceError
from customer360.sources import Connection
from sources.awkward import Case, Refused, assert_each
from sources.conftest import Shop

ORDERS = """
    CREATE TABLE orders (
      order_id TEXT, line INTEGER, placed_at TEXT, quantity, amount REAL, "the status" TEXT, photo BLOB, updated TEXT
    )"""
BINDING = """
connection: shop_db
relation: orders
load: snapshot
columns: {status: '`the status`'}
"""


@pytest.fixture
def sqlite(shop: Shop) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(shop.folder / "shop.sqlite")
    connection.execute(ORDERS)
    shop.connections["shop_db"] = Connection("sqlite", database=str(shop.folder / "shop.sqlite"))
    yield connection
    connection.close()


def test_sqlite_values_of_any_type_are_read_through_the_contract(shop: Shop, sqlite: sqlite3.Connection) -> None:
    rows: list[tuple[Any, ...]] = [
        ("o1", 1, "2024-06-30 10:00:00", 2, 19.99, "open"),
        ("o2", 1, "2024-06-30", "three", 1, "open"),  # SQLite does not mind
        ("o3", 1, "2024-06-30", 3, 0.1, "lost"),
        ("o1", 1, "2024-06-30", 9, 9, "paid"),
        (None, 1, "2024-06-30", 1, 1, None),
    ]
    sqlite.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, x'00ff', NULL)", rows)
    sqlite.commit()
    result = shop.load(BINDING)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined, result.cells_quarantined) == (5, 2, 3, 1)
    first, third = shop.rows()
    assert (first["order_id"], first["quantity"], first["amount"]) == ("o1", 2, Decimal("19.99"))  # the first by rowid
    assert (third["amount"], third["status"]) == (Decimal("0.1"), None)
    assert shop.refusals() == [
        ("cell", "status", "is not one of open, paid", "lost"),
        ("row", "order_id", "key is missing", None),
        ("row", "order_id, line", "key is repeated", None),
        ("row", "quantity", "is no INT64", "three"),
    ]
    assert {row["_source"] for row in shop.rows(audit=True)} == {"shop_db.orders"}
    assert set(result.drift) == {
        f"source column {n} is not in the contract and was ignored" for n in ("photo", "updated")
    }


def test_a_view_without_rowid_loads_and_refuses_the_same_repeats_each_time(
    shop: Shop, sqlite: sqlite3.Connection
) -> None:
    sqlite.executemany(
        "INSERT INTO orders VALUES ('o1', 1, '2024-06-30', ?, 1, NULL, NULL, NULL)", [(n,) for n in (5, 3, 4)]
    )
    sqlite.execute("CREATE VIEW recent AS SELECT * FROM orders ORDER BY random()")
    sqlite.commit()
    binding = BINDING.replace("relation: orders", "relation: recent")
    kept = set()
    for _ in range(3):
        shop.load(binding)
        kept |= {row["quantity"] for row in shop.rows()}
    assert len(kept) == 1
    with pytest.raises(SchemaDriftError, match="have no order of their own"):
        shop.load(binding.replace("columns: {", "columns: {line: _position, "))


def test_a_missing_table_names_those_there_are(shop: Shop, sqlite: sqlite3.Connection) -> None:
    sqlite.commit()
    with pytest.raises(SourceError, match=r"no table 'order', named in shop.yaml; it has orders") as caught:
        shop.load(BINDING.replace("relation: orders", "relation: order"))
    assert not caught.value.retry_helps
    shop.connections["shop_db"] = Connection("sqlite", database="/nowhere/shop.sqlite")
    with pytest.raises(SourceError, match="there is no SQLite database") as missing:
        shop.load(BINDING)
    assert not missing.value.retry_helps


AWKWARD = [
    Case("", "0.1 + 0.2", "FLOAT64", 0.1 + 0.2),
    Case("REAL", "123456789.12345678", "FLOAT64", 123456789.12345678),
    Case("REAL", "19.99", "NUMERIC", Decimal("19.99")),
    Case("REAL", "1e15", "NUMERIC", Decimal(10**15)),
    Case("NUMERIC", "5.0", "INT64", 5),  # stored as an integer
    Case("REAL", "5", "INT64", Refused("is no INT64", "5.0")),
    Case("REAL", "-1.5e308", "FLOAT64", -1.5e308),
    Case("REAL", "9e999", "FLOAT64", Refused("is no FLOAT64", "Inf")),
    Case("INTEGER", "9007199254740993", "INT64", 9007199254740993),
    Case("INTEGER", "9223372036854775807", "INT64", 2**63 - 1),
    Case("INTEGER", "'three'", "INT64", Refused("is no INT64", "three")),
    Case("DECIMAL(38,10)", "'12345678901234567890.123456789'", "STRING", "1.2345678901234567e+19"),  # as SQLite stores it
    Case("TEXT", "'12345678901234567890.123456789'", "NUMERIC", Decimal("12345678901234567890.123456789")),
    Case("BOOLEAN", "true", "BOOL", True),
    Case("DATE", "'1850-02-03'", "DATE", date(1850, 2, 3)),
    Case("DATE", "'2024-02-30'", "DATE", Refused("is no DATE", "2024-02-30")),
    Case("DATETIME", "'1960-01-01 00:00:00.000001'", "TIMESTAMP", datetime(1960, 1, 1, 0, 0, 0, 1, UTC)),
    Case("DATETIME", "1719741600", "TIMESTAMP", Refused("is no TIMESTAMP", "1719741600")),
    Case("JSON", """'{"a": 1.10, "b": "😀"}'""", "json", '{"a": 1.10, "b": "😀"}'),
    Case("TEXT", "'😀 naïve'", "STRING", "😀 naïve"),
    Case("TEXT", "'a' || char(0) || 'b'", "STRING", "a\0b"),
    Case("TEXT", "''", "STRING", ""),
]  # fmt: skip


@pytest.mark.parametrize("broken_text", [False, True])
def test_each_value_arrives_as_it_is_or_is_refused(shop: Shop, sqlite: sqlite3.Connection, broken_text: bool) -> None:
    """A text that is no UTF-8, in another row, changes nothing of the others."""

    def create(text: str) -> None:
        sqlite.executescript(text)
        if broken_text:
            sqlite.execute("INSERT INTO awkward (id, c0) VALUES (2, CAST(x'ff41' AS TEXT))")
        sqlite.commit()

    assert_each(shop, AWKWARD, shop.connections["shop_db"], create, broken=int(broken_text))


def test_bytes_are_refused_with_their_row(shop: Shop, sqlite: sqlite3.Connection) -> None:
    insert = (
        'INSERT INTO orders (order_id, line, placed_at, quantity, amount, "the status") VALUES (?, 1, ?, 2, 1.5, ?)'
    )
    sqlite.executemany(
        insert, [("o1", "2024-06-30", "open"), (b"o2", "2024-06-30", "open"), ("o3", "2024-06-30", b"\0\xff")]
    )
    sqlite.commit()
    result = shop.load(BINDING)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (3, 1, 2)
    assert {(entry["reason"], json.loads(entry["raw"])["placed_at"]) for entry in shop.quarantine()} == {
        ("order_id holds bytes", "2024-06-30"), ("the status holds bytes", "2024-06-30"),
    }  # fmt: skip


def test_text_that_is_no_utf8_is_refused_with_its_row(shop: Shop, sqlite: sqlite3.Connection) -> None:
    insert = "INSERT INTO orders (order_id, line, placed_at, quantity, amount) VALUES "
    sqlite.execute(f"{insert} ('o1', 1, '2024-06-30', 2, 0.1 + 0.2), (CAST(x'ff41' AS TEXT), 1, '2024-06-30', 2, 1.5)")
    sqlite.commit()
    result = shop.load(BINDING)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (2, 1, 1)
    assert shop.refusals() == [("row", None, "order_id is no UTF-8", None)]
