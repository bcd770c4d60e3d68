"""Random histories of what sources deliver, and a full rebuild from raw to hold the incremental tables against.

The full rebuild is another engine's: the models' SQL, translated, as CREATE TABLE statements in a DuckDB in memory.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from conftest import ROOT, open_build, settings_for

from customer360.build import Build
from customer360.googlesql.bind import bind_parameters
from customer360.googlesql.session import SESSION_SETTINGS
from customer360.googlesql.to_duckdb import to_duckdb
from customer360.project import TableName, load_project
from customer360.project.platform import LOADS
from customer360.warehouse.port import RunInfo, Warehouse

START = date(2024, 3, 29)
Row = dict[str, Any]

# What is built together in one history: the raw tables, and the models made of them.
FAMILIES = {
    "commerce": ("raw_commerce.purchase_transactions", "raw_finance.exchange_rates"),
    "sessions": ("raw_web.website_behavior",),
    "events": ("raw_web.customer_events",),
    "responses": ("raw_marketing.campaign_responses", "raw_marketing.marketing_campaigns"),
    "support": ("raw_support.customer_service",),
    "redemptions": ("raw_commerce.promotion_redemptions",),
}
_MODELS = {
    "commerce": "stg_commerce__purchase_transactions stg_finance__exchange_rates fct_order_lines fct_orders fct_refunds"
    " int_customer_orders_daily",
    "sessions": "stg_web__website_behavior fct_sessions int_customer_sessions_daily",
    "events": "stg_web__customer_events fct_events int_customer_events_daily",
    "responses": "int_response_types stg_marketing__campaign_responses stg_marketing__marketing_campaigns"
    " fct_campaign_responses",
    "support": "stg_support__customer_service fct_support_interactions",
    "redemptions": "stg_commerce__promotion_redemptions",
}


@dataclass
class History:
    """A warehouse that is fed and built day by day. `raw`: what each raw table holds, by loaded date."""

    folder: Path
    family: str
    random: Random
    raw: dict[str, dict[date, list[Row]]] = field(default_factory=dict)
    runs: int = 0
    warehouse: Callable[[], Warehouse] | None = None  # how to open it; default is a lake in the folder

    def __post_init__(self) -> None:
        self.settings = settings_for(self.folder)
        self.raw = {name: {} for name in FAMILIES[self.family]}

    def models(self, build: Build) -> list[TableName]:
        wanted = set(_MODELS[self.family].split())
        return [name for name in build.project.graph.order if name.table in wanted]

    # -- what sources deliver

    def deliver(self, build: Build, table: str, day: date, rows: list[Row]) -> None:
        """Load rows for a day as `load_table` does: the partition is replaced, and ops.loads says so."""
        name = TableName.parse(table)
        spec = build.project.contracts[name].spec
        self.raw[table][day] = rows
        stamped = [
            {"_loaded_date": day, "_loaded_at": datetime.now(UTC), "_batch_id": "b", "_source": "s"} | row
            for row in rows
        ]
        file = self.folder / f"{uuid.uuid4().hex}.parquet"
        pq.write_table(pa.Table.from_pylist(stamped, schema=spec.arrow_schema), file)
        build.warehouse.load(spec, [str(file)] if rows else [], partition=day, run=build.run)
        log = {
            "table_name": table, "loaded_date": day, "run_id": build.run.run_id, "batch_id": "b", "mode": "cursor",
            "rows_read": len(rows), "rows_loaded": len(rows), "rows_quarantined": 0, "cells_quarantined": 0,
            "seconds": 0.0, "finished_at": datetime.now(UTC),
        }  # fmt: skip
        build.warehouse.append(LOADS, pa.Table.from_pylist([log], schema=LOADS.arrow_schema))

    def happen(self, build: Build, day: date) -> list[str]:
        """Something random arrives; says what."""
        said = []
        for table in self.raw:
            chance = self.random.random()
            earlier = sorted(loaded for loaded in self.raw[table] if loaded < day)
            if chance < 0.12:
                said.append(f"{table}: nothing for {day}")
                continue
            if chance < 0.3 and earlier:
                again = self.random.choice(earlier)
                kept = self.random.choice([0.7, 1, 1])  # mostly all of it comes again
                rows = [row for row in self.raw[table][again] if self.random.random() < kept]
                rows += self._rows(table, again) if self.random.random() < 0.5 else []
                self.deliver(build, table, again, _once(build, table, rows))
                said.append(f"{table}: {again} again, with {len(rows)} rows")
            rows = _once(build, table, self._rows(table, day))
            self.deliver(build, table, day, rows)
            said.append(f"{table}: {len(rows)} rows for {day}")
        return said

    def _rows(self, table: str, day: date) -> list[Row]:
        return [row for _ in range(self.random.randint(0, 6)) for row in self._make(table, day)]

    def _make(self, table: str, day: date) -> list[Row]:
        """One thing as a source tells it: new or known by its key, of about now, long ago, or a clock that runs ahead."""
        r = self.random
        key = f"K{r.randint(1, 25)}" + (" " if r.random() < 0.1 else "")
        back = r.choice([0, 0, 0, 1, 2, 5, 31, 150, -1, -3])
        at = datetime(day.year, day.month, day.day, r.randint(0, 23), r.randint(0, 59), tzinfo=UTC) - timedelta(
            days=back
        )
        who = r.choice(["C1", "C2", "C3", None, ""])
        kind = table.partition(".")[2]
        if kind == "purchase_transactions":
            updated = at + timedelta(days=r.choice([0, 0, 1, 4, 40]))
            return [
                {
                    "transaction_id": key, "line_number": line, "customer_id": who, "product_id": f"P{r.randint(1, 3)}",
                    "purchase_date": at + timedelta(hours=r.choice([0, 0, 0, 1, 30, 900])) * (line > 1),
                    "quantity": r.randint(1, 3), "total_amount": r.choice([0, 1, 2, 5, -3]) * 10,
                    "currency": r.choice([None, "EUR", "USD"]), "updated_at": updated, "channel": r.choice(["web", "store"]),
                    "order_status": r.choice(["delivered", "delivered", "refunded", "pending"]),
                }
                for line in range(1, r.randint(1, 3) + 1)
            ]  # fmt: skip
        if kind == "exchange_rates":
            rate_day = day if r.random() < 0.8 else day - timedelta(days=r.choice([1, 20, 70]))
            return [{"currency": "USD", "rate_date": rate_day, "rate": r.choice([1, 2, 3])}]
        if kind == "marketing_campaigns":
            return [{"campaign_id": f"M{r.randint(1, 3)}", "channel": r.choice(["email", "push"])}]
        if kind == "website_behavior":
            device = {"anonymous_id": r.choice([None, "A1"]), "device_type": r.choice(["web", "ios app"])}
            return [{"session_id": key, "customer_id": who, "visit_date": at, "pages_viewed": r.randint(1, 9)} | device]
        if kind == "customer_events":
            what = {"event_type": r.choice(["PAGE_VIEW", "LOGIN", "odd"]), "properties": '{"a": 1}'}
            return [{"event_id": key, "customer_id": who, "occurred_at": at} | what]
        if kind == "campaign_responses":
            what = {"response_type": r.choice(["open", "click", "sent"]), "campaign_id": f"M{r.randint(1, 4)}"}
            return [{"response_id": key, "customer_id": who, "response_date": at} | what]
        if kind == "customer_service":
            return [
                {
                    "interaction_id": key,
                    "customer_id": who,
                    "interaction_date": at,
                    "satisfaction_score": r.randint(1, 5),
                }
            ]
        return [{"redemption_id": key, "promotion_id": "X", "customer_id": who, "redeemed_at": at, "order_id": "O"}]

    # -- building

    def open(self, day: date) -> Build:
        self.runs += 1
        run_id = f"run_{day}_{self.runs}"
        if self.warehouse is None:
            build = open_build(self.settings, run_id, day)
        else:
            build = Build(load_project(ROOT), self.settings, self.warehouse(), RunInfo(run_id, day))
        build.ensure()
        return build

    def run(self, build: Build, *, until: str = "publish") -> None:
        """Write and publish the family's models, layer by layer; `until` write leaves the last layer as candidates."""
        models = self.models(build)
        layers = build.project.graph.layers(models)
        for position, names in enumerate(layers.values(), 1):
            for name in names:
                build.write(name)
            if until == "publish" or position < len(layers):
                build.publish(names)

    def differences(self, build: Build) -> list[str]:
        """Published tables that are not what a full rebuild from raw gives, one sentence each."""
        full = rebuilt(build, self.raw, self.models(build))
        found = []
        for name, wanted in full.items():
            partition = build.project.models[name].spec.partition
            # Big tables want a filter; this one lets every row pass that has a partition, and all have.
            where = f" WHERE {partition.column} > '1900-01-01'" if partition else ""
            have = _rows_of(build.warehouse.query(f"SELECT * FROM {name}{where}"))
            if have != wanted:
                missing, extra = list((wanted - have).elements())[:2], list((have - wanted).elements())[:2]
                found.append(f"{name}: missing {missing}, has instead {extra}")
        return found


def rebuilt(
    build: Build, raw: Mapping[str, Mapping[date, Iterable[Row]]], models: Iterable[TableName]
) -> dict[TableName, Counter[str]]:
    """Each model's rows, made of the raw rows alone."""
    with duckdb.connect(config={"threads": 1}) as connection:
        for statement in SESSION_SETTINGS:
            connection.execute(statement)
        for table, loads in raw.items():
            schema = build.project.contracts[TableName.parse(table)].spec.arrow_schema
            rows = [{"_loaded_date": day} | row for day, rows in loads.items() for row in rows]
            _create(connection, TableName.parse(table), pa.Table.from_pylist(rows, schema=schema))
        found = {}
        for name in models:
            model = build.project.models[name]
            for read in model.references:
                if str(read.name) not in raw and read.name not in found:
                    raise AssertionError(f"{name} reads {read.name}, which is not in this family")
            values = {key: build.parameters[key] for key in model.parameters}
            query = to_duckdb(bind_parameters(model.sql, values), schemas=build.project.schemas, parameters={})
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{name.dataset}"')
            connection.execute(f'CREATE TABLE "{name.dataset}"."{name.table}" AS {query}')
            found[name] = _rows_of(connection.execute(f'FROM "{name.dataset}"."{name.table}"').to_arrow_table())
        return found


def _create(connection: duckdb.DuckDBPyConnection, name: TableName, rows: pa.Table) -> None:
    connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{name.dataset}"')
    connection.register("_rows", rows)
    connection.execute(f'CREATE TABLE "{name.dataset}"."{name.table}" AS FROM _rows')
    connection.unregister("_rows")


def _rows_of(table: pa.Table) -> Counter[str]:
    return Counter(map(repr, table.to_pylist()))


def _once(build: Build, table: str, rows: list[Row]) -> list[Row]:
    """A load holds a key once: contracts refuse repeats. A transaction comes whole, as its last telling."""
    key = build.project.contracts[TableName.parse(table)].key
    whole: dict[Any, list[Row]] = {}
    for row in rows:
        first = row[key[0]] if len(key) == 1 or key[0] == "transaction_id" else tuple(row[k] for k in key)
        first = first.strip() if isinstance(first, str) else first
        told = whole.setdefault(first, [])
        if any(all(row[k] == other[k] for k in key) for other in told) or (told and told[-1][key[0]] != row[key[0]]):
            told.clear()
        told.append(row)
    return [row for told in whole.values() for row in told]
