"""Sources → dashboards on a small sample shop: the published tables say what the shop's manifest says is true."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from customer360.build import Build
from customer360.sample import Manifest

CORE_TABLES = [
    "crm.customer_info",
    "commerce.product_catalog",
    "commerce.purchase_transactions",
    "support.customer_service",
    "marketing.marketing_campaigns",
    "marketing.campaign_responses",
    "web.website_behavior",
]


def one(build: Build, sql: str) -> dict[str, Any]:
    (row,) = build.warehouse.query(sql, parameters=build.parameters if "@" in sql else None).to_pylist()
    return row


@pytest.mark.parametrize("table", CORE_TABLES)
def test_refused_rows_and_cells_are_the_ones_the_shop_made_dirty(
    small_shop: Build, manifest: Manifest, table: str
) -> None:
    facts = manifest.tables[table]
    load = one(small_shop, f"SELECT * FROM ops.loads WHERE table_name = 'raw_{table}'")
    assert load["rows_read"] == facts.rows_written
    assert load["rows_quarantined"] == sum(facts.rows_refused.values())
    assert load["rows_loaded"] == facts.rows_loaded
    assert load["cells_quarantined"] == sum(facts.cells_refused.values())
    kept = one(small_shop, f"SELECT COUNT(*) AS n FROM raw_{table}")["n"]
    refused = one(
        small_shop,
        "SELECT COUNTIF(kind = 'row') AS `rows`, COUNTIF(kind = 'cell') AS cells"
        f" FROM quarantine.{table.replace('.', '__')}",
    )
    assert kept == facts.rows_loaded
    assert refused == {"rows": load["rows_quarantined"], "cells": load["cells_quarantined"]}


def test_dirty_cells_are_refused_by_column(small_shop: Build, manifest: Manifest) -> None:
    for table in CORE_TABLES:
        found = small_shop.warehouse.query(
            f"SELECT column_name, COUNT(*) AS n FROM quarantine.{table.replace('.', '__')}"
            " WHERE kind = 'cell' GROUP BY column_name"
        ).to_pylist()
        expected = {column: count for column, count in manifest.tables[table].cells_refused.items() if count}
        assert {row["column_name"]: row["n"] for row in found} == expected, table


def test_orders_and_revenue_are_the_shops(small_shop: Build, manifest: Manifest) -> None:
    truth = manifest.truths
    orders = one(
        small_shop,
        "SELECT COUNT(*) AS orders, COUNTIF(source_customer_id IS NULL) AS guests, SUM(gross_revenue) AS gross"
        " FROM core.fct_orders",
    )
    refunds = one(small_shop, "SELECT SUM(refunds_amount) AS refunds FROM core.fct_refunds")["refunds"]
    assert orders == {
        "orders": truth["orders"], "guests": truth["guest_orders"], "gross": truth["gross_revenue"],
    }  # fmt: skip
    assert refunds == truth["refunds_amount"]
    months = one(small_shop, "SELECT SUM(net_revenue) AS net FROM dashboards.agg_monthly_revenue")["net"]
    assert months == truth["net_revenue"]


def test_revenue_is_conserved_from_lines_to_people(small_shop: Build) -> None:
    people = one(
        small_shop,
        "SELECT SUM(gross_revenue) AS gross, SUM(refunds_amount) AS refunds, SUM(orders_count) AS orders"
        " FROM marts.customer_360",
    )
    guests = one(
        small_shop,
        "SELECT SUM(gross_revenue) AS gross, SUM(refunds_amount) AS refunds, SUM(orders_count) AS orders"
        " FROM core.int_customer_orders_daily WHERE source_customer_id IS NULL",
    )
    lines = one(small_shop, "SELECT SUM(sold_amount) AS gross, SUM(refund_amount) AS refunds FROM core.fct_order_lines")
    for figure in ("gross", "refunds"):
        assert people[figure] + guests[figure] - lines[figure] == Decimal("0.00")
    assert people["orders"] + guests["orders"] == one(small_shop, "SELECT COUNT(*) AS n FROM core.fct_orders")["n"]


def test_every_known_customer_is_one_person(small_shop: Build, manifest: Manifest) -> None:
    row = one(
        small_shop,
        "SELECT COUNT(*) AS people, COUNT(DISTINCT customer360_id) AS ids, COUNTIF(first_name IS NOT NULL) AS named"
        " FROM marts.customer_360",
    )
    accounts = manifest.tables["crm.customer_info"].rows_loaded
    assert row["people"] == row["ids"]
    assert row["people"] >= accounts
    assert 0 < row["named"] <= accounts


def test_rows_dated_after_the_run_date_wait_in_raw(small_shop: Build, manifest: Manifest) -> None:
    assert manifest.truths["lines_after_until"] > 0
    waiting = "SELECT COUNT(*) AS n FROM raw_commerce.purchase_transactions WHERE DATE(purchase_date) > @run_date"
    assert one(small_shop, waiting)["n"] == manifest.truths["lines_after_until"]
    published = "SELECT COUNT(*) AS n FROM core.fct_order_lines WHERE purchase_date > @run_date"
    assert one(small_shop, published)["n"] == 0


def test_the_compatibility_views_have_exactly_the_seeds_columns(small_shop: Build) -> None:
    for seed, first, last in (
        ("000", "customer_id", "website_engagement_rate"),
        ("001", "customer_id", "churn_risk_score"),
    ):
        columns = list(small_shop.project.schema(_name(f"marts.customer_360_seed_{seed}")))
        assert (len(columns), columns[0], columns[-1]) == (26, first, last)
        rows = one(small_shop, f"SELECT COUNT(*) AS n FROM marts.customer_360_seed_{seed}")["n"]
        assert rows == one(small_shop, "SELECT COUNT(*) AS n FROM marts.customer_360")["n"]


def test_every_table_is_published_and_described(small_shop: Build) -> None:
    published = {
        row["table_name"] for row in small_shop.warehouse.query("SELECT table_name FROM ops.published").to_pylist()
    }
    tables = {str(name) for name, model in small_shop.project.models.items() if model.materialized == "table"}
    assert published == tables
    for name in tables:
        assert (
            one(small_shop, f"SELECT COUNT(*) AS n FROM {name}")["n"] > 0
            or name == "staging.stg_finance__exchange_rates"
        )


def _name(text: str):  # type: ignore[no-untyped-def]
    from customer360.project import TableName

    return TableName.parse(text)
