"""Readers of databases. Rows are copied once: a table that others write to is never the same twice."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from customer360.sources import mysql, postgres, sqlite
from customer360.sources.bindings import TableBinding
from customer360.sources.connections import Connection, attached
from customer360.sources.extract import BROKEN, Extract
from customer360.sources.relation import Relation
from customer360.sources.window import Window
from customer360.warehouse.duckdb_session import confine

if TYPE_CHECKING:
    import duckdb

_READERS = {"sqlite": sqlite.read, "postgres": postgres.read, "mysql": mysql.read}


def read_database(
    session: duckdb.DuckDBPyConnection,
    binding: TableBinding,
    connection: Connection,
    window: Window,
    wanted: Collection[str],
    scratch: Path,
) -> Extract:
    """The wanted columns of a table or view. `wanted` are names in lower case; other columns are not read."""
    session.execute(BROKEN)
    with attached(session, connection, "remote", scratch):
        confine(session, folders=[scratch])
        return _READERS[connection.kind](Relation(session, binding, window, wanted, scratch))
