"""Passwords are in no error, no log and no file, in whatever way a connection breaks."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from customer360.errors import SourceError
from customer360.sources import Connection
from sources.conftest import Shop
from sources.servers import MariaDb, Postgres

# With what each way of quoting changes: SQL, libpq, URIs, JSON, passfiles.
SECRET = "Zt7'q\\9:\"K;w=4 %é/x"
FORMS = {SECRET, quote(SECRET, safe=""), quote_plus(SECRET), json.dumps(SECRET)[1:-1], SECRET.replace("'", "''"), SECRET.replace("\\", "\\\\"), "Zt7", "%C3%A9", "/x"}  # fmt: skip
BINDING = "connection: shop_db\nrelation: orders\nload: snapshot\n"
BREAKS: list[dict[str, Any]] = [
    {"port": 1},  # nobody listens
    {"host": "no-such-host.invalid"},
    {"database": "nothing"},
    {"login": "nobody"},
    {"password": SECRET + "wrong"},
    {"database": "shop' password='x"},
    {"extra": {"sslmode": "nonsense", "ssl_mode": "nonsense"}},
    {"extra": {"sslrootcert": "/nowhere", "sslmode": "verify-full", "ssl_mode": "verify_ca", "ssl_ca": "/nowhere"}},
    {"relation": "nothing"},
    {"columns": "{note: nothing}"},
]


def texts(error: BaseException, caplog: pytest.LogCaptureFixture) -> str:
    """All that people may see of an error: its message, its chain with causes, what was logged on the way."""
    chain = "".join(traceback.format_exception(error))
    return "\n".join([str(error), repr(error), chain, *(record.getMessage() for record in caplog.records)])


def assert_concealed(
    shop: Shop, caplog: pytest.LogCaptureFixture, change: dict[str, Any], connection: Connection
) -> None:
    lines = [f"{key}: {value}" for key, value in change.items() if key in ("relation", "columns")]
    binding = "\n".join([*(line for line in BINDING.splitlines() if line.split(":")[0] not in change), *lines])
    shop.connections["shop_db"] = connection
    with caplog.at_level(logging.DEBUG), pytest.raises(SourceError) as caught:
        shop.load(binding)
    shown = texts(caught.value, caplog) + repr(connection)
    # Tracebacks show source lines, and this file's own lines are not what was asked.
    assert not [form for form in FORMS - {"/x"} if form in shown], shown
    for file in shop.folder.rglob("*"):
        assert not file.is_file() or SECRET[:5].encode() not in file.read_bytes(), file


@pytest.fixture
def maria(mariadb_server: MariaDb) -> MariaDb:
    secret = SECRET.replace("\\", "\\\\").replace("'", "''")
    mariadb_server.sql(f"CREATE OR REPLACE USER quiet IDENTIFIED BY '{secret}'; GRANT SELECT ON shop.* TO quiet;")
    mariadb_server.sql(
        "CREATE OR REPLACE TABLE orders (order_id text, `line` int, placed_at date, quantity int, amount int);", "shop"
    )
    return mariadb_server


@pytest.mark.parametrize("change", BREAKS, ids="+".join)
def test_mysql(shop: Shop, maria: MariaDb, caplog: pytest.LogCaptureFixture, change: dict[str, Any]) -> None:
    changes = {key: value for key, value in change.items() if key not in ("relation", "columns")}
    connection = maria.connection(**{"login": "quiet", "password": SECRET, **changes})
    assert_concealed(shop, caplog, change, connection)


@pytest.fixture
def postgres(postgres_server: Postgres) -> Postgres:
    """A user whose password is really asked for."""
    secret = SECRET.replace("'", "''")
    postgres_server.sql(f"""
        DO $$ BEGIN CREATE ROLE quiet LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        ALTER ROLE quiet PASSWORD '{secret}'; DROP TABLE IF EXISTS orders;
        CREATE TABLE orders (order_id text, line int, placed_at date, quantity int, amount int);
        GRANT USAGE ON SCHEMA public TO quiet; GRANT SELECT ON orders TO quiet;""")
    rules = Path(postgres_server.server.pgdata) / "pg_hba.conf"
    before = rules.read_text()
    if "quiet" not in before:
        loaded = postgres_server.sql("SELECT pg_conf_load_time()")
        rules.write_text(f"local all quiet scram-sha-256\nhost all quiet 127.0.0.1/32 scram-sha-256\n{before}")
        postgres_server.sql("SELECT pg_reload_conf()")
        while postgres_server.sql("SELECT pg_conf_load_time()") == loaded:  # the server does it in its own time
            time.sleep(0.05)
    return postgres_server


@pytest.mark.parametrize("change", BREAKS, ids="+".join)
def test_postgres(shop: Shop, postgres: Postgres, caplog: pytest.LogCaptureFixture, change: dict[str, Any]) -> None:
    changes = {key: value for key, value in change.items() if key not in ("relation", "columns")}
    if set(changes) & {"port"} or "sslmode" in changes.get("extra", {}):
        changes = {"host": "127.0.0.1", "port": 1, **changes}
    assert_concealed(shop, caplog, change, postgres.connection(**{"login": "quiet", "password": SECRET, **changes}))


def test_the_password_itself_is_right(shop: Shop, maria: MariaDb, postgres: Postgres) -> None:
    """Else the tests above would see only refusals of a password."""
    for connection in (
        maria.connection(login="quiet", password=SECRET),
        postgres.connection(login="quiet", password=SECRET),
    ):
        shop.connections["shop_db"] = connection
        assert shop.load(BINDING).rows_read == 0


def test_sqlite(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """SQLite has no password, but an Airflow connection may."""
    file = shop.folder / "shop.sqlite"
    sqlite3.connect(file).execute("CREATE TABLE orders (order_id)").connection.close()
    (shop.folder / "no.sqlite").write_text("this is no database" * 100)
    for database, change in (
        (file, {}),
        (file, {"relation": "nothing"}),
        (shop.folder / "no.sqlite", {}),
        (shop.folder, {}),
    ):
        connection = Connection("sqlite", database=str(database), password=SECRET)
        assert_concealed(shop, caplog, change, connection)


@pytest.mark.parametrize("form", sorted(FORMS - {"Zt7", "%C3%A9", "/x"}))
def test_every_way_to_write_it_is_concealed(form: str) -> None:
    assert Connection("postgres", password=SECRET).conceal(f"failed: '{form}', at last") == "failed: '***', at last"
