"""The manifest's figures, counted again from the written files, without the SQL that wrote them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from customer360.errors import SourceError
from customer360.sample import Manifest
from sample.rows import Counted, Shop, day, judge, parses, rows

STATUSES = {"pending", "confirmed", "shipped", "delivered", "cancelled", "refunded"}


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
    loaded, refused = judge(rows(files, "commerce.products"), "sku")
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


def test_events(shop: Shop, events: Counted) -> None:
    _, manifest = shop
    loaded, refused = events
    agree(manifest, "web.customer_events", len(loaded), refused)
    assert len(refused) == 3
    bad = Counter(
        country=sum(len(row["geo_country"] or "AT") != 2 for row in loaded),
        # NaN is no JSON, whatever Python's parser thinks.
        properties=sum(
            "NaN" in (row["properties"] or "") or not parses(json.loads, row["properties"] or "1") for row in loaded
        ),
    )
    assert dict(manifest.tables["web.customer_events"].cells_refused) == dict(bad)
    known = [row for row in loaded if day(row["happened_at"]) <= manifest.until]
    assert manifest.truths["events_after_until"] == len(loaded) - len(known) > 0
    assert manifest.truths["anonymous_events"] == sum(row["user_id"] is None for row in known) > 0
    types = {(row["type"] or "").upper() for row in loaded}
    assert len(types) == 17 + 4 and {"LOGIN", "CLAIM_SUBMIT", "CUSTOM", "VIDEO PLAY", ""} < types


def test_promotions_and_redemptions(
    shop: Shop, files: duckdb.DuckDBPyConnection, redemptions: Counted, lines: Counted
) -> None:
    _, manifest = shop
    promotions = {row["promotion_no"]: row for row in rows(files, "commerce.promotions")}
    agree(manifest, "commerce.promotions", len(promotions), Counter())
    bad = {"usage_limit": 1, "discount_type": 1}
    assert dict(manifest.tables["commerce.promotions"].cells_refused) == bad
    loaded, refused = redemptions
    agree(manifest, "commerce.promotion_redemptions", len(loaded), refused)
    assert len(refused) == 3
    wrong = sum(not parses(Decimal, row["discount"]) for row in loaded)
    assert dict(manifest.tables["commerce.promotion_redemptions"].cells_refused) == {"discount_amount": wrong}
    known = [row for row in loaded if day(row["used_at"]) <= manifest.until]
    assert manifest.truths["redemptions"] == len(known)
    assert manifest.truths["redemptions_after_until"] == len(loaded) - len(known) > 0
    given = sum(Decimal(row["discount"]) for row in known if parses(Decimal, row["discount"]))
    assert manifest.truths["discounts_given"] == given
    # The code on the order is the promotion's, and what was taken off is what the lines say.
    codes = {row["transaction_id"]: row["promo_code"] for row in lines[0]}
    assert all(promotions[row["promotion_no"]]["code"] == codes[row["transaction_id"]] for row in loaded)
    off = Counter[str]()
    for row in lines[0]:
        if int(row["qty"]) > 0 and row["discount"] and parses(Decimal, row["discount"]):
            off[row["transaction_id"]] += Decimal(row["discount"])  # type: ignore[assignment]
    same = sum(
        off[row["transaction_id"]] == Decimal(row["value_before"]) - Decimal(row["value_after"]) for row in loaded
    )
    assert same > 0.98 * len(loaded), "but where a line's discount is dirty"


def test_loyalty_accounts(shop: Shop, cards: Counted) -> None:
    _, manifest = shop
    agree(manifest, "loyalty.loyalty_accounts", len(cards[0]), cards[1])
    bad = Counter[str]()
    for row in cards[0]:
        bad["phone"] += row["mobile"] == "in the book"
        bad["points_balance"] += not parses(Decimal, row["points"])
        bad["enrolled_at"] += not parses(datetime.fromisoformat, row["joined_at"])
    assert dict(manifest.tables["loyalty.loyalty_accounts"].cells_refused) == dict(bad)
    assert sum(row["crm_no"] == "" for row in cards[0]) > 400
    assert sum(row["email"] == "test@test.com" for row in cards[0]) > 20


def test_identities_and_decisions(shop: Shop, identities: Counted, decisions: Counted) -> None:
    _, manifest = shop
    agree(manifest, "identity.customer_identities", len(identities[0]), identities[1])
    assert len(identities[1]) == 5
    bad = Counter[str]()
    for row in identities[0]:
        bad["is_primary"] += not isinstance(row["main"], bool)
        bad["verified_at"] += row["verified"] is not None and not parses(datetime.fromisoformat, row["verified"])
    assert dict(manifest.tables["identity.customer_identities"].cells_refused) == dict(bad)
    agree(manifest, "identity.identity_overrides", len(decisions[0]), decisions[1])
    assert dict(manifest.tables["identity.identity_overrides"].cells_refused) == {"right_id": 1}
    later = [row for row in decisions[0] if day(row["at"]) > manifest.until]
    assert manifest.truths["decisions_after_until"] == len(later) == 1
    actions = Counter(row["decision"].lower() for row in decisions[0])
    assert actions == {"merge": 9, "split": 8, "set_primary": 3, "verify": 4}


def test_consents(shop: Shop, consents: Counted) -> None:
    _, manifest = shop
    loaded, refused = consents
    agree(manifest, "privacy.customer_consents", len(loaded), refused)
    assert len(refused) == 5
    bad = Counter(
        granted=sum(row["granted"] not in ("true", "false") for row in loaded),
        expires_at=sum(
            bool(row["valid_until"]) and not parses(datetime.fromisoformat, row["valid_until"]) for row in loaded
        ),
    )
    assert dict(manifest.tables["privacy.customer_consents"].cells_refused) == dict(bad)
    known = [row for row in loaded if day(row["recorded_at"]) <= manifest.until]
    assert manifest.truths["consents_after_until"] == len(loaded) - len(known) > 0

    with (shop[0] / "truth" / "people.csv").open() as file:
        person = {tuple(row[:2]): row[2] for row in (line.rstrip("\n").split(",") for line in file)}
    latest: dict[tuple[str, str], tuple[str, bool]] = {}
    for row in known:
        if row["purpose"].upper() == "PROFILING":
            expired = parses(datetime.fromisoformat, row["valid_until"]) and day(row["valid_until"]) <= manifest.until
            answer = row["recorded_at"], row["granted"] == "true" and not expired
            key = row["system"] or "crm", row["customer"]
            latest[key] = max(latest.get(key, answer), answer)
    refusing = {person[key] for key, (_, holds) in latest.items() if not holds}
    assert manifest.truths["people_refusing_profiling"] == len(refusing) > 100


def test_traits(shop: Shop, traits: Counted) -> None:
    _, manifest = shop
    loaded, refused = traits
    agree(manifest, "traits.customer_traits", len(loaded), refused)
    assert len(refused) == 4
    bad = Counter(
        trait_type=sum(row["type"] == "GOSSIP" for row in loaded),
        expires_at=sum(row["until"] == "open end" for row in loaded),
    )
    assert dict(manifest.tables["traits.customer_traits"].cells_refused) == dict(bad)
    assert manifest.truths["traits_after_until"] == sum(day(row["computed"]) > manifest.until for row in loaded) > 0
    suspended = [row for row in loaded if row["value"] == "suspended" and row["until"] is None]
    assert manifest.truths["people_suspended"] == len(suspended) == 2
    assert {type(row["value"]) for row in loaded} == {str, int, list, dict, type(None)}


def test_the_manifest_is_read_back_as_it_was_written(shop: Shop, tmp_path: Path) -> None:
    folder, manifest = shop
    assert Manifest.read(folder) == manifest
    with pytest.raises(SourceError, match="c360 sample"):
        Manifest.read(tmp_path)
