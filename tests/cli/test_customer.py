"""`c360 customer` on a built shop: what it says of a person is what the published tables hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import RUN_DATE

from customer360.build import Build
from customer360.cli.main import cli
from customer360.errors import SettingsError, UnknownCustomerError

# Whoever has most source customers, among those who bought again and can be written to.
_SOMEBODY = (
    "SELECT * FROM marts.customer_360 WHERE orders_count > 1 AND churn_risk_score IS NOT NULL AND primary_email IS NOT"
    " NULL ORDER BY ARRAY_LENGTH(source_ids) DESC, orders_count DESC, customer360_id LIMIT 1"
)


def ask(build: Build, *arguments: str) -> Result:
    environment = {"C360_DATA": str(build.settings.data), "COLUMNS": "100"}
    return CliRunner().invoke(cli, ["customer", *arguments], env=environment)


@pytest.fixture(scope="module")
def somebody(small_shop: Build) -> dict[str, Any]:
    (row,) = small_shop.warehouse.query(_SOMEBODY).to_pylist()
    assert len(row["source_ids"]) > 2
    return dict(row)


def test_a_person_in_a_hundred_columns(small_shop: Build, somebody: dict[str, Any]) -> None:
    result = ask(small_shop, f" mailto:{somebody['primary_email'].upper()}", "--on", str(RUN_DATE))
    assert result.exit_code == 0, result.exception
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= 100
    flat = " ".join(result.output.split())
    assert flat.startswith(f"{somebody['full_name']}") and somebody["customer360_id"] in lines[0]
    sources = [f"{each['source_system']}:{each['source_customer_id']}" for each in somebody["source_ids"]]
    assert f"{sources[0]}, first loaded {RUN_DATE}" in flat
    for source in sources[1:]:
        assert f"{source} is the same person as" in flat and f"{source} was this person, as now" in flat
    assert flat.count("because both have the") == len(sources) - 1
    assert f"{somebody['orders_count']} orders" in flat and f"fitted on {RUN_DATE}" in flat


def test_the_document_holds_what_the_tables_hold(small_shop: Build, somebody: dict[str, Any]) -> None:
    result = ask(small_shop, somebody["customer360_id"], "--format", "json", "--events", "3")
    person = json.loads(result.output)
    assert person["profile"].keys() == somebody.keys() - {"source_ids"} and not person["not_built"]
    rfm, engagement = person["scores"]["rfm"], person["scores"]["engagement"]
    for name in ("recency", "frequency", "monetary"):
        score = 1 + 5 * rfm[f"{name}_worse"] // rfm["buyers"]
        assert rfm[f"{name}_score"] == somebody[f"{name}_score"] == score
    points = engagement["recency_points"] + engagement["event_points"] + engagement["order_points"]
    assert engagement["engagement_score"] == somebody["engagement_score"] == points
    assert person["scores"]["predictions"]["churn_risk_pct"] == somebody["churn_risk_pct"]
    granted = [each["consent_type"] for each in person["consents"] if each["is_granted"]]
    assert granted == (somebody["consent_scopes"] or [])
    kinds = small_shop.warehouse.query(
        "SELECT COUNT(*) AS orders FROM core.fct_orders AS f INNER JOIN identity.identity_map AS m ON f.source_system ="
        " m.source_system AND f.source_customer_id = m.source_customer_id WHERE m.customer360_id ="
        f" '{somebody['customer360_id']}'"
    )
    everything = json.loads(ask(small_shop, somebody["customer360_id"], "--format", "json", "--events", "9999").output)
    orders = [event for event in everything["timeline"]["shown"] if event["kind"] == "order"]
    assert len(orders) == somebody["orders_count"] == kinds.to_pylist()[0]["orders"]
    assert len(person["timeline"]["shown"]) == 3 < person["timeline"]["total"] == len(everything["timeline"]["shown"])
    assert person["timeline"]["shown"] == everything["timeline"]["shown"][:3]


def test_who_refuses_profiling_has_no_scores(small_shop: Build) -> None:
    refusing = "SELECT MIN(customer360_id) AS id FROM core.int_person_opt_in WHERE refuses_profiling"
    (row,) = small_shop.warehouse.query(refusing).to_pylist()
    output = ask(small_shop, row["id"]).output
    assert "Scores: none, because this person refuses PROFILING" in output and "churn risk" not in output


def test_several_people_are_listed_to_choose_from(small_shop: Build) -> None:
    (shared,) = small_shop.warehouse.query(
        "SELECT identity_value FROM identity.identity_blocked WHERE reason = 'over_shared'"
        " ORDER BY source_customers DESC, identity_value LIMIT 1"
    ).to_pylist()
    result = ask(small_shop, shared["identity_value"], "--most", "3")
    assert isinstance(result.exception, UnknownCustomerError) and "ask for one of them" in str(result.exception)
    assert result.output.count("c360_") == 3 and "more (--most shows more)" in result.output


def test_errors_are_sentences(small_shop: Build, somebody: dict[str, Any]) -> None:
    result = ask(small_shop, "nobody@example.nowhere")
    assert isinstance(result.exception, UnknownCustomerError) and "nobody has" in str(result.exception)
    result = ask(small_shop, somebody["customer360_id"], "--on", "2999-01-01")
    assert isinstance(result.exception, SettingsError) and "not known yet" in str(result.exception)
