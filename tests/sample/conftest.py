"""A small sample shop, written once, and a connection that reads its files as anybody would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from customer360.sample import Manifest, generate
from customer360.warehouse.duckdb_session import connect

UNTIL = date(2024, 6, 30)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    folder = tmp_path_factory.mktemp("shop")
    # The default size: every kind of dirt needs its thousand rows.
    return folder, generate(folder, customers=5000, days=730, seed=7, until=UNTIL)


@pytest.fixture(scope="session")
def files(shop: tuple[Path, Manifest]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The SQLite databases as `crm` and `commerce`, the web sessions as the view `sessions`."""
    folder, _ = shop
    connection = connect("sqlite_scanner")
    for name in ("crm", "commerce"):
        connection.execute(f"ATTACH '{folder / name}.sqlite' AS {name} (TYPE sqlite, READ_ONLY)")
    connection.execute(f"CREATE VIEW sessions AS FROM '{folder}/web/sessions/*.parquet'")
    yield connection
    connection.close()
