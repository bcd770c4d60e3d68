"""Who is who: truth/people.csv is what the written files say, joined by hand, and nothing else.

The joining here knows nothing of the product: a union of sets over the identifiers that the files hold, without those
that too many share and those that a decision says are a mailbox of two.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict

import pytest

from sample.rows import Counted, Shop, day

Customer = tuple[str, str]
NOBODYS = {"test@test.com", ""}


def mailbox(text: str | None) -> str:
    return (text or "").strip().lower().removeprefix("mailto:")


def last_digits(text: str | None) -> str:
    """The last nine digits, which are one person's in this shop; nothing where there are fewer or only zeros."""
    digits = "".join(filter(str.isdigit, text or ""))[-9:]
    return digits if len(digits) == 9 and int(digits) else ""


def customer(text: str) -> Customer:
    system, colon, id_ = text.partition(":")
    return (system.strip().lower(), id_.strip()) if colon else ("crm", text)


def joined(sharing: list[set[Customer]], customers: set[Customer]) -> list[set[Customer]]:
    group = {one: {one} for one in customers}
    for together in sharing:
        first, *others = (group[one] for one in together)
        for other in others:
            if other is not first:
                first |= other
                for one in other:
                    group[one] = first
                first = group[next(iter(together))]
    return [set(each) for each in {frozenset(each) for each in group.values()}]


@pytest.fixture(scope="module")
def truth(shop: Shop) -> dict[Customer, str]:
    with (shop[0] / "truth" / "people.csv").open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    people = {(row["source_system"], row["source_customer_id"]): row["person"] for row in found}
    assert len(people) == len(found), "every source customer is one person's"
    return people


def test_the_sources_say_enough_to_know_who_is_who(
    shop: Shop, truth: dict[Customer, str], accounts: Counted, lines: Counted, redemptions: Counted, contacts: Counted,
    responses: Counted, sessions: Counted, events: Counted, cards: Counted, identities: Counted, decisions: Counted,
    consents: Counted, traits: Counted,
) -> None:  # fmt: skip
    until = shop[1].until
    having: dict[str, set[Customer]] = defaultdict(set)  # identifier → who has it
    named: set[Customer] = set()
    for row in accounts[0]:
        named.add(one := ("crm", row["customer_no"]))
        having[mailbox(row["email_address"])].add(one)
        having[last_digits(row["phone"])].add(one)
    for row in cards[0]:
        named.add(one := ("loyalty", row["card_no"]))
        having[mailbox(row["email"])].add(one)
        having[last_digits(row["mobile"])].add(one)
        if row["crm_no"]:
            named.add(("crm", row["crm_no"]))
            having[f"the customer of {row['card_no']}"] |= {one, ("crm", row["crm_no"])}
    for found, column, time in (
        (lines, "customer_no", "ordered_at"), (redemptions, "customer_no", "used_at"),
        (contacts, "customer_no", "opened_at"), (responses, "contact", "ts"),
    ):  # fmt: skip
        named |= {("crm", row[column]) for row in found[0] if row[column] and day(row[time]) <= until}
    for found, column, time in ((consents, "customer", "recorded_at"), (traits, "customer", "computed")):
        named |= {(row["system"] or "crm", row[column]) for row in found[0] if day(row[time]) <= until}
    visitors = set()
    for found, time in ((sessions, "started_at"), (events, "happened_at")):
        for row in found[0]:
            if day(row[time]) <= until:
                visitors.add(("anonymous", row["client_id"]))
                if row["user_id"]:
                    named.add(one := (row.get("user_system") or "crm", row["user_id"]))
                    having[f"cookie {row['client_id']}"].add(one)
    for row in identities[0]:
        named.add(one := ((row["system"] or "crm").lower(), row["customer"]))
        kind, value = row["kind"].upper(), row["value"]
        spelt = {"EMAIL": mailbox(value), "PHONE": last_digits(value), "COOKIE_ID": f"cookie {value}"}
        if kind == "EXTERNAL_ID":
            having[f"{one} says {value}"] |= {one, customer(value)}
        elif kind not in ("IP_ADDRESS", "SESSION_ID"):
            having[spelt.get(kind, value)].add(one)

    latest: dict[frozenset[Customer], tuple[str, str]] = {}
    for row in decisions[0]:
        if row["decision"].lower() in ("merge", "split") and day(row["at"]) <= until:
            pair = frozenset((customer(row["this"]), customer(row["other"])))
            latest[pair] = max(latest.get(pair, ("", "")), (row["at"], row["decision"].lower()))
    merged = [set(pair) for pair, (_, action) in latest.items() if action == "merge"]
    apart = [pair for pair, (_, action) in latest.items() if action == "split"]
    assert len(merged) == 6 and len(apart) == 8

    shared_by_many = {value for value, who in having.items() if value not in NOBODYS and len(who) > 5}
    assert shared_by_many == {"cookie kiosk-1", "store-tablet-1"}
    families = {value for value, who in having.items() if frozenset(who) in apart}
    assert len(families) == 6
    for value in NOBODYS | shared_by_many | families:
        del having[value]
    for visitor in visitors:
        if who := having.get(f"cookie {visitor[1]}"):
            named.add(visitor)
            who.add(visitor)
    groups = joined([*having.values(), *merged], named)

    assert named == truth.keys()
    assert all(len({truth[one] for one in group}) == 1 for group in groups), "two people are joined"
    known = [group for group in groups if any(system != "anonymous" for system, _ in group)]
    assert len(known) == len(groups) == shop[1].truths["people_known"]
    assert shop[1].truths["people_in_crm"] < len(groups) < 5200


def test_the_manifest_counts_people_by_system(shop: Shop, truth: dict[Customer, str]) -> None:
    truths = shop[1].truths
    systems: dict[str, set[str]] = defaultdict(set)
    for (system, _), person in truth.items():
        systems[system].add(person)
    count = Counter(system for system, _ in truth)
    assert truths["visitors_recognised"] == count["anonymous"] > 5000
    assert truths["source_customers"] == count.total() - count["anonymous"]
    assert truths["people_in_loyalty"] == len(systems["loyalty"]) > 1000
    assert truths["people_only_in_loyalty"] == len(systems["loyalty"] - systems["crm"]) > 100
    assert truths["people_known"] == len(systems["crm"] | systems["loyalty"] | systems["app"])
    accounts: dict[str, int] = Counter(person for (system, _), person in truth.items() if system == "crm")
    assert truths["people_with_several_ids"] == sum(number > 1 for number in accounts.values()) > 150


def test_names_and_birthdays_are_those_of_one_person(accounts: Counted, truth: dict[Customer, str]) -> None:
    """They are identifiers, too: people of one name who were born on one day would be taken for one."""
    people: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for row in accounts[0]:
        if row["first_name"] and row["surname"] and row["birth_date"]:
            key = row["first_name"].lower(), row["surname"].lower(), row["birth_date"]
            people[key].add(truth["crm", row["customer_no"]])
    assert {len(who) for who in people.values()} == {1}
