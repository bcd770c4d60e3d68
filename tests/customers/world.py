"""A small world of two days: people merge, part, are decided about and leave, and have bought before. Told in short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from conftest import ROOT
from identity.shared import SPECS, day, noon, seen

from customer360.identity import IdentityConfig, Tables, resolve
from customer360.project import load_project
from customer360.project.model import Column, TableSpec
from customer360.project.names import TableName
from customer360.project.platform import MODEL_FITS
from customer360.warehouse.port import Publication, RunInfo, Warehouse

CONFIG = replace(IdentityConfig(), combinations=(("LAST_NAME", "DATE_OF_BIRTH"),), combination_limit=2)
LAST = 1

# Ann's loyalty card names her; on day 1 her second account tells her e-mail address, and a browser is known to be hers.
# A kiosk's cookie is of five, then of six. Bea's accounts share nothing, Carl's an e-mail address: somebody knows better.
# Of Dan's two accounts one is deleted. Three strangers share a name and a birthday.
ARRIVES = {
    0: [
        seen("A1", "EMAIL", "ann@x.com"),
        seen("A1", "EXTERNAL_ID", "crm:A1"),
        seen("A1", "EMAIL", "test@test.com", reason="placeholder"),
        seen("loyalty:L1", "EXTERNAL_ID", "crm:A1"),
        seen("A2", "PHONE", "+493012345678"),
        seen("anonymous:v1", "COOKIE_ID", "v1"),
        *(seen(f"K{n}", "COOKIE_ID", "kiosk-1") for n in range(1, 6)),
        seen("B1", "EMAIL", "bea@x.com"),
        seen("B2"),
        seen("C1", "EMAIL", "carl@x.com"),
        seen("C2", "EMAIL", "carl@x.com"),
        seen("D1", "EMAIL", "dan@x.com"),
        seen("D2", "EMAIL", "dan@x.com"),
        *(seen(f"{c}1", "LAST_NAME", "Lee") for c in "ABC"),
        *(seen(f"{c}1", "DATE_OF_BIRTH", "1980-01-01") for c in "ABC"),
    ],
    1: [seen("A2", "EMAIL", "ann@x.com", 1), seen("A2", "COOKIE_ID", "v1", 1), seen("K6", "COOKIE_ID", "kiosk-1", 1)],
}
DECISIONS = [
    {"override_id": "o1", "action": "merge", "left": "B1", "right": "B2", "decided_by": "jane"},
    {"override_id": "o2", "action": "split", "left": "C1", "right": "C2", "decided_by": "joe"},
    {"override_id": "o3", "action": "verify", "left": "A1", "right": None, "decided_by": "joe"},
]
# Who ordered when (days before the world's first), and for how much. G is a guest.
ORDERS = [
    *(("crm:A1", 40, "10.00"), ("crm:A2", 26, "20.05"), ("crm:A1", 12, "5.10"), ("crm:A2", 12, "1.10")),
    *(("crm:B2", 30, "7.77"), ("crm:C1", 20, "5.01"), ("crm:C2", 3, "6.02"), ("crm:D1", 9, "8.08"), (None, 1, "1.23")),
]
_PROJECT = load_project(ROOT)
_MATCHES = TableSpec(
    TableName("identity", "identity_matches"),
    (Column("match_id", "STRING", ""), Column("match_probability", "NUMERIC", "")),
    "What a model found. One row per pair.",
)
_DECISIONS = TableName("identity", "identity_decisions")


def run_day(warehouse: Warehouse, n: int) -> dict[str, str]:
    """Resolve and publish day n; returns the published map: `system:id` → customer360_id."""
    rows = [row for d, arrived in ARRIVES.items() if d <= n for row in arrived]
    rows = [row for row in rows if n < LAST or row["source_customer_id"] != "D1"]
    put(warehouse, SPECS["observations"], rows)
    put_model(warehouse, str(_DECISIONS), [_sides(decision) for decision in DECISIONS[:2]] if n == LAST else [])
    run, previous = RunInfo(f"day_{n}", day(n)), Tables() if n else None
    given = {"config": CONFIG, "run": run, "specs": SPECS, "overrides": _DECISIONS, "previous": previous}
    resolve(warehouse, SPECS["observations"].name, **given)
    candidates = Tables().candidates(day(n)).by_role
    warehouse.publish([Publication(SPECS[role], name) for role, name in candidates.items()], run=run)
    return {key(row): row["customer360_id"] for row in read(warehouse, "identity.identity_map")}


def key(row: Mapping[str, Any]) -> str:
    return f"{row['source_system']}:{row['source_customer_id']}"


def read(warehouse: Warehouse, table: str) -> list[dict[str, Any]]:
    return warehouse.query(f"SELECT * FROM {table}").to_pylist()


def put(warehouse: Warehouse, spec: TableSpec, rows: Iterable[Mapping[str, Any]]) -> None:
    """Make a table of these rows; columns that a row leaves out are NULL."""
    warehouse.drop([spec.name])
    filled = [
        {name: row.get(name, [] if type_.startswith("ARRAY") else None) for name, type_ in spec.schema.items()}
        for row in rows
    ]
    warehouse.append(spec, pa.Table.from_pylist(filled, schema=spec.arrow_schema))


def sell(warehouse: Warehouse) -> None:
    """The facts: orders by source customer, and a little of everything else that Ann did."""
    orders = [{"n": n, **_source(who), "day": _ago(d), "amount": Decimal(a)} for n, (who, d, a) in enumerate(ORDERS)]
    put_model(
        warehouse, "core.fct_orders",
        [
            {**_customer(o), "transaction_id": f"T{o['n']}", "ordered_at": _at(o["day"]), "order_date": o["day"], "gross_revenue": o["amount"], "items": 2, "lines": 1, "channel": "web"}
            for o in orders
        ],
    )  # fmt: skip
    daily: dict[tuple[Any, ...], list[Decimal]] = {}
    for order in orders:
        daily.setdefault((*_customer(order).values(), order["day"]), []).append(order["amount"])
    put_model(
        warehouse, "core.int_customer_orders_daily",
        [{"source_system": s, "source_customer_id": c, "activity_date": d, "orders_count": len(a), "gross_revenue": sum(a)} for (s, c, d), a in daily.items()],
    )  # fmt: skip
    ann, visitor = _source("crm:A2"), _source("anonymous:v1")
    put_model(warehouse, "core.fct_refunds", [{**ann, "transaction_id": "T3", "refund_date": _ago(2), "refunded_at": _at(_ago(2)), "refunds_amount": Decimal("0.05"), "lines": 1}])  # fmt: skip
    put_model(warehouse, "core.fct_sessions", [{**visitor, "session_id": "S1", "visited_at": _at(_ago(5)), "visit_date": _ago(5), "pages_viewed": 7, "device_type": "mobile", "landing_category": "Shoes"}])  # fmt: skip
    put_model(warehouse, "core.fct_support_interactions", [{**ann, "interaction_id": "I1", "interacted_at": _at(_ago(1)), "interaction_date": _ago(1), "interaction_type": "complaint", "resolution_status": "resolved", "satisfaction_score": Decimal(4)}])  # fmt: skip
    put_model(warehouse, "core.fct_events", [{**visitor, "event_id": "E1", "occurred_at": _at(_ago(4)), "event_date": _ago(4), "event_type": "CUSTOM", "event_name": "quiz_done", "device_type": "mobile", "event_category": "Shoes"}])  # fmt: skip
    put_model(warehouse, "core.fct_campaign_responses", [{**ann, "response_id": "R1", "campaign_id": "spring", "responded_at": _at(_ago(3)), "response_date": _ago(3), "response_type": "click", "channel": "email"}])  # fmt: skip


def build_marts(warehouse: Warehouse, people: Mapping[str, str]) -> None:
    """What a build makes of the last day, as far as somebody asks for it here: Ann is known, and who bought."""
    ann, bea, carl = (people[customer] for customer in ("crm:A1", "crm:B1", "crm:C1"))
    buyers = [(ann, 13, 4, "36.20"), (bea, 31, 1, "7.77"), (carl, 21, 1, "5.01"), (people["crm:C2"], 4, 1, "6.02")]
    put_model(
        warehouse, "core.int_person_commerce",
        [{"customer360_id": p, "days_since_last_purchase": d, "orders_count": n, "total_revenue": Decimal(r)} for p, d, n, r in buyers],
    )  # fmt: skip
    put_model(
        warehouse, "marts.customer_360",
        [{
            "customer360_id": ann, "primary_source": "crm", "run_date": day(LAST), "full_name": "Ann [bold]Lee\x1b[31m", "first_name": "Ann",
            "primary_email": "ann@x.com", "emails": [f"ann{n}@x.com" for n in range(30)], "source_ids": [_source("crm:A1"), _source("crm:A2")],
            "last_seen_at": _at(_ago(1)), "orders_count": 4, "total_revenue": Decimal("36.20"), "days_since_last_purchase": 13,
            "value_segment": "Low Value", "segments": ["Low Value", "loyal"], "primary_segment": "loyal", "rfm_segment": "loyal",
            "recency_score": 3, "frequency_score": 4, "monetary_score": 4, "engagement_score": 60, "overall_score": Decimal("41.5"),
            "current_value": Decimal("36.20"), "predicted_value": Decimal("12.5"), "lifetime_value": Decimal("48.70"), "is_verified": True,
        }],
    )  # fmt: skip
    put_model(warehouse, "core.int_person_activity", [{"customer360_id": ann, "days_since_last_seen": 3, "events_last_30_days": 6}])  # fmt: skip
    put_model(warehouse, "core.int_person_engagement", [{"customer360_id": ann, "recency_points": 30, "event_points": 10, "order_points": 20}])  # fmt: skip
    put_model(warehouse, "core.int_person_events", [{"customer360_id": ann, "portal_events_last_90_days": 2}])
    consents = [(ann, "MARKETING_EMAIL", True, 2, 0), (ann, "PROFILING", True, 1, 0), (bea, "PROFILING", False, 1, 1)]
    put_model(
        warehouse, "core.int_person_consents",
        [{"customer360_id": p, "consent_type": c, "is_granted": g, "grants": y, "refusals": n, "last_recorded_at": noon(0)} for p, c, g, y, n in consents],
    )  # fmt: skip
    put_model(warehouse, "core.int_person_web", [{"customer360_id": ann, "sessions_last_90_days": 1}])
    put_model(warehouse, "core.int_person_marketing", [{"customer360_id": ann, "email_engagement_rate": Decimal("0.5")}])  # fmt: skip
    put_model(warehouse, "staging.stg_identity__identity_overrides", [_sides(decision) for decision in DECISIONS])
    put_model(
        warehouse, "core.int_person_scores",
        [{"customer360_id": ann, "probability_alive": Decimal("0.9"), "churn_risk_score": Decimal("0.42"), "churn_risk_pct": 42, "churn_risk_band": "medium", "fitted_on": day(0), "predicted_value": Decimal("12.5"), "predicted_purchases_90d": Decimal("0.8")}],
    )  # fmt: skip
    fit = {"run_id": "weekly", "run_date": day(0), "model": "bg_nbd_gamma_gamma", "fitted_on": day(0), "data_from": _ago(40), "customers": 5, "repeat_buyers": 1, "r": 0.25, "alpha": 4.5, "a": 0.75, "b": 2.5, "medium_above": Decimal("0.4"), "high_above": Decimal("0.8")}  # fmt: skip
    put(warehouse, _MATCHES, [{"match_id": "m1", "match_probability": Decimal("0.9")}, {"match_id": "m2"}])
    put(warehouse, MODEL_FITS, [{**fit, "alpha": 9.0, "fitted_at": noon(0)}, {**fit, "fitted_at": noon(1)}])


def put_model(warehouse: Warehouse, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Make a table of the project."""
    put(warehouse, _PROJECT.spec(TableName.parse(name)), rows)


def _sides(decision: Mapping[str, str | None]) -> dict[str, Any]:
    customers = {side: f"crm:{decision[side]}" if decision[side] else None for side in ("left", "right")}
    sides = {f"{side}_{n}": value for side, customer in customers.items() for n, value in _source(customer).items()}
    return {**decision, **sides, "decided_at": noon(LAST)}


def _source(customer: str | None) -> dict[str, Any]:
    system, _, id_ = (customer or "").partition(":")
    return {"source_system": system or None, "source_customer_id": id_ or None}


def _customer(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("source_system", "source_customer_id")}


def _ago(days: int) -> date:
    return day(-days)


def _at(moment: date) -> Any:
    return noon((moment - day(0)).days)
