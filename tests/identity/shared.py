"""Observations and decisions written down in short, and what a resolution made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from customer360.identity import DECISIONS, IdentityConfig, Resolution, Tables, resolve, specs_of
from customer360.project import load_project
from customer360.project.names import TableName
from customer360.warehouse.port import RunInfo, Warehouse

FIRST = date(2024, 1, 1)
_PROJECT = load_project(Path(__file__).resolve().parents[2])
SPECS = specs_of(_PROJECT)
CONFIG = IdentityConfig(combinations=())


def day(n: int) -> date:
    return FIRST + timedelta(days=n)


def noon(n: int) -> datetime:
    return datetime.combine(day(n), datetime.min.time(), UTC) + timedelta(hours=12)


def seen(
    customer: str, type_: str | None = None, value: str | None = None, on: int = 0, reason: str | None = None
) -> dict[str, Any]:
    """An observation; `customer` is `system:id`, or an id of the crm."""
    system, _, id_ = customer.rpartition(":")
    return {
        "source_system": system or "crm",
        "source_customer_id": id_,
        "identity_type": type_,
        "identity_value": value,
        "reason": reason,
        "first_loaded_date": day(on),
        "seen_at": noon(on),
    }


def decided(override: str, action: str, left: str, right: str, on: int) -> dict[str, Any]:
    sides = {}
    for side, customer in (("left", left), ("right", right)):
        system, _, id_ = customer.rpartition(":")
        sides |= {f"{side}_source_system": system or "crm", f"{side}_source_customer_id": id_}
    return {"override_id": override, "action": action, **sides, "decided_at": noon(on)}


@dataclass
class Desk:
    """A warehouse with observations and decisions, and the state that runs leave. Runs publish at once."""

    warehouse: Warehouse
    config: IdentityConfig = CONFIG
    name: str = "identity"
    overrides: bool = False
    states: list[Tables] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)

    @property
    def observations(self) -> TableName:
        return TableName("identity", f"{self.name}_observations")

    def observe(self, rows: Sequence[dict[str, Any]]) -> None:
        self._append(SPECS["observations"], self.observations, rows)

    def decide(self, rows: Sequence[dict[str, Any]]) -> None:
        self.overrides = True
        self._append(_PROJECT.models[DECISIONS].spec, TableName("identity", f"{self.name}_decisions"), rows)

    def _append(self, spec: Any, name: TableName, rows: Sequence[dict[str, Any]]) -> None:
        self.warehouse.append(replace(spec, name=name), pa.Table.from_pylist(rows, schema=spec.arrow_schema))

    def run(self, n: int = 0, *, previous: Tables | None = None, name: str = "", **options: Any) -> Resolution:
        """Resolve day n on top of the last state, into tables of their own."""
        target = self.tables(f"{name or self.name}_{n}")
        before = previous or (self.states[-1] if self.states else None)
        resolution = resolve(
            self.warehouse,
            self.observations,
            config=self.config,
            run=RunInfo(f"day_{n}", day(n)),
            specs=SPECS,
            overrides=TableName("identity", f"{self.name}_decisions") if self.overrides else None,
            previous=before,
            target=target,
            **options,
        )
        if not name:
            self.states.append(target)
            self.resolutions.append(resolution)
        return resolution

    def tables(self, prefix: str) -> Tables:
        return Tables(**{role: TableName("identity", f"{prefix}_{role}") for role in Tables().by_role})

    def rows(self, role: str, tables: Tables | None = None) -> list[dict[str, Any]]:
        name = (tables or self.states[-1]).by_role[role]
        return sorted(self.warehouse.query(f"SELECT * FROM {name}").to_pylist(), key=str)

    def people(self, tables: Tables | None = None) -> dict[str, str]:
        """Source customer → customer360_id."""
        return {key(row): row["customer360_id"] for row in self.rows("map", tables)}

    def groups(self, tables: Tables | None = None) -> set[frozenset[str]]:
        return partition(self.people(tables))

    def resolved(self, tables: Tables | None = None) -> dict[str, str]:
        """Every id ever given → the person it stands for now."""
        rows = [row for row in self.rows("history", tables) if row["valid_to"] is None]
        found = {row["customer360_id"]: row["merged_into"] or row["customer360_id"] for row in rows}
        assert len(found) == len(rows), "an id stands for two people"
        return found


def key(row: dict[str, Any]) -> str:
    system = "" if row["source_system"] == "crm" else f"{row['source_system']}:"
    return system + row["source_customer_id"]


def by_person(people: dict[str, str]) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    for customer, person in people.items():
        groups.setdefault(person, set()).add(customer)
    return groups


def partition(people: dict[str, str]) -> set[frozenset[str]]:
    return {frozenset(group) for group in by_person(people).values()}


def groups(*texts: str) -> set[frozenset[str]]:
    """`groups("a b", "c")`"""
    return {frozenset(text.split()) for text in texts}


def emails(*pairs: tuple[str, str], on: int = 0) -> Iterable[dict[str, Any]]:
    return [seen(customer, "EMAIL", value, on) for customer, value in pairs]
