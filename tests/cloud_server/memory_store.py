"""Rows in memory instead of a lake: much quicker to change, gone with the process. For tests of many small runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from cloud_server.store import PAST, Store
from customer360.project.names import TableName
from customer360.warehouse.duckdb_session import connect
from customer360.warehouse.lake_tables import quoted


class MemoryStore(Store):
    """The same, but for `warehouse`, which knows nothing of these rows."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._past: dict[TableName, list[tuple[datetime, pa.Table]]] = {}

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:  # type: ignore[override]
        made = connect(threads=1)
        made.execute(f"ATTACH ':memory:' AS lake; ATTACH ':memory:' AS {PAST}; USE lake")
        return made

    def close(self) -> None:
        with self.lock:
            self.connection.close()

    def drop(self, name: TableName, kind: str) -> None:
        super().drop(name, kind)
        self._past.pop(name, None)

    def replace(self, name: TableName, columns: Mapping[str, str], source: str, **how: Any) -> int:
        count = super().replace(name, columns, source, **how)
        with self.lock:
            rows = self.connection.execute(f"SELECT * FROM {quoted(name)}").to_arrow_table()
            self._past.setdefault(name, []).append((datetime.now(UTC), rows))
        return count

    def view_of_past(self, name: TableName, moment: str) -> str:
        at = datetime.fromisoformat(moment).astimezone(UTC)
        with self.lock:
            rows = [content for when, content in self._past.get(name, []) if when <= at][-1]
            view = f"t{next(self._numbers)}"
            self.connection.register("_past", rows)
            self.connection.execute(f"CREATE TABLE {PAST}.{view} AS SELECT * FROM _past")
            self.connection.unregister("_past")
            return view
