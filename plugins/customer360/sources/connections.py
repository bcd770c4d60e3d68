"""Connections to source databases, and attaching one to DuckDB read-only without its password ever being SQL."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from customer360.errors import SourceError, SourceUnreachableError
from customer360.warehouse.duckdb_text import literal

if TYPE_CHECKING:
    import duckdb

_EXTENSIONS = {"sqlite": "sqlite_scanner", "postgres": "postgres_scanner"}
# What of a connection's extras libpq may see: encryption and time-outs, nothing that sends it elsewhere.
_POSTGRES_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name")


@dataclass(frozen=True)
class Connection:
    """Where a source database is and who reads it, free of Airflow. For SQLite `database` is the file's path."""

    kind: Literal["sqlite", "postgres"]
    host: str = ""
    port: int | None = None
    login: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def extension(self) -> str:
        """The DuckDB extension that reads it."""
        if self.kind not in _EXTENSIONS:
            raise SourceError(f"a connection to {self.kind} cannot be read; known: {', '.join(_EXTENSIONS)}")
        return _EXTENSIONS[self.kind]

    def conceal(self, text: str) -> str:
        """The text without the password."""
        return text.replace(self.password, "***") if self.password else text


def failure(error: Exception) -> type[SourceError]:
    """How to raise what a reader met: a file or a connection that failed may be there at the next try."""
    import duckdb

    out_of_reach = isinstance(error, (duckdb.IOException, duckdb.ConnectionException, OSError))
    return SourceUnreachableError if out_of_reach else SourceError


@contextmanager
def attached(session: duckdb.DuckDBPyConnection, connection: Connection, name: str, scratch: Path) -> Iterator[None]:
    """Attach a database as `name` while the block runs. SourceUnreachableError where it cannot be reached.

    PostgreSQL's password travels in a passfile of this process: DuckDB repeats connection strings in its messages.
    """
    import duckdb

    passfile: Path | None = None
    if connection.kind == "sqlite":
        if not Path(connection.database).is_file():
            raise SourceError(f"there is no SQLite database {connection.database!r}")
        address, options = connection.database, "TYPE sqlite, READ_ONLY"
        # SQLite's types are per value: only text holds them all, and the contract reads text.
        session.execute("SET sqlite_all_varchar = true")
    else:
        passfile = _write_passfile(connection, scratch) if connection.password else None
        address, options = _libpq(connection, passfile), "TYPE postgres, READ_ONLY"
    try:
        session.execute(f"ATTACH {literal(address)} AS {name} ({options})")
        yield
        session.execute(f"DETACH {name}")
    except duckdb.Error as error:
        where = connection.database if connection.kind == "sqlite" else f"{connection.host}/{connection.database}"
        message = connection.conceal(f"cannot read {connection.kind} database {where}: {error}")
        raise failure(error)(message) from None
    finally:
        if passfile:
            passfile.unlink(missing_ok=True)


def _write_passfile(connection: Connection, scratch: Path) -> Path:
    file = scratch / "pgpass"
    secret = connection.password.replace("\\", "\\\\").replace(":", "\\:")
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(f"*:*:*:*:{secret}\n")
    return file


def _libpq(connection: Connection, passfile: Path | None) -> str:
    values: dict[str, Any] = {
        "host": connection.host,
        "port": connection.port,
        "user": connection.login,
        "dbname": connection.database,
        "passfile": passfile,
        "options": "-c timezone=UTC -c extra_float_digits=1",
        **{key: connection.extra.get(key) for key in _POSTGRES_OPTIONS},
    }
    quoted = ((key, str(value).replace("\\", "\\\\").replace("'", "\\'")) for key, value in values.items() if value)
    return " ".join(f"{key}='{value}'" for key, value in quoted)
