"""The manifest's figures, counted again from the written files, without the SQL that wrote them."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb
import pytest

from customer360.errors import SourceError
from customer360.sample import Manifest

Shop = tuple[Path, Manifest]
Line = dict[str, Any]
Counted = tuple[list[Line], Counter[str]]  # the rows that load, and why the others do not
STATUSES = {"pending", "confirmed", "shipped", "delivered", "cancelled", "refunded"}


def rows(connection: duckdb.DuckDBPyConnection, relation: str) -> Iterator[Line]:
    cursor = connection.execute(f"FROM {relation}")
    names = [column[0] for column in cursor.description or ()]
    return (dict(zip(names, values, strict=True)) for values in cursor.fetchall())


def parses(kind: Any, text: str) -> bool:
    try:
        kind(text)
    except (ValueError, InvalidOperation):
        return False
    return True


def refusal(row: Line, keys: tuple[Any, ...], seen: set[Any], times: str | None, numbers: dict[str, Any]) -> str | None:
    if any(key in (None, "") for key in keys):
        return "missing_key"
    if keys in seen:
        return "repeated_key"
    seen.add(keys)
    if times and row[times] is None:
        return "missing_time"
    if times and isinstance(row[times], str) and not parses(datetime.fromisoformat, row[times]):
        return "unparsable_time"
    return next((f"unparsable_{name}" for name, (kind, text) in numbers.items() if not parses(kind, text)), None)


def split(found: list[tuple[Line, str | None]]) -> Counted:
    return [row for row, why in found if why is None], Counter(why for _, why in found if why)


def day(text: str) -> date:
    return datetime.fromisoformat(text).date()


@pytest.fixture(scope="module")
def accounts(files: duckdb.DuckDBPyConnection) -> Counted:
    seen: set[Any] = set()
    found = list(rows(files, "crm.customers"))
    return split([(row, refusal(row, (row["customer_no"],), seen, None, {})) for row in found])


@pytest.fixture(scope="module")
def contacts(shop: Shop) -> Counted:
    seen: set[Any] = set()
    found: list[tuple[Line, str | None]] = []
    for path in sorted((shop[0] / "support").iterdir()):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = next(reader)
            for cells in reader:
                row = dict(zip(header, cells, strict=False))
                # The csv module closes what the cut-off export left open.
                broken = len(cells) != len(header) or row["ticket_id"] == "S99999999"
                found.append((row, "broken_line" if broken else refusal(row, (cells[0],), seen, "opened_at", {})))
    return split(found)


@pytest.fixture(scope="module")
def responses(shop: Shop) -> Counted:
    seen: set[Any] = set()
    found: list[tuple[Line, str | None]] = []
    for path in sorted((shop[0] / "marketing").glob("responses_*.ndjson")):
        for text in path.read_text(encoding="utf-8").splitlines():
            if parses(json.loads, text):
                row = json.loads(text)
                found.append((row, refusal(row, (row["id"],), seen, "ts", {})))
            else:
                found.append(({}, "broken_line"))
    return split(found)


@pytest.fixture(scope="module")
def sessions(files: duckdb.DuckDBPyConnection) -> Counted:
    seen: set[Any] = set()
    found = list(rows(files, "sessions"))
    return split([(row, refusal(row, (row["session_id"],), seen, "started_at", {})) for row in found])


@pytest.fixture(scope="module")
def lines(files: duckdb.DuckDBPyConnection) -> Counted:
    seen: set[Any] = set()
    found = []
    for row in rows(files, "commerce.order_lines"):
        numbers = {"quantity": (int, row["qty"]), "amount": (Decimal, row["line_amount"])}
        found.append((row, refusal(row, (row["transaction_id"], row["line_number"]), seen, "ordered_at", numbers)))
    return split(found)


def agree(manifest: Manifest, table: str, loaded: int, refused: Counter[str]) -> None:
    facts = manifest.tables[table]
    assert dict(facts.rows_refused) == dict(refused)
    assert (facts.rows_loaded, facts.rows_written) == (loaded, loaded + refused.total())


def test_order_lines_and_revenue(shop: Shop, lines: Counted) -> None:
    _, manifest = shop
    loaded, refused = lines
    agree(manifest, "commerce.purchase_transactions", len(loaded), refused)
    assert len(refused) == 5, "each way to be dirty occurs"

    truths = manifest.truths
    known = [row for row in loaded if day(row["ordered_at"]) <= manifest.until]
    assert truths["lines_after_until"] == len(loaded) - len(known) > 0
    gross = refunds = Decimal(0)
    orders, guest_orders, refunded, sold = set(), set(), 0, 0
    for row in known:
        status = row["status"] if row["status"] in STATUSES else "delivered"
        amount = Decimal(row["line_amount"])
        if status not in ("delivered", "refunded"):
            continue
        if amount > 0:
            gross, sold = gross + amount, sold + 1
            orders.add(row["transaction_id"])
            if row["customer_no"] is None:
                guest_orders.add(row["transaction_id"])
        if amount < 0 or (amount > 0 and status == "refunded"):
            refunds, refunded = refunds + abs(amount), refunded + 1
    assert (truths["gross_revenue"], truths["refunds_amount"]) == (gross, refunds)
    assert truths["net_revenue"] == gross - refunds
    assert (truths["orders"], truths["guest_orders"]) == (len(orders), len(guest_orders))
    assert (truths["sold_lines"], truths["refunds"]) == (sold, refunded)
    assert truths["gift_lines"] == sum(Decimal(row["line_amount"]) == 0 for row in known)


def test_cells_of_order_lines(shop: Shop, lines: Counted) -> None:
    bad = Counter[str]()
    for row in lines[0]:
        bad["order_status"] += row["status"] is not None and row["status"] not in STATUSES
        bad["discount_amount"] += row["discount"] is not None and not parses(Decimal, row["discount"])
    assert dict(shop[1].tables["commerce.purchase_transactions"].cells_refused) == dict(bad)


def test_customers(shop: Shop, accounts: Counted) -> None:
    _, manifest = shop
    loaded, refused = accounts
    agree(manifest, "crm.customer_info", len(loaded), refused)
    bad = Counter[str]()
    for row in loaded:
        born = row["birth_date"]
        bad["date_of_birth"] += born is not None and (not parses(datetime.fromisoformat, born) or born > "2024-06-30")
        bad["registration_date"] += not parses(datetime.fromisoformat, row["signup_date"])
        bad["phone_number"] += row["phone"] is not None and sum(map(str.isdigit, row["phone"])) < 5
        bad["country"] += row["country"] is not None and len(row["country"]) != 2
        bad["customer_type"] += row["tier"] not in (None, "premium", "regular", "enterprise", "trial")
    assert dict(manifest.tables["crm.customer_info"].cells_refused) == {k: n for k, n in bad.items() if n}


def test_people_are_found_by_mail_and_phone(
    shop: Shop, accounts: Counted, lines: Counted, contacts: Counted, responses: Counted, sessions: Counted
) -> None:
    """The same e-mail or the same last nine digits: enough to find all who have two accounts, and nobody else."""
    _, manifest = shop
    same: dict[str, set[str]] = {}
    for row in accounts[0]:
        mail = (row["email_address"] or "").strip().lower().removeprefix("mailto:")
        phone = "".join(filter(str.isdigit, row["phone"] or ""))[-9:]
        for identifier in (mail if mail != "test@test.com" else "", phone if len(phone) == 9 and int(phone) else ""):
            if identifier:
                same.setdefault(identifier, set()).add(row["customer_no"])
    several = {frozenset(ids) for ids in same.values() if len(ids) > 1}
    assert all(len(ids) == 2 for ids in several)
    assert len(several) == manifest.truths["people_with_several_ids"] > 150
    assert manifest.truths["people_in_crm"] == len(accounts[0]) - len(several)

    known = {row["customer_no"] for row in accounts[0]}
    known |= {row["customer_no"] for row in lines[0] if day(row["ordered_at"]) <= manifest.until}
    known |= {row["customer_no"] for row in contacts[0] if day(row["opened_at"]) <= manifest.until}
    known |= {row["contact"] for row in responses[0] if day(row["ts"]) <= manifest.until}
    known |= {row["user_id"] for row in sessions[0] if row["started_at"].date() <= manifest.until}
    assert manifest.truths["people_known"] == len(known - {None, ""}) - len(several)
    assert manifest.truths["people_known"] > manifest.truths["people_in_crm"], "some are unknown to the CRM"


def test_support_contacts(shop: Shop, contacts: Counted) -> None:
    folder, manifest = shop
    exports = [path.name for path in sorted((folder / "support").iterdir())]
    assert exports == [f"interactions_2024-06-{number}.csv.gz" for number in (26, 27, 28, 29, 30)]
    loaded, refused = contacts
    agree(manifest, "support.customer_service", len(loaded), refused)
    assert len(refused) == 4
    bad = sum(row["csat"] not in ("", "1", "2", "3", "4", "5") for row in loaded)
    assert dict(manifest.tables["support.customer_service"].cells_refused) == {"satisfaction_score": bad}
    later = sum(day(row["opened_at"]) > manifest.until for row in loaded)
    assert manifest.truths["contacts_after_until"] == later > 0
    assert any("\n" in row["comment"] for row in loaded)
    assert any('"' in row["comment"] for row in loaded)


def test_campaigns_and_responses(shop: Shop, responses: Counted) -> None:
    folder, manifest = shop
    campaigns = [json.loads(text) for text in (folder / "marketing/campaigns.ndjson").read_text().splitlines()]
    agree(manifest, "marketing.marketing_campaigns", len(campaigns), Counter())
    budgets = sum(isinstance(campaign["budget"], str) for campaign in campaigns)
    assert dict(manifest.tables["marketing.marketing_campaigns"].cells_refused) == {"budget": budgets}
    loaded, refused = responses
    agree(manifest, "marketing.campaign_responses", len(loaded), refused)
    assert len(refused) == 4
    bad = sum(isinstance(row["value"], str) for row in loaded)
    assert dict(manifest.tables["marketing.campaign_responses"].cells_refused) == {"conversion_value": bad}
    later = sum(day(row["ts"]) > manifest.until for row in loaded)
    assert manifest.truths["responses_after_until"] == later > 0
    assert {row["campaign"] for row in loaded} <= {campaign["id"] for campaign in campaigns}


def test_products(shop: Shop, files: duckdb.DuckDBPyConnection) -> None:
    seen: set[Any] = set()
    found = list(rows(files, "commerce.products"))
    loaded, refused = split([(row, refusal(row, (row["sku"],), seen, None, {})) for row in found])
    agree(shop[1], "commerce.product_catalog", len(loaded), refused)
    bad = Counter(
        price=sum(not parses(Decimal, row["list_price"]) for row in loaded),
        launch_date=sum(not parses(datetime.fromisoformat, row["launched_on"]) for row in loaded),
    )
    assert dict(shop[1].tables["commerce.product_catalog"].cells_refused) == {k: n for k, n in bad.items() if n}


def test_sessions(shop: Shop, sessions: Counted) -> None:
    _, manifest = shop
    loaded, refused = sessions
    agree(manifest, "web.website_behavior", len(loaded), refused)
    known = [row for row in loaded if row["started_at"].date() <= manifest.until]
    assert manifest.truths["sessions_after_until"] == len(loaded) - len(known) > 0
    assert manifest.truths["anonymous_sessions"] == sum(row["user_id"] is None for row in known)


def test_the_manifest_is_read_back_as_it_was_written(shop: Shop, tmp_path: Path) -> None:
    folder, manifest = shop
    assert Manifest.read(folder) == manifest
    with pytest.raises(SourceError, match="c360 sample"):
        Manifest.read(tmp_path)
