"""One person of the small world: who they are and why, what changed, what their scores are made from."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from identity.shared import day
from rich.console import Console

from customer360.cli.person import show
from customer360.customers import Person, describe, to_document
from customer360.customers.chain import Step
from customer360.errors import SettingsError, UnknownCustomerError
from customers.conftest import World


@pytest.fixture(scope="module")
def ann(told: World) -> Person:
    return told.person("crm:A1")


def sentences(person: Person) -> list[str]:
    return [each.link.sentence for each in person.source_customers.shown if each.link]


def test_each_source_customer_is_explained_by_one_before_it(ann: Person) -> None:
    assert sentences(ann) == [
        "loyalty:L1 is the same person as crm:A1, because both have the id crm:A1 (since 2024-01-01)",
        "crm:A2 is the same person as crm:A1, because both have the e-mail ann@x.com (since 2024-01-02)",
        "anonymous:v1 is the same person as crm:A2, because both have the cookie v1 (since 2024-01-02)",
    ]
    first = ann.source_customers.shown[0]
    assert (first.source_customer_id, first.first_loaded_date, first.since) == ("A1", day(0), day(0))
    assert [(each.identity_value, each.state, each.own_customers) for each in ann.identifiers.shown] == [
        ("crm:A1", "joins", 2),
        ("ann@x.com", "joins", 2),
        ("+493012345678", "single", 1),
        ("v1", "joins", 2),
    ]


def test_what_joins_nobody_is_said(told: World, ann: Person) -> None:
    assert [each.sentence for each in ann.blocked.shown] == [
        "test@test.com (e-mail) stands for nothing: it joins nobody",
        "lee, 1980-01-01 (last name and date of birth) is shared by 3 source customers: it joins nobody",
    ]
    kiosk = told.person("crm:K1")
    assert [each.sentence for each in kiosk.blocked.shown] == [
        "kiosk-1 (cookie) is shared by 6 source customers: it joins nobody"
    ]


def test_decisions_say_who_and_when(told: World) -> None:
    bea = told.person("crm:B1")
    assert sentences(bea) == [
        "crm:B2 is the same person as crm:B1, because jane decided so on 2024-01-02 (decision o1)"
    ]
    carl = told.person("crm:C2")
    assert not sentences(carl) and carl.identifiers.shown[0].state == "kept_apart"
    (decision,) = carl.decisions.shown
    assert (decision.action, decision.decided_by) == ("split", "joe")
    assert decision.left_person == told.id_of("crm:C1") != decision.right_person == carl.customer360_id


def test_a_change_is_explained(told: World, ann: Person) -> None:
    was = {customer: told.id_of(customer, 0) for customer in ("crm:A2", "anonymous:v1", "crm:C1")}
    told_on_1 = {each.sentence for each in ann.changes.shown if each.changed_on == day(1)}
    assert told_on_1 >= {
        f"crm:A2 moved from {was['crm:A2']} to {ann.customer360_id}: crm:A2 and crm:A1 share EMAIL",
        f"{was['anonymous:v1']} stands for {ann.customer360_id}: anonymous:v1 and crm:A2 share COOKIE_ID",
    }
    new = told.person("crm:C2")
    assert was["crm:C1"] == told.id_of("crm:C2", 0) != new.customer360_id
    assert [(each.changed_on, each.change, each.cause) for each in new.changes.shown] == [
        (day(1), "id", "override"),
        (day(1), "moved", "override"),
    ]
    moved = (
        f"crm:C2 moved from {was['crm:C1']} to {new.customer360_id}: decision o2 keeps it apart from {was['crm:C1']}"
    )
    assert new.changes.shown[1].sentence == moved
    dan = told.person("crm:D2")
    assert f"crm:D1 left {dan.customer360_id}: no source names it any longer" in {c.sentence for c in dan.changes.shown}


def test_who_was_who_on_a_day(told: World, ann: Person) -> None:
    assert {each.source_customer: each.customer360_id_then for each in ann.then.shown} == {
        customer: told.id_of(customer, 0) for customer in ("crm:A1", "crm:A2", "loyalty:L1", "anonymous:v1")
    }
    kiosk = told.person("crm:K1")
    assert {each.customer360_id_now for each in kiosk.then.shown} == {told.id_of(f"crm:K{n}") for n in range(1, 6)}
    with pytest.raises(SettingsError, match="not known yet: the mapping is as of 2024-01-02"):
        told.customers.describe(ann.customer360_id, on=day(2))


def test_scores_come_with_what_they_are_made_from(ann: Person) -> None:
    rfm, engagement, purchases, predictions = (
        getattr(ann.scores, name) for name in ("rfm", "engagement", "purchases", "predictions")
    )
    # Four people bought, 13, 31, 21 and 4 days ago; Ann alone more than once.
    assert (rfm.buyers, rfm.recency_worse, rfm.frequency_worse, rfm.monetary_worse) == (4, 2, 3, 3)
    assert [1 + 5 * worse // rfm.buyers for worse in (2, 3, 3)] == [3, 4, 4]
    assert (rfm.recency_score, rfm.frequency_score, rfm.monetary_score) == (3, 4, 4)
    points = engagement.recency_points, engagement.event_points, engagement.order_points
    assert points == (30, 10, 20) and (engagement.days_since_last_seen, engagement.events_last_30_days) == (3, 6)
    # 40, 26 and 12 days before the first day; now is the second. On the last of them she bought in both accounts.
    assert (purchases.x, purchases.t_x_weeks, purchases.age_weeks) == (2, 4.0, 41 / 7)
    assert purchases.mean_value == (Decimal("20.05") + Decimal("6.20")) / 2
    # Of two fits of one day, the later.
    assert (predictions.fitted_on, predictions.alpha, predictions.high_above) == (day(0), 4.5, Decimal("0.8"))


def test_who_refuses_to_be_profiled_has_no_scores(told: World, ann: Person) -> None:
    assert [(each.consent_type, each.is_granted, each.grants) for each in ann.consents] == [
        ("MARKETING_EMAIL", True, 2),
        ("PROFILING", True, 1),
    ]
    bea = told.person("crm:B1")
    assert bea.refuses_profiling and not ann.refuses_profiling
    assert not any(vars(bea.scores).values()) and all(vars(ann.scores).values())
    assert bea.timeline.total == 1  # what she did is told


def test_the_timeline_is_everything_newest_first(ann: Person) -> None:
    kinds = [each.kind for each in ann.timeline.shown]
    assert kinds == ["support", "refund", "campaign", "event", "session", "order", "order", "order", "order"]
    assert {each.source_customer for each in ann.timeline.shown} == {"crm:A1", "crm:A2", "anonymous:v1"}


def test_everything_is_bounded_and_says_how_much_more_there_is(told: World, ann: Person) -> None:
    few = replace(told.customers, most=1).describe(ann.customer360_id, events=2, on=day(0))
    parts = (few.source_customers, few.identifiers, few.blocked, few.changes, few.then, few.timeline)
    assert [(len(part.shown), part.total) for part in parts] == [(1, 4), (1, 4), (1, 2), (1, 7), (1, 4), (2, 9)]
    assert (
        few.profile is not None and len(few.profile["emails"]) == 1 and few.profile_cut == {"emails": 29, "segments": 1}
    )


def test_an_id_that_stands_for_another_is_refused(told: World) -> None:
    with pytest.raises(UnknownCustomerError, match="no person's customer360_id now"):
        told.customers.describe(told.id_of("crm:A2", 0))


def test_what_is_not_built_is_left_out_and_named(told: World, monkeypatch: pytest.MonkeyPatch) -> None:
    there = told.warehouse.tables
    monkeypatch.setattr(
        told.warehouse, "tables", lambda dataset: [] if dataset in ("marts", "core", "ops") else there(dataset)
    )
    person = told.customers.describe(told.id_of("crm:A1"))
    assert person.profile is None and person.timeline.total == 0 and person.scores.rfm is None
    assert {"marts.customer_360", "core.fct_orders", "ops.model_fits"} <= set(person.not_built)
    assert len(sentences(person)) == 3


def test_the_document_is_json_with_exact_decimals(ann: Person) -> None:
    document = to_document(ann)
    assert document["scores"]["rfm"]["total_revenue"] == "36.2" and document["run_date"] == "2024-01-02"
    assert document["source_customers"]["total"] == 4
    assert document["source_customers"]["shown"][1]["link"]["sentence"].startswith("loyalty:L1 is the same person")


def test_evidence_that_is_too_much_to_read_is_not_made_up(told: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describe, "MOST_EDGES", 3)
    found = told.customers.describe(told.id_of("crm:A1")).source_customers
    assert [(each.source_customer_id, each.link is not None) for each in found.shown] == [
        ("A1", False),
        ("L1", True),
        ("A2", False),
    ]
    assert found.total == 4


def test_a_match_of_a_model_says_how_probable_it_is(told: World) -> None:
    steps = [Step("crm:B", "crm:A", "PROBABILISTIC", match, day(1)) for match in ("m1", "m2")]
    known = {"m1": 0.9876}
    assert [describe._link(step, {}, known).sentence for step in steps] == [
        "crm:B is the same person as crm:A, because their records match with a probability of 0.988 (since 2024-01-02)",
        "crm:B is the same person as crm:A, because their records match (since 2024-01-02)",
    ]


def test_what_people_typed_into_a_form_moves_no_terminal(told: World, ann: Person) -> None:
    assert ann.profile is not None and "\x1b" in ann.profile["full_name"]
    page = io.StringIO()
    (match,) = told.customers.find(ann.customer360_id).shown
    show(ann, match, console=Console(file=page, width=100), currency="EUR")
    assert "\x1b" not in page.getvalue() and "Ann [bold]Lee" in page.getvalue()
    assert max(map(len, page.getvalue().splitlines())) <= 100
