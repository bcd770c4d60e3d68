"""An attacker who may write a connection, or answers at the other end of one. Passwords in messages: tests/sources/test_secrets.py."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from orchestration.receivers import webhook
from sources.conftest import Shop
from sources.servers import Postgres, postgres_server

from customer360.errors import SourceError
from customer360.sources import Connection
from customer360.sources.connections import attached
from customer360.warehouse.duckdb_session import connect
from security.rogue_mysql import rogue

__all__ = ["postgres_server"]
BINDING = "connection: db\nrelation: orders\nload: snapshot\n"


def test_a_mysql_server_that_asks_for_a_file_gets_none(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP SECRET")
    with rogue(str(secret)) as server:
        session = connect("mysql_scanner")
        there = Connection("mysql", host="127.0.0.1", port=server.port, login="u", password="p", database="d")
        try:
            with attached(session, there, "remote", tmp_path):
                session.execute("FROM mysql_query('remote', 'SELECT 1')").fetchall()
        except SourceError:
            pass
        session.close()
    assert server.asked > 0
    assert server.given == []


@pytest.mark.parametrize(
    "uri",
    [
        "file:{0}/new.db?mode=rwc",
        "file://{0}/shop.db?mode=rw",
        "{0}/new.db",
        "{0}",
        ":memory:",
        "",
        "sqlite:{0}/new.db",
    ],
)
def test_a_sqlite_path_is_the_path_of_a_file_that_is_there(shop: Shop, uri: str) -> None:
    shop.connections["db"] = Connection("sqlite", database=uri.format(shop.folder))
    with pytest.raises(SourceError, match="there is no SQLite database"):
        shop.load(BINDING)
    assert not [*shop.folder.rglob("*.db*")]


def test_a_sqlite_source_is_only_read(shop: Shop) -> None:
    import sqlite3

    file = shop.folder / "shop.db"
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE orders (order_id, line, placed_at, quantity, amount)")
    database.execute("INSERT INTO orders VALUES ('o1', 1, '2024-06-30', 1, 1)")
    database.commit()
    database.close()
    before = file.read_bytes()
    shop.connections["db"] = Connection("sqlite", database=str(file))
    assert shop.load(BINDING).rows_loaded == 1
    hostile = "orders; DROP TABLE orders; --"
    with pytest.raises(SourceError, match="has no table"):
        shop.load(BINDING.replace("relation: orders", f"relation: {hostile!r}"))
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("database", "x' sslmode='disable' host='/tmp"),
        ("database", "postgresql://elsewhere/x"),
        ("database", "host=elsewhere dbname=x"),
        ("login", "x' options='-c role=postgres"),
    ],
)
def test_what_looks_like_an_option_is_a_name(postgres_server: Postgres, tmp_path: Path, field: str, value: str) -> None:
    """The server is asked for a database, or a user, of that very name."""
    session = connect("postgres_scanner")
    with (
        pytest.raises(SourceError, match=f"{re.escape(value)}.* does not exist"),
        attached(session, postgres_server.connection(**{field: value}), "remote", tmp_path),
    ):
        pass
    session.close()


def test_options_that_lead_elsewhere_are_not_passed_on(postgres_server: Postgres, tmp_path: Path) -> None:
    extra = {"service": "x", "passfile": "/etc/passwd", "options": "-c search_path=owned", "hostaddr": "10.0.0.1"}
    session = connect("postgres_scanner")
    with attached(session, postgres_server.connection(extra=extra), "remote", tmp_path):
        found = session.execute(
            "FROM postgres_query('remote', 'SELECT setting FROM pg_settings WHERE name = $$search_path$$')"
        ).fetchone()
    assert found == ('"$user", public',)
    session.close()


def test_a_source_cannot_be_written_to(postgres_server: Postgres, tmp_path: Path) -> None:
    session = connect("postgres_scanner")
    with (
        attached(session, postgres_server.connection(), "remote", tmp_path),
        pytest.raises(Exception, match="read-only"),
    ):
        session.execute("CREATE TABLE remote.public.owned (a INT)")
    session.close()


def test_an_alert_follows_no_redirect_and_says_no_address(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else whoever answers a webhook could have this machine ask others, with the alert and its headers."""
    from airflow.sdk import Connection as AirflowConnection

    from customer360.orchestration.alerts import Alert
    from customer360.orchestration.delivery import deliver

    alert = Alert(title="t", what="w", since="s", affected="a", section="x", runbook="r")
    with webhook(302) as hook, caplog.at_level(logging.INFO):
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS", f"{hook.url}/SECRET-TOKEN".replace("http://", "http://user:hunter2@"))
        said = deliver(alert, "alerts")
        assert AirflowConnection.get("alerts").host
    assert len(hook.posts) == 1
    assert said == "connection 'alerts' answered 302"
    assert "hunter2" not in caplog.text
