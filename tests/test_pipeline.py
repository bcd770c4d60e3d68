"""Sources → dashboards on a small sample shop: the published tables say what the shop's manifest says is true."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from customer360.build import Build
from customer360.history import customer_360_at
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
    assert row["people"] == row["ids"] == manifest.truths["people_known"]
    assert 0 < row["named"] <= manifest.truths["people_in_crm"]


def test_rows_dated_after_the_run_date_wait_in_raw(small_shop: Build, manifest: Manifest) -> None:
    assert manifest.truths["lines_after_until"] > 0
    waiting = "SELECT COUNT(*) AS n FROM raw_commerce.purchase_transactions WHERE DATE(purchase_date) > @run_date"
    assert one(small_shop, waiting)["n"] == manifest.truths["lines_after_until"]
    published = "SELECT COUNT(*) AS n FROM core.fct_order_lines WHERE purchase_date > @run_date"
    assert one(small_shop, published)["n"] == 0


SEED_000 = [
    "customer_id",
    "first_name",
    "last_name",
    "email",
    "phone_number",
    "date_of_birth",
    "registration_date",
    "total_orders",
    "total_lifetime_value",
    "last_purchase_date",
    "average_order_value",
    "favorite_category",
    "favorite_brand",
    "total_interactions",
    "avg_satisfaction_score",
    "resolved_interactions",
    "campaigns_engaged",
    "positive_responses",
    "avg_pages_per_visit",
    "avg_time_per_visit",
    "total_visits",
    "customer_segment",
    "days_since_last_purchase",
    "service_resolution_rate",
    "campaign_response_rate",
    "website_engagement_rate",
]
SEED_001 = [
    "customer_id",
    "first_name",
    "last_name",
    "email",
    "phone_number",
    "date_of_birth",
    "registration_date",
    "total_lifetime_value",
    "total_purchases",
    "last_purchase_date",
    "favorite_product_category",
    "favorite_brand",
    "average_order_value",
    "customer_segment",
    "recency_score",
    "frequency_score",
    "monetary_score",
    "last_interaction_date",
    "last_interaction_type",
    "average_satisfaction_score",
    "total_website_visits",
    "average_time_spent_on_site",
    "most_viewed_product_category",
    "campaign_response_rate",
    "preferred_marketing_channel",
    "churn_risk_score",
]
CUSTOMER_360 = [
    "customer360_id",
    "primary_source",
    "source_ids",
    "created_at",
    "updated_at",
    "first_name",
    "last_name",
    "full_name",
    "primary_email",
    "emails",
    "primary_phone",
    "phones",
    "is_verified",
    "language",
    "country",
    "region",
    "city",
    "postal_code",
    "timezone",
    "date_of_birth",
    "dob_precision",
    "age",
    "age_group",
    "gender",
    "preferred_channel",
    "opt_in_status",
    "consent_scopes",
    "interests",
    "tags",
    "registration_date",
    "first_seen_at",
    "last_seen_at",
    "last_channel_seen",
    "last_interaction_date",
    "last_interaction_type",
    "lifecycle_stage",
    "customer_status",
    "customer_type",
    "activated_at",
    "acquisition_channel",
    "acquisition_source",
    "acquisition_campaign",
    "active_last_7_days",
    "purchased_last_30_days",
    "customer_tenure_days",
    "total_sessions",
    "total_page_views",
    "avg_pages_per_visit",
    "avg_time_per_visit",
    "website_engagement_rate",
    "total_events",
    "email_opens",
    "email_clicks",
    "push_notifications",
    "campaigns_sent",
    "campaigns_engaged",
    "positive_responses",
    "campaign_response_rate",
    "most_viewed_category",
    "support_tickets",
    "resolved_tickets",
    "service_resolution_rate",
    "avg_satisfaction_score",
    "last_support_interaction_at",
    "orders_count",
    "first_purchase_at",
    "last_purchase_at",
    "days_since_last_purchase",
    "gross_revenue",
    "refunds_count",
    "refunds_amount",
    "total_revenue",
    "avg_order_value",
    "purchase_frequency",
    "items_purchased",
    "distinct_products",
    "favorite_category",
    "favorite_brand",
    "loyalty_tier",
    "loyalty_points_balance",
    "value_segment",
    "recency_score",
    "frequency_score",
    "monetary_score",
    "rfm_segment",
    "primary_segment",
    "segments",
    "engagement_score",
    "email_score",
    "web_score",
    "portal_score",
    "recency_component",
    "frequency_component",
    "monetary_component",
    "overall_score",
    "churn_risk_score",
    "churn_risk_pct",
    "churn_risk_band",
    "propensity_to_buy_score",
    "predicted_purchases_90d",
    "current_value",
    "predicted_value",
    "lifetime_value",
    "recommendation_vector",
    "run_date",
]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("marts.customer_360", CUSTOMER_360),
        ("marts.customer_360_seed_000", SEED_000),
        ("marts.customer_360_seed_001", SEED_001),
    ],
)
def test_the_columns_are_the_documents_in_name_and_order(small_shop: Build, table: str, columns: list[str]) -> None:
    rows = small_shop.warehouse.query(f"SELECT * FROM {table}")
    assert rows.column_names == columns
    assert rows.num_rows == one(small_shop, "SELECT COUNT(*) AS n FROM marts.customer_360")["n"]


def test_the_day_reads_from_history_as_it_was_published(small_shop: Build) -> None:
    queries = small_shop.settings.home / "sql" / "queries"
    found = customer_360_at(small_shop.warehouse, queries, small_shop.run.run_date).sort_by("customer360_id")
    published = small_shop.warehouse.query("SELECT * FROM marts.customer_360 ORDER BY customer360_id")
    assert found.column_names == published.column_names
    wrong = [name for name in CUSTOMER_360 if found[name].to_pylist() != published[name].to_pylist()]
    assert found.num_rows > 300 and not wrong


def test_every_table_is_published_and_described(small_shop: Build) -> None:
    published = {
        row["table_name"] for row in small_shop.warehouse.query("SELECT table_name FROM ops.published").to_pylist()
    }
    tables = {str(name) for name, model in small_shop.project.models.items() if model.materialized == "table"}
    assert published == tables
    for name in tables:
        assert one(small_shop, f"SELECT COUNT(*) AS n FROM {name}")["n"] > 0 or name in (
            "staging.stg_finance__exchange_rates",
            "identity.identity_moves",
            "identity.identity_matches",
        )


def test_every_change_of_a_table_is_in_the_runs(small_shop: Build, manifest: Manifest) -> None:
    found = {row["table_name"]: row for row in small_shop.warehouse.query("SELECT * FROM ops.runs").to_pylist()}
    for table in CORE_TABLES:
        row = found[f"raw_{table}"]
        assert (row["operation"], row["rows_before"]) == ("load", 0)
        assert row["rows_after"] == manifest.tables[table].rows_loaded
    models = {str(name) for name, model in small_shop.project.models.items() if model.materialized == "table"}
    assert {name for name, row in found.items() if row["operation"] == "publish"} == models
    assert found["core.fct_orders"]["rows_after"] == manifest.truths["orders"]
    assert all(row["seconds"] > 0 and row["times"] == 1 for row in found.values())
