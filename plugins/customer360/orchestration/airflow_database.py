"""How Airflow opens the SQLite database of the local Airflow: several processes write to it, and wait for each other.

Python begins a transaction at the first change, and at a SAVEPOINT one that only reads. A change in it is refused at once
("database is locked") if another process has written meanwhile: waiting would not help, what was read is old by then. To
create a backfill while a day runs failed four times of five. So whoever may write says so at the beginning, and waits.
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
