"""How Airflow opens the database of the local Airflow, a SQLite file: whoever writes waits for the others.

Python begins a transaction at the first change, and at a SAVEPOINT one that has only read so far. A change in it is
refused at once ("database is locked") if another process has written meanwhile: waiting would not help, since what it
has read is old by then. So creating a backfill while a day ran failed four times of five. Here a transaction is begun
as one that will write, and waits for its turn.
"""

from __future__ import annotations

import sqlite3
from typing import Any


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, *parameters: Any) -> _Cursor:
        if sql.startswith("SAVEPOINT") and not self.connection.in_transaction:
            super().execute("BEGIN IMMEDIATE")
        super().execute(sql, *parameters)
        return self


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)


# [database] sql_alchemy_connect_args names this.
CONNECT_ARGS: dict[str, Any] = {"factory": _Connection, "isolation_level": "IMMEDIATE", "timeout": 60}
