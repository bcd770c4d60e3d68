"""Days of `marts.customer_360` that were made up: random people who change at random, kept by the production code."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from conftest import ROOT

from customer360.build.published import Published
from customer360.googlesql import types
from customer360.history import DAYS, KEPT, VERSIONS, customer_360_at, keep_day
from customer360.project import TableName, load_project
from customer360.project.model import TableSpec
from customer360.project.platform import PUBLISHED
from customer360.warehouse.port import Publication, RunInfo, Warehouse

QUERIES = ROOT / "sql" / "queries"
FIRST = date(2024, 1, 1)
_PROJECT = load_project(ROOT)
Row = dict[str, Any]


def plain(spec: TableSpec) -> TableSpec:
    """Without descriptions: a statement each, which adds up."""
    return replace(spec, columns=tuple(replace(column, description="") for column in spec.columns))


KEPT_SPEC = plain(_PROJECT.spec(KEPT))
SPECS = {name: plain(_PROJECT.spec(name)) for name in (VERSIONS, DAYS)}
IDS = TableSpec(
    TableName("identity", "identity_id_history"),
    tuple(replace(c, description="") for c in _PROJECT.models[TableName("identity", "identity_id_history")].columns),
    "Ids. One row per id and interval.",
)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def value(type_: types.Type, chance: random.Random) -> Any:
    """NULL, or one of a few values: so that values change back, too. Arrays that are stored are never NULL."""
    if type_.element is None and chance.random() < 0.2:
        return None
    if type_.element is not None:
        return [_inside(type_.element, chance) for _ in range(chance.randrange(3))]
    return _inside(type_, chance)


def _inside(type_: types.Type, chance: random.Random) -> Any:
    if type_.fields:
        return {name: _inside(inner, chance) for name, inner in type_.fields}
    n = chance.randrange(3)
    made = {"STRING": f"text {n}", "INT64": n, "BOOL": n == 1, "NUMERIC": Decimal(n) / 4, "DATE": FIRST - timedelta(n)}
    return made.get(type_.name, datetime(2023, 12, 31 - n, 5, tzinfo=UTC))


def person(number: int, chance: random.Random) -> Row:
    made = {column.name: value(types.parse(column.type), chance) for column in KEPT_SPEC.columns}
    return made | {"customer360_id": f"c360_{number:024d}"}


def changed(row: Row, chance: random.Random) -> Row:
    column = chance.choice([c for c in KEPT_SPEC.columns if c.name != "customer360_id"])
    return row | {column.name: value(types.parse(column.type), chance)}


def of_day(row: Row, when: date) -> Row:
    """The row with what the day alone changes, as sql/marts/customer_360 has it."""
    seen = row["first_seen_at"].date() if row["first_seen_at"] else None
    registered = row["registration_date"]
    since = min((d for d in (seen, registered) if d), default=None)
    tenure = (when - since).days if since else None
    bought = row["last_purchase_at"]
    rated = row["total_sessions"] is not None and registered is not None
    return row | {
        "run_date": when,
        "customer_tenure_days": tenure,
        "days_since_last_purchase": (when - bought.date()).days if bought else None,
        "purchase_frequency": _share(30 * row["orders_count"], tenure)
        if row["orders_count"] is not None and tenure
        else None,
        "website_engagement_rate": _share(row["total_sessions"], max((when - registered).days, 1)) if rated else None,
    }


def _share(one: int, other: int) -> Decimal:
    return (Decimal(one) / Decimal(other)).quantize(Decimal("1e-9"), "ROUND_HALF_UP")


class Shelf:
    """Keeps days in a warehouse, and knows what each said when it was last published."""

    def __init__(self, warehouse: Warehouse, folder: Path) -> None:
        self.warehouse, self.folder = warehouse, folder
        self.said: dict[date, list[Row]] = {}
        warehouse.ensure([PUBLISHED, IDS])

    def write(self, when: date, rows: list[Row], run_id: str = "run") -> RunInfo:
        """Everything up to the publish."""
        run, source = RunInfo(run_id, when), KEPT.candidate(when)
        file = self.folder / f"{when}.parquet"
        pq.write_table(self.table(rows, when), file)
        self.warehouse.load(replace(KEPT_SPEC, name=source), [str(file)], run=run)
        keep_day(self.warehouse, source=source, specs=SPECS, run=run)
        return run

    def publish(self, run: RunInfo) -> None:
        candidates = {name: name.candidate(run.run_date) for name in SPECS}
        counts = self.warehouse.row_counts(candidates.values())
        log = Published(self.warehouse, run).rows({name: counts[each] for name, each in candidates.items()}, {})
        self.warehouse.publish(
            [Publication(SPECS[name], each, partition=run.run_date) for name, each in candidates.items()],
            run=run,
            log={PUBLISHED: log},
        )

    def keep(self, when: date, rows: list[Row], run_id: str = "run") -> None:
        self.publish(self.write(when, rows, run_id))
        self.said[when] = [of_day(row, when) for row in rows]

    def table(self, rows: list[Row], when: date) -> pa.Table:
        return pa.Table.from_pylist([of_day(row, when) for row in rows], schema=KEPT_SPEC.arrow_schema)

    def check(self, *days: date) -> None:
        """Each day reads as it was published, cell by cell."""
        for when in days or self.said:
            found = customer_360_at(self.warehouse, QUERIES, when).sort_by("customer360_id")
            wanted = pa.Table.from_pylist(self.said[when], schema=KEPT_SPEC.arrow_schema).sort_by("customer360_id")
            assert found.column_names == wanted.column_names
            wrong = [name for name in wanted.column_names if found[name].to_pylist() != wanted[name].to_pylist()]
            assert not wrong, f"{when}: {[(name, found[name].to_pylist(), wanted[name].to_pylist()) for name in wrong]}"
