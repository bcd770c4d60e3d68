"""One spelling per identifier, and why a value is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from customer360.identity import IdentityConfig
from customer360.identity.normalise import VALUES, normalise, normalise_new, rules_of
from customer360.project.model import Column, TableSpec
from customer360.project.names import TableName
from identity.shared import Desk

CONFIG = IdentityConfig()


def one(type_: str, value: str | None, country: str | None = None, config: IdentityConfig = CONFIG) -> tuple[Any, Any]:
    rows = pa.table(
        {
            "identity_type": [type_],
            "raw_value": pa.array([value], pa.string()),
            "country": pa.array([country], pa.string()),
        }
    )
    (row,) = normalise(rows, config).to_pylist()
    return row["identity_value"], row["reason"]


@pytest.mark.parametrize(
    ("type_", "value", "country", "expected"),
    [
        ("EMAIL", "  Mailto:Ann.B+x@GMail.com\t", None, ("ann.b+x@gmail.com", None)),
        ("EMAIL", "ö@bücher.de", None, ("ö@bücher.de", None)),
        ("EMAIL", "a@b", None, ("a@b", "invalid")),
        ("EMAIL", "a@@b.de", None, ("a@@b.de", "invalid")),
        ("EMAIL", "a b@c.de", None, ("a b@c.de", "invalid")),
        ("EMAIL", "@c.de", None, ("@c.de", "invalid")),
        ("EMAIL", "TEST@Test.com", None, ("test@test.com", "placeholder")),
        ("EMAIL", " \n", None, ("", "empty")),
        ("EMAIL", None, None, ("", "empty")),
        ("PHONE", "030 901820", None, ("+4930901820", None)),
        ("PHONE", "(212) 736-5000", "us", ("+12127365000", None)),
        ("PHONE", "+1 212 736 5000", "DE", ("+12127365000", None)),
        ("PHONE", "030 901820", "XX", ("+4930901820", None)),
        ("PHONE", "0000000000", None, ("0000000000", "placeholder")),
        ("PHONE", "+00 000-000/0000", "US", ("+00 000-000/0000", "placeholder")),
        ("PHONE", "12", None, ("12", "invalid")),
        ("PHONE", "none of your business", None, ("none of your business", "invalid")),
        ("COOKIE_ID", " aB1 ", None, ("aB1", None)),
        ("COOKIE_ID", "Undefined", None, ("Undefined", "placeholder")),
    ],
)
def test_values(type_: str, value: str | None, country: str | None, expected: tuple[Any, Any]) -> None:
    assert one(type_, value, country) == expected


def test_gmail_is_one_mailbox_only_when_told() -> None:
    told = replace(CONFIG, gmail_is_one_mailbox=True)
    assert one("EMAIL", "a.n.n+news@googlemail.com", config=told) == ("ann@gmail.com", None)
    assert one("EMAIL", "a.n.n+news@web.de", config=told) == ("a.n.n+news@web.de", None)
    assert one("EMAIL", "a.n.n+news@googlemail.com") == ("a.n.n+news@googlemail.com", None)
    assert rules_of(told) != rules_of(CONFIG)


def test_distinct_values_once_each() -> None:
    rows = pa.table(
        {"identity_type": ["EMAIL"] * 4, "raw_value": ["a@b.de", "a@b.de", None, ""], "country": [None, "", None, ""]}
    )
    found = normalise(rows, CONFIG)
    assert found.schema == VALUES.arrow_schema
    assert sorted(found["raw_value"].to_pylist()) == ["", "a@b.de"]


@pytest.mark.parametrize("engine", ["desk", "cloud_desk"])
def test_a_day_looks_at_new_values_only(engine: str, request: pytest.FixtureRequest) -> None:
    warehouse = request.getfixturevalue(engine).warehouse
    columns = tuple(Column(name, "STRING", "") for name in ("identity_type", "raw_value", "country"))
    observed = TableSpec(TableName("identity", "observed"), columns, "")

    def observe(*rows: tuple[str, str | None, str | None]) -> None:
        values = [dict(zip(observed.schema, row, strict=True)) for row in rows]
        warehouse.append(observed, pa.Table.from_pylist(values, schema=observed.arrow_schema))

    observe(("EMAIL", "A@b.de", None), ("PHONE", "030 901820", "DE"), ("EMAIL", None, None), ("EMAIL", "A@b.de", None))
    assert normalise_new(warehouse, observed.name, CONFIG) == 3
    assert normalise_new(warehouse, observed.name, CONFIG) == 0
    observe(("EMAIL", "a@b.de", None), ("PHONE", "030 901820", "DE"))
    assert normalise_new(warehouse, observed.name, CONFIG) == 1
    assert normalise_new(warehouse, observed.name, replace(CONFIG, gmail_is_one_mailbox=True)) == 4
    found = warehouse.query(f"SELECT * FROM {VALUES.name} WHERE rules = '{rules_of(CONFIG)}'").to_pylist()
    assert sorted((row["raw_value"], row["identity_value"], row["reason"]) for row in found) == [
        ("", "", "empty"),
        ("030 901820", "+4930901820", None),
        ("A@b.de", "a@b.de", None),
        ("a@b.de", "a@b.de", None),
    ]


@pytest.mark.parametrize(("at_once", "parts"), [(1, 40), (7, 6), (20, 2), (39, 2), (40, 1)])
def test_many_new_values_come_in_few_parts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, at_once: int, parts: int
) -> None:
    """Each reads all observations again: 256 parts of a few million values took longer than all else."""
    monkeypatch.setattr("customer360.identity.normalise._AT_ONCE", at_once)
    columns = tuple(Column(name, "STRING", "") for name in ("identity_type", "raw_value", "country"))
    observed = TableSpec(TableName("identity", "observed"), columns, "")
    rows = [{"identity_type": "EMAIL", "raw_value": f"a{n}@b.de", "country": None} for n in range(40)]
    desk.warehouse.append(observed, pa.Table.from_pylist(rows, schema=observed.arrow_schema))
    appended: list[int] = []
    append = desk.warehouse.append
    monkeypatch.setattr(
        desk.warehouse, "append", lambda spec, rows: (appended.append(rows.num_rows), append(spec, rows))[1]
    )
    assert normalise_new(desk.warehouse, observed.name, CONFIG) == 40
    assert len(appended) == parts
    assert sum(appended) == 40
    assert desk.warehouse.row_counts([VALUES.name]) == {VALUES.name: 40}
