"""Connections to source databases, and attaching one to DuckDB read-only without its password ever being SQL."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, quote_plus

from customer360.errors import SourceError, SourceUnreachableError
from customer360.warehouse.duckdb_text import identifier, literal

if TYPE_CHECKING:
    import duckdb

Kind = Literal["sqlite", "postgres", "mysql"]

_EXTENSIONS = {"sqlite": "sqlite_scanner", "postgres": "postgres_scanner", "mysql": "mysql_scanner"}
# What of a connection's extras the drivers may see: encryption and time-outs, nothing that sends them elsewhere.
_POSTGRES_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name")
_MYSQL_OPTIONS = ("ssl_mode", "ssl_ca", "ssl_capath", "ssl_cert", "ssl_cipher", "ssl_key")
# Answers of a server that will be the same at the next try. DuckDB gives them the class of a broken connection.
_FINAL = re.compile(
    r"password authentication failed|no pg_hba\.conf entry|(database|role|column|function) .* does not exist"
    r"|permission denied for|Access denied|command denied|Unknown (database|column)|no password supplied"
)


@dataclass(frozen=True)
class Connection:
    """Where a source database is and who reads it, free of Airflow. For SQLite `database` is the file's path.

    `mysql` is MariaDB as well.
    """

    kind: Kind
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

    @property
    def place(self) -> str:
        """Where it leads, without who goes there, for people to read."""
        return self.database if self.kind == "sqlite" else f"{self.host}/{self.database}"

    def conceal(self, text: str) -> str:
        """The text without the password, however a driver or a URI has quoted it."""
        for form in sorted(_written(self.password), key=len, reverse=True):
            text = text.replace(form, "***")
        return text


def _written(secret: str) -> set[str]:
    """A secret as it may be met: in a URI, in a libpq string, in SQL, in JSON, in Python."""
    if not secret:
        return set()
    slashed = secret.replace("\\", "\\\\")
    forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), slashed, secret.replace("'", "''")}
    forms |= {slashed.replace("'", "\\'"), slashed.replace('"', '\\"'), slashed.replace(":", "\\:")}
    return forms | {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}


def failure(error: Exception) -> type[SourceError]:
    """How to raise what a reader met: a file or a connection that failed may be there at the next try."""
    import duckdb

    out_of_reach = isinstance(error, (duckdb.IOException, duckdb.ConnectionException, OSError))
    return SourceUnreachableError if out_of_reach and not _FINAL.search(str(error)) else SourceError


@contextmanager
def attached(session: duckdb.DuckDBPyConnection, connection: Connection, name: str, scratch: Path) -> Iterator[None]:
    """Attach a database as `name` while the block runs. SourceUnreachableError where it cannot be reached.

    DuckDB repeats connection strings in its messages, so no password is in one: PostgreSQL's travels in a passfile of
    this process, MySQL's as a value in a secret of this session.
    """
    import duckdb

    attach = {"sqlite": _attach_sqlite, "postgres": _attach_postgres, "mysql": _attach_mysql}[connection.kind]
    try:
        attach(session, connection, name, scratch)
        yield
        session.execute(f"DETACH {name}")
    except duckdb.Error as error:
        message = connection.conceal(f"cannot read {connection.kind} database {connection.place}: {error}")
        raise failure(error)(message) from None
    finally:
        _passfile(scratch).unlink(missing_ok=True)


def _attach_sqlite(session: duckdb.DuckDBPyConnection, connection: Connection, name: str, scratch: Path) -> None:
    if not Path(connection.database).is_file():
        raise SourceError(f"there is no SQLite database {connection.database!r}")
    # SQLite's types are per value: only text holds them all, and the contract reads text.
    session.execute("SET sqlite_all_varchar = true")
    session.execute(f"ATTACH {literal(connection.database)} AS {name} (TYPE sqlite, READ_ONLY)")


def _attach_postgres(session: duckdb.DuckDBPyConnection, connection: Connection, name: str, scratch: Path) -> None:
    values: dict[str, Any] = {
        "host": connection.host,
        "port": connection.port,
        "user": connection.login,
        "dbname": connection.database,
        "passfile": _write_passfile(connection, scratch) if connection.password else None,
        "client_encoding": "UTF8",
        "options": "-c timezone=UTC -c extra_float_digits=1",
        **{key: connection.extra.get(key) for key in _POSTGRES_OPTIONS},
    }
    quoted = ((key, str(value).replace("\\", "\\\\").replace("'", "\\'")) for key, value in values.items() if value)
    address = " ".join(f"{key}='{value}'" for key, value in quoted)
    session.execute(f"ATTACH {literal(address)} AS {name} (TYPE postgres, READ_ONLY)")


def _passfile(scratch: Path) -> Path:
    return scratch / "pgpass"


def _write_passfile(connection: Connection, scratch: Path) -> Path:
    file = _passfile(scratch)
    secret = connection.password.replace("\\", "\\\\").replace(":", "\\:")
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(f"*:*:*:*:{secret}\n")
    return file


def _attach_mysql(session: duckdb.DuckDBPyConnection, connection: Connection, name: str, scratch: Path) -> None:
    ssl = connection.extra.get("ssl")
    ssl = {f"ssl_{key}": value for key, value in ssl.items()} if isinstance(ssl, Mapping) else {}
    socket = connection.extra.get("unix_socket")
    values: dict[str, Any] = {
        "host": "" if socket else connection.host,
        "port": connection.port,
        "socket": socket,
        "user": connection.login,
        "password": connection.password,
        "database": connection.database,
        **{key: connection.extra.get(key, ssl.get(key)) for key in _MYSQL_OPTIONS},
    }
    settings = {
        "mysql_session_time_zone": "+00:00",  # TIMESTAMP is shown in the session's zone
        "mysql_tinyint1_as_boolean": False,  # TINYINT(1) holds numbers up to 127
        "mysql_query_timeout_enabled": False,  # a table may take longer than five minutes
    }
    for setting, value in settings.items():
        session.execute(f"SET {setting} = {literal(value) if isinstance(value, str) else value}")
    # `value` is set and unset again, so that no statement holds the password.
    options = []
    for key, value in values.items():
        if value:
            session.execute(f"SET VARIABLE {identifier(f'{name}_{key}')} = ?", [str(value)])
            options.append(f"{key.upper()} getvariable({literal(f'{name}_{key}')})")
    secret = identifier(f"{name}_login")
    session.execute(f"CREATE OR REPLACE TEMPORARY SECRET {secret} (TYPE mysql, {', '.join(options)})")
    session.execute(f"RESET VARIABLE {identifier(f'{name}_password')}")
    session.execute(f"ATTACH '' AS {name} (TYPE mysql, SECRET {secret}, READ_ONLY)")
