"""People change, facts do not: the mapping of any day, ids that resolve for ever, and revenue that stays where it is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from conftest import ROOT
from identity.shared import day

from customer360.customers.queries import Queries
from customer360.errors import UnknownCustomerError
from customer360.googlesql import allow, parse
from customer360.settings import Parameter
from customers import world
from customers.conftest import World

FILES = sorted((ROOT / "sql" / "queries").glob("*.sql"))


def ask(told: World, file: str, **values: Parameter) -> list[dict[str, object]]:
    return Queries(told.warehouse, ROOT / "sql" / "queries", told.customers.config.parameters).ask(file, **values)


def test_the_mapping_of_any_day_is_the_one_published_that_day(told: World) -> None:
    assert len({str(sorted(published.items())) for published in told.maps}) == len(told.maps), "each day differs"
    for n, published in enumerate(told.maps):
        rows = ask(told, "identity_map_on", day=Parameter("DATE", day(n)))
        found = {world.key(row): row["customer360_id"] for row in rows}
        assert found == published and len(rows) == len(published)
    assert not ask(told, "identity_map_on", day=Parameter("DATE", day(-1)))


def test_every_id_ever_given_stands_for_a_person_of_today(told: World) -> None:
    given = {person for published in told.maps for person in published.values()}
    assert len(given) > len(set(told.maps[-1].values()))
    history = world.read(told.warehouse, "identity.identity_id_history")
    stands_for = {
        row["customer360_id"]: row["merged_into"] or row["customer360_id"] for row in history if not row["valid_to"]
    }
    assert {stands_for[each] for each in given} == set(told.maps[-1].values())
    # One merged by data, one by a decision, one that was split: `find` resolves each alike.
    for customer in ("crm:A2", "crm:B2", "crm:K5"):
        (found,) = told.customers.find(told.id_of(customer, 0)).shown
        assert found.customer360_id == stands_for[told.id_of(customer, 0)]


def test_a_merge_and_a_split_change_no_fact(told: World) -> None:
    assert len(set(told.facts)) == 1 and "fct_orders" in told.facts[0]


def test_revenue_is_conserved_through_merge_split_override_and_removal(told: World) -> None:
    orders = world.read(told.warehouse, "core.fct_orders")
    everything = sum(order["gross_revenue"] for order in orders)
    assert everything == sum(Decimal(amount) for *_, amount in world.ORDERS)
    by_day = []
    for published in told.maps:
        people: dict[str | None, Decimal] = {}
        for order in orders:
            customer = world.key(order) if order["source_system"] else None
            # A guest, or somebody whom no source names any longer, is nobody.
            person = published.get(customer) if customer else None
            people[person] = people.get(person, Decimal(0)) + order["gross_revenue"]
        assert sum(people.values()) - everything == Decimal("0.00")
        by_day.append(people)
    then, now = by_day
    assert (then[told.id_of("crm:A2", 0)], now[told.id_of("crm:A1")]) == (Decimal("21.15"), Decimal("36.25"))
    assert (then[told.id_of("crm:C1", 0)], now[told.id_of("crm:C1")]) == (Decimal("11.03"), Decimal("5.01"))
    assert (now[told.id_of("crm:B1")], then[None], now[None]) == (Decimal("7.77"), Decimal("1.23"), Decimal("9.31"))


@pytest.mark.parametrize(
    ("text", "customer", "matched"),
    [
        ("mailto:ANN@X.com ", "crm:A1", "EMAIL"),
        ("030 / 1234 56 78", "crm:A2", "PHONE"),
        ("CRM:A2", "crm:A2", "source customer"),
        ("v1", "anonymous:v1", "COOKIE_ID"),
        ("L1", "loyalty:L1", "source customer"),
    ],
)
def test_a_person_is_found_by(told: World, text: str, customer: str, matched: str) -> None:
    (found,) = told.customers.find(text).shown
    assert (found.customer360_id, found.matched) == (told.id_of(customer), matched)


def test_a_source_customer_that_is_gone_leads_to_who_it_was(told: World) -> None:
    (found,) = told.customers.find("crm:D1").shown
    assert found.customer360_id == told.id_of("crm:D2") and "crm:D1" not in told.maps[-1]


def test_what_many_have_finds_all_of_them(told: World) -> None:
    found = told.customers.find("kiosk-1")
    assert (found.total, len(found.shown)) == (6, 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ann@y.com", r"nobody has 'ann@y.com' as customer360_id, .* e-mail, .*; did you mean ann@x.com\?"),
        ("test@test.com", "it stands for nothing, so it is nobody's"),
        ("loyalty:L9", "did you mean loyalty:L1?"),
        ("", "nobody has ''"),
        ("' OR 1=1 --", "nobody has"),
    ],
)
def test_nobody_is_found_and_something_near_is_suggested(told: World, text: str, message: str) -> None:
    with pytest.raises(UnknownCustomerError, match=message.replace("L1?", r"L1\?")):
        told.customers.find(text)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_query_is_sql_that_a_model_might_hold(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith("-- ")
    allow.check(parse.parse_query(text, path=file), path=file)


def test_the_inputs_of_a_prediction_are_those_it_was_made_from(told: World) -> None:
    until = {name: Parameter("DATE", day(world.LAST)) for name in ("run_date", "calibration_end")}
    everybody = {row["customer360_id"]: row for row in ask(told, "purchase_history", **until)}
    assert len(everybody) == 4  # Ann, Bea, and Carl twice; Dan's buyer is gone
    for customer360_id, row in everybody.items():
        (own,) = ask(told, "customer_purchases", customer360_id=Parameter("STRING", customer360_id), run_date=until["run_date"])  # fmt: skip
        assert {name: own[name] for name in own.keys() & row.keys()} == {
            name: row[name] for name in own.keys() & row.keys()
        }
        assert {"x", "t_x_weeks", "age_weeks", "mean_value"} <= own.keys() & row.keys()


@pytest.mark.long
def test_google_s_reference_implementation_gives_the_same(told: World) -> None:
    """Last: every query about people, each with rows at least once."""
    told.warehouse.comparing = True
    try:
        told.customers.describe(told.id_of("crm:A1"), on=day(0))
        told.customers.find("crm:D1")
        with pytest.raises(UnknownCustomerError):
            told.customers.find("ann@y.com")
        ask(told, "identity_map_on", day=Parameter("DATE", day(0)))
        ask(told, "customer_matches", match_ids=Parameter("ARRAY<STRING>", ["m1", "m3"]))
    finally:
        told.warehouse.comparing = False
    assert not told.warehouse.differences
    asked = {file.stem for file in FILES if file.read_text(encoding="utf-8") in told.warehouse.asked}
    about_one = {file.stem for file in FILES if file.stem.startswith(("customer_", "identity_map_"))}
    assert asked == {name for name in about_one if not name.startswith("customer_360_")}  # past days: tests/history
