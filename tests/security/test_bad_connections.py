"""An attacker who may write a connection, or answers at the other end of one. Passwords in messages: tests/sources/test_secrets.py."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4])
def test_a_mysql_server_that_asks_for_a_file_gets_none(tmp_path: Path, after: int) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP SECRET")
    with rogue(str(secret), after=after) as server:
        session = connect("mysql_scanner")
        there = Connection("mysql", host="127.0.0.1", port=server.port, login="u", password="p", database="d")
        try:
            with attached(session, there, "remote", tmp_path):
                session.execute("FROM mysql_query('remote', 'SELECT 1')").fetchall()
        except SourceError:
            pass
        session.close()
    assert server.asked > 0 or after == 4
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
    assert shop.load(f"{BINDING}where: \"order_id = 'x''; DROP TABLE orders; --'\"\n").rows_loaded == 0
    hostile = "orders; DROP TABLE orders; --"
    with pytest.raises(SourceError, match="has no table"):
        shop.load(BINDING.replace("relation: orders", f"relation: {hostile!r}"))
    assert file.read_bytes() == before


# What libpq would take to mean another server, another file, or a program, were it read as options.
INJECTED: list[dict[str, Any]] = [
    {"host": "127.0.0.1' passfile='/etc/passwd"},
    {"database": "x' sslmode='disable' host='/tmp"},
    {"database": "postgresql://elsewhere/x?sslmode=disable"},
    {"database": "host=elsewhere dbname=x"},
    {"login": "x' options='-c default_transaction_read_only=off"},
    {"extra": {"service": "x", "passfile": "/etc/passwd", "options": "-c role=postgres", "hostaddr": "10.0.0.1"}},
    {"extra": {"sslmode": "disable' host='elsewhere"}},
]


@pytest.mark.parametrize("change", INJECTED, ids=str)
def test_postgres_options_are_values(postgres_server: Postgres, tmp_path: Path, change: dict[str, Any]) -> None:
    """Whatever a field holds, it is that field: another database, user or host of that name, never another option."""
    session = connect("postgres_scanner")
    there = postgres_server.connection(**change)
    statements: list[str] = []

    class Spy:
        """The session, with what it is told to do."""

        def execute(self, statement: str, *rest: Any) -> Any:
            statements.append(statement)
            return session.execute(statement, *rest)

    try:
        with attached(Spy(), there, "remote", tmp_path):  # type: ignore[arg-type]
            found = session.execute(
                "FROM postgres_query('remote', 'SELECT current_user, inet_server_addr()')"
            ).fetchall()
            assert found[0][0] == there.login or "login" not in change
            assert "extra" in change, "it led somewhere"  # options that are not passed on change nothing
    except SourceError as error:
        assert "elsewhere" not in str(error) or "could not translate" not in str(error)
    address = statements[0].replace("''", "'")
    for word in ("service=", "hostaddr=", "default_transaction_read_only=off' "):
        assert word not in address
    assert (
        address.count(" passfile='") <= 1 and str(tmp_path) in address.split(" passfile='")[-1]
        if there.password
        else True
    )
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
