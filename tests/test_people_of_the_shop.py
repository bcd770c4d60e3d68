"""Who is who in the sample shop, whose people are known: identity resolution finds exactly them, from all its sources."""

from __future__ import annotations

import csv
from pathlib import Path

from customer360.build import Build
from customer360.sample import Manifest


def test_the_people_of_the_shop_are_found_and_nobody_else(
    small_shop: Build, shop_folder: Path, manifest: Manifest
) -> None:
    with (shop_folder / "shop" / "truth" / "people.csv").open(encoding="utf-8", newline="") as file:
        truth = {(row["source_system"], row["source_customer_id"]): row["person"] for row in csv.DictReader(file)}
    rows = small_shop.warehouse.query("SELECT * FROM identity.identity_map").to_pylist()
    found = {(row["source_system"], row["source_customer_id"]): row["customer360_id"] for row in rows}
    assert found.keys() == truth.keys() and {system for system, _ in found} >= {"crm", "loyalty", "app", "anonymous"}
    pairs = {(truth[customer], person) for customer, person in found.items()}
    assert len(pairs) == len({person for person, _ in pairs}) == len({person for _, person in pairs})
    assert len(pairs) == manifest.truths["people_known"]


def test_what_is_known_of_them_adds_up(small_shop: Build, manifest: Manifest) -> None:
    (people,) = small_shop.warehouse.query(
        "SELECT COUNT(*) AS n, SUM(total_revenue) AS revenue, SUM(orders_count) AS orders,"
        " COUNTIF(customer_status = 'suspended') AS suspended, COUNTIF(churn_risk_score IS NOT NULL) AS scored,"
        " COUNTIF(loyalty_tier IS NOT NULL) AS loyal FROM marts.customer_360"
    ).to_pylist()
    (guests,) = small_shop.warehouse.query(
        "SELECT SUM(gross_revenue - refunds_amount) AS revenue, SUM(orders_count) AS orders"
        " FROM core.int_customer_orders_daily WHERE source_customer_id IS NULL"
    ).to_pylist()
    truths = manifest.truths
    assert people["n"] == truths["people_known"] and people["suspended"] == truths["people_suspended"]
    assert people["revenue"] + guests["revenue"] == truths["net_revenue"]
    assert people["orders"] + guests["orders"] == truths["orders"]
    assert people["loyal"] == truths["people_in_loyalty"]
    (refusing,) = small_shop.warehouse.query(
        "SELECT COUNT(*) AS n, COUNTIF(refuses_profiling) AS refusing FROM core.int_person_opt_in"
    ).to_pylist()
    assert refusing["refusing"] == truths["people_refusing_profiling"]
