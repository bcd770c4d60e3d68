"""Random histories of what sources deliver, and a full rebuild from raw to hold the incremental tables against.

The full rebuild is another engine's: the models' SQL, translated, as CREATE TABLE statements in a DuckDB in memory.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from conftest import ROOT, settings_for

from build.deliveries import START, Delivery, Row, Sources
from customer360.build import Build
from customer360.googlesql.bind import bind_parameters
from customer360.googlesql.session import SESSION_SETTINGS
from customer360.googlesql.to_duckdb import to_duckdb
from customer360.project import Project, TableName, load_project
from customer360.project.platform import LOADS, OPS_TABLES
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo, Warehouse

__all__ = ["FAMILIES", "START", "History", "Row", "rebuilt"]

Raw = Mapping[str, Mapping[date, Iterable[Row]]]
Rows = dict[TableName, Counter[str]]

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


@cache
def project_of(family: str) -> Project:
    """The project, but for what the family has nothing to do with: a history is as short as its tables are few."""
    whole = load_project(ROOT)
    wanted = set(_MODELS[family].split())
    return Project(
        whole.root,
        {name: model for name, model in whole.models.items() if name.table in wanted},
        {name: contract for name, contract in whole.contracts.items() if str(name) in FAMILIES[family]},
    )


@dataclass
class History:
    """A warehouse that is fed and built day by day.

    warehouse: how to open it for a day, if it is not one lake in the folder (of the class `lake`)
    rebuild: gives each model's rows, made of the raw rows alone
    """

    folder: Path
    family: str
    random: Random
    runs: int = 0
    warehouse: Callable[[], Warehouse] | None = None
    lake: type[LocalWarehouse] = LocalWarehouse
    rebuild: Callable[[Build, Raw, Iterable[TableName]], Rows] = lambda *given: rebuilt(*given)

    def __post_init__(self) -> None:
        self.project = project_of(self.family)
        self.sources = Sources(FAMILIES[self.family], self.random)
        bindings = self.folder / "bindings"
        bindings.mkdir()
        for system in sorted({contract.system for contract in self.project.contracts.values()}):
            tables = [c.name.table for c in self.project.contracts.values() if c.system == system]
            bound = "".join(f"  {table}: {{files: /nowhere/*.csv, format: csv, load: snapshot}}\n" for table in tables)
            (bindings / f"{system}.yaml").write_text(f"system: {system}\ntables:\n{bound}")
        self.settings = replace(settings_for(self.folder), sources=bindings)
        schemas = self.project.schemas | {str(spec.name): spec.schema for spec in OPS_TABLES}
        # It opens itself again after a close.
        self._lake = self.lake(self.settings.lake, schemas=schemas, memory_limit="2GB", threads=1)
        self._newest = date.min
        self._expected: Rows = {}

    def models(self, build: Build) -> list[TableName]:
        return list(build.project.graph.order)

    # -- what sources deliver

    def deliver(self, build: Build, table: str, day: date, rows: list[Row]) -> None:
        """A source's rows for a day arrive and are loaded."""
        self.sources.take(delivery := Delivery(table, day, rows))
        self.load(build, delivery)

    def happen(self, build: Build, day: date) -> list[str]:
        """Something random arrives and is loaded; says what."""
        deliveries = self.sources.arrive(day)
        for delivery in deliveries:
            self.load(build, delivery)
        return list(map(str, deliveries))

    def load(self, build: Build, delivery: Delivery) -> None:
        """As `load_table` does: the partition is replaced, and ops.loads says so."""
        table, day, rows = delivery.table, delivery.day, delivery.rows
        spec = build.project.contracts[TableName.parse(table)].spec
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

    # -- building

    def open(self, day: date) -> Build:
        self.runs += 1
        warehouse = self.warehouse() if self.warehouse else self._lake
        build = Build(self.project, self.settings, warehouse, RunInfo(f"run_{day}_{self.runs}", day))
        build.ensure()
        return build

    def tell(self, days: int) -> Build:
        """A story, held against a full rebuild after every run; AssertionError tells it as far as it went. Returns the
        last run."""
        told: list[str] = []
        for step in self.sources.story(days):
            build = replace(self.open(step.day), full=step.full)
            told += map(str, step.deliveries)
            try:
                for delivery in step.deliveries:
                    self.load(build, delivery)
                if step.share < 1:
                    chance = Random(step.share)
                    names = [name for name in self.models(build) if chance.random() < step.share]
                    told.append(f"{step.day}: built are {', '.join(name.table for name in names) or 'no tables'}")
                    self.run(replace(build, selected=frozenset(names)), names)
                    continue
                told.append(f"{step.day} is built{', in full' * step.full}{', and dies' * step.dies}")
                self.run(build, until="write" if step.dies else "publish")
                differences = [] if step.dies else self.differences(build)
            except Exception as error:
                error.add_note("\n".join(told))
                raise
            assert not differences, "\n".join([*told, *differences])
            if step.dies:
                build.warehouse.close()
        build.warehouse.close()
        return build

    def run(self, build: Build, names: Iterable[TableName] | None = None, *, until: str = "publish") -> None:
        """Write and publish these models, or all, layer by layer; `until` write leaves the last layer as candidates."""
        layers = build.project.graph.layers(names)
        for position, layer in enumerate(layers.values(), 1):
            for name in layer:
                build.write(name)
            if until == "publish" or position < len(layers):
                build.publish(layer)

    def differences(self, build: Build) -> list[str]:
        """Published tables that are not what a full rebuild from raw gives, one sentence each. A run of an older day
        than what is published leaves it as it was."""
        if build.run.run_date >= self._newest:
            self._newest = build.run.run_date
            self._expected = self.rebuild(build, self.sources.raw, self.models(build))
        found = []
        for name, wanted in self._expected.items():
            partition = build.project.models[name].spec.partition
            # Big tables want a filter; this one lets every row pass that has a partition, and all have.
            where = f" WHERE {partition.column} > '1900-01-01'" if partition else ""
            have = rows_of(build.warehouse.query(f"SELECT * FROM {name}{where}"))
            if have != wanted:
                missing, extra = list((wanted - have).elements())[:2], list((have - wanted).elements())[:2]
                found.append(f"{name}: missing {missing}, has instead {extra}")
        return found


def rebuilt(build: Build, raw: Raw, models: Iterable[TableName]) -> Rows:
    """Each model's rows, made of the raw rows alone."""
    with duckdb.connect(config={"threads": 1}) as connection:
        for statement in SESSION_SETTINGS:
            connection.execute(statement)
        for name, rows in raw_rows(raw).items():
            _create(
                connection, name, pa.Table.from_pylist(rows, schema=build.project.contracts[name].spec.arrow_schema)
            )
        found: Rows = {}
        for name in models:
            model = build.project.models[name]
            reads = tuple((str(r.name), tuple(build.project.schema(r.name).items())) for r in model.references)
            query = _translated(bind_parameters(model.sql, {p: build.parameters[p] for p in model.parameters}), reads)
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{name.dataset}"')
            connection.execute(f'CREATE TABLE "{name.dataset}"."{name.table}" AS {query}')
            found[name] = rows_of(connection.execute(f'FROM "{name.dataset}"."{name.table}"').to_arrow_table())
        return found


def raw_rows(raw: Raw) -> dict[TableName, list[Row]]:
    """The rows of each raw table, in no order that loads had."""
    return {
        TableName.parse(table): [{"_loaded_date": day} | row for day, rows in sorted(loads.items()) for row in rows]
        for table, loads in raw.items()
    }


def rows_of(table: pa.Table) -> Counter[str]:
    return Counter(map(repr, table.to_pylist()))


@cache
def _translated(sql: str, schemas: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]) -> str:
    """Histories are of the same days, so a model's query is mostly one that was translated before."""
    return to_duckdb(sql, schemas={name: dict(columns) for name, columns in schemas}, parameters={})


def _create(connection: duckdb.DuckDBPyConnection, name: TableName, rows: pa.Table) -> None:
    connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{name.dataset}"')
    connection.register("_rows", rows)
    connection.execute(f'CREATE TABLE "{name.dataset}"."{name.table}" AS FROM _rows')
    connection.unregister("_rows")
