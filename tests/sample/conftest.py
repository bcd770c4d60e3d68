"""A small sample shop, written once, and its files as anybody would read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from customer360.sample import Manifest, generate
from customer360.warehouse.duckdb_session import connect
from sample.rows import Counted, Shop, csv_rows, json_rows, judge, rows

UNTIL = date(2024, 6, 30)
IDENTITY_TYPES = {"EMAIL", "PHONE", "DEVICE_ID", "SESSION_ID", "EXTERNAL_ID", "COOKIE_ID", "IP_ADDRESS"}
CONSENT_TYPES = {
    *("MARKETING_EMAIL", "MARKETING_SMS", "MARKETING_PUSH", "DATA_PROCESSING", "THIRD_PARTY_SHARING"),
    *("ANALYTICS_TRACKING", "PERSONALIZATION", "PROFILING"),
}


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    folder = tmp_path_factory.mktemp("shop")
    # The default size: every kind of dirt needs its thousand rows.
    return folder, generate(folder, customers=5000, days=730, seed=7, until=UNTIL)


@pytest.fixture(scope="session")
def files(shop: tuple[Path, Manifest]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The SQLite databases as `crm` and `commerce`, the web sessions and events as views."""
    folder, _ = shop
    connection = connect("sqlite_scanner")
    for name in ("crm", "commerce"):
        connection.execute(f"ATTACH '{folder / name}.sqlite' AS {name} (TYPE sqlite, READ_ONLY)")
    for name in ("sessions", "events"):
        connection.execute(f"CREATE VIEW {name} AS FROM '{folder}/web/{name}/*.parquet'")
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def accounts(files: duckdb.DuckDBPyConnection) -> Counted:
    return judge(rows(files, "crm.customers"), "customer_no")


@pytest.fixture(scope="session")
def lines(files: duckdb.DuckDBPyConnection) -> Counted:
    numbers = {"quantity": (int, "qty"), "amount": (Decimal, "line_amount")}
    found = rows(files, "commerce.order_lines")
    return judge(found, "transaction_id", "line_number", time="ordered_at", numbers=numbers)


@pytest.fixture(scope="session")
def redemptions(files: duckdb.DuckDBPyConnection) -> Counted:
    return judge(rows(files, "commerce.redemptions"), "redemption_no", time="used_at")


@pytest.fixture(scope="session")
def contacts(shop: Shop) -> Counted:
    # The csv module closes what the cut-off export left open.
    found = (
        row and (None if row["ticket_id"] == "S99999999" else row) for row in csv_rows((shop[0] / "support").iterdir())
    )
    return judge(found, "ticket_id", time="opened_at")


@pytest.fixture(scope="session")
def responses(shop: Shop) -> Counted:
    return judge(json_rows((shop[0] / "marketing").glob("responses_*.ndjson")), "id", time="ts")


@pytest.fixture(scope="session")
def sessions(files: duckdb.DuckDBPyConnection) -> Counted:
    return judge(rows(files, "sessions"), "session_id", time="started_at")


@pytest.fixture(scope="session")
def events(files: duckdb.DuckDBPyConnection) -> Counted:
    return judge(rows(files, "events"), "event_no", time="happened_at")


@pytest.fixture(scope="session")
def cards(shop: Shop) -> Counted:
    return judge(csv_rows([shop[0] / "loyalty" / "accounts.csv"]), "card_no")


@pytest.fixture(scope="session")
def identities(shop: Shop) -> Counted:
    found = json_rows([shop[0] / "identity" / "identities.ndjson"])
    return judge(found, "id", choices={"type": ("kind", IDENTITY_TYPES)}, customer="customer")


@pytest.fixture(scope="session")
def decisions(shop: Shop) -> Counted:
    return judge(csv_rows([shop[0] / "identity" / "overrides.csv"]), "no", time="at")


@pytest.fixture(scope="session")
def consents(shop: Shop) -> Counted:
    found = csv_rows((shop[0] / "privacy").iterdir())
    choices = {"type": ("purpose", CONSENT_TYPES)}
    return judge(found, "record_no", time="recorded_at", choices=choices, customer="customer")


@pytest.fixture(scope="session")
def traits(shop: Shop) -> Counted:
    return judge(json_rows([shop[0] / "traits" / "traits.ndjson"]), "customer", "key", time="computed")
