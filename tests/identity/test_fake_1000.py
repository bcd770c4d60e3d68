"""A public set of 1,000 records of about 250 people, with the truth: how many pairs are found, and how many rightly."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from math import comb
from pathlib import Path

import pytest

from customer360.identity import IdentityConfig
from identity.shared import Desk, seen

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "fake_1000"
COLUMNS = {
    "email": "EMAIL",
    "first_name": "FIRST_NAME",
    "surname": "LAST_NAME",
    "dob": "DATE_OF_BIRTH",
    "city": "CITY",
}
pytestmark = pytest.mark.skipif(not (FOLDER / "fake_1000.csv").exists(), reason="fake_1000 is not on this machine")


def pairs(groups: Iterable[str]) -> int:
    return sum(comb(n, 2) for n in Counter(groups).values())


def precision_and_recall(desk: Desk, config: IdentityConfig) -> tuple[float, float]:
    with (FOLDER / "fake_1000.csv").open(encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    assert len(records) == 1000
    desk.config = config
    desk.observe(
        [
            seen(r["unique_id"], type_, r[name].lower() if type_ == "EMAIL" else r[name])
            for r in records
            for name, type_ in COLUMNS.items()
        ]
    )
    desk.run(0)
    people = desk.people()
    truth = {record["unique_id"]: record["cluster"] for record in records}
    assert people.keys() == truth.keys()
    right = pairs(f"{people[id_]} {truth[id_]}" for id_ in truth)
    return right / pairs(people.values()), right / pairs(truth.values())


def test_good_keys_are_always_right(desk: Desk) -> None:
    born = "DATE_OF_BIRTH"
    config = IdentityConfig(
        identifiers={"EMAIL": 10},
        combinations=(("FIRST_NAME", "LAST_NAME", born), ("LAST_NAME", born), ("FIRST_NAME", born)),
    )
    precision, recall = precision_and_recall(desk, config)
    assert precision == 1.0
    assert round(recall, 3) >= 0.571


def test_a_bad_key_is_held_by_the_guard(desk: Desk) -> None:
    config = IdentityConfig(identifiers={"EMAIL": 10}, combinations=(("CITY",),))
    precision, recall = precision_and_recall(desk, config)
    assert precision >= 0.99
    assert recall > 0.33  # what e-mail alone finds
    blocked = {row["identity_value"]: row["reason"] for row in desk.rows("blocked") if row["identity_type"] == "CITY"}
    assert blocked["london"] == "over_shared" and "unreliable" in blocked.values()


def test_without_the_guard_the_bad_key_is_as_bad_as_it_is(desk: Desk) -> None:
    config = IdentityConfig(
        {"EMAIL": 10}, (("CITY",),), combination_limit=1000, unreliable_percent=100, placeholders=()
    )
    precision, _ = precision_and_recall(desk, config)
    assert precision < 0.1
