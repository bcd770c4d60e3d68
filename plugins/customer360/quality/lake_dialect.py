"""SQLAlchemy's view of a lake: duckdb_engine, with one cheap statement instead of six over pg_catalog per table.

Great Expectations looks up a table's columns in every validation; over a lake of a hundred tables that took longer than
the expectations. Import only where Great Expectations is in use.
"""

from __future__ import annotations

from typing import Any

from duckdb_engine import Dialect
from sqlalchemy import Connection
from sqlalchemy.dialects import registry
from sqlalchemy.types import NullType

URL = "duckdb+lake:///:memory:"


class LakeDialect(Dialect):
    """Tables of the schema in USE. Types stay unknown: no expectation on our list asks for them."""

    supports_statement_cache = True

    def get_columns(self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        quoted = self.identifier_preparer.quote_identifier(table_name)
        described = connection.exec_driver_sql(f"DESCRIBE {quoted}").fetchall()
        return [{"name": row[0], "type": NullType(), "nullable": True, "default": None} for row in described]

    def get_pk_constraint(self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        return {"constrained_columns": [], "name": None}  # a lake has none


registry.register("duckdb.lake", __name__, "LakeDialect")
