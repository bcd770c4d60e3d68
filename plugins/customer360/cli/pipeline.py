"""`c360 load` and `run`: the pipeline without Airflow, for development."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import click
from rich.table import Table

from customer360.cli.session import console, run_date_option, select_option, session

if TYPE_CHECKING:
    from customer360.build import Build
    from customer360.project import TableName
    from customer360.sources.bindings import TableBinding


@click.command()
@click.argument("tables", nargs=-1)
@run_date_option
def load(tables: tuple[str, ...], run_date: datetime | None) -> None:
    """Load sources into raw tables for one logical date, replacing that day's partitions.

    \b
    c360 load --date 2024-06-30                    everything the bindings name
    c360 load crm --date 2024-06-30                one system
    c360 load crm.customer_info --date 2024-06-30  one table

    Refused rows go to quarantine.<system>__<table> with the reason; nothing is dropped.
    """
    from customer360.sources import load_bindings

    with session(run_date and run_date.date()) as build:
        bindings = load_bindings(build.settings.sources, build.project)
        chosen = [
            binding
            for system in bindings.values()
            for binding in system.tables.values()
            if not tables or {system.system, f"{system.system}.{binding.contract.table}"} & set(tables)
        ]
        if not chosen:
            raise click.UsageError(f"no binding matches {', '.join(tables)}; bound systems: {', '.join(bindings)}")
        build.ensure()
        console.print(load_tables(build, chosen))


def load_tables(build: Build, chosen: Iterable[TableBinding]) -> Table:
    """Load these tables for the run's date; what was read, loaded and refused, to be shown."""
    from customer360.orchestration.connections import airflow_connection, open_landing, open_storage
    from customer360.sources import check_freshness, load_table

    landing = open_landing(build.settings)
    shown = Table(
        "table", "mode", "read", "loaded", "refused", "cells", "seconds", title=f"Loaded {build.run.run_date}"
    )
    for binding in chosen:
        contract = build.project.contracts[binding.contract]
        result = load_table(
            binding, contract, run=build.run, warehouse=build.warehouse, settings=build.settings,
            connections=airflow_connection, landing=landing, buckets=partial(open_storage, build.settings),
        )  # fmt: skip
        shown.add_row(
            str(contract.name), result.mode, f"{result.rows_read:,}", f"{result.rows_loaded:,}",
            f"{result.rows_quarantined:,}", f"{result.cells_quarantined:,}", f"{result.seconds:.1f}",
        )  # fmt: skip
        check_freshness(binding, contract, run=build.run, warehouse=build.warehouse)
    return shown


@click.command()
@select_option
@run_date_option
@click.option("--audit/--no-audit", "audited", default=True, help="Run expectations before publishing (default).")
@click.option("--full", is_flag=True, help="Rebuild incremental tables whole, whatever has changed.")
def run(selectors: tuple[str, ...], run_date: datetime | None, audited: bool, full: bool) -> None:
    """Build models without Airflow: write candidates, audit them, publish, layer by layer.

    \b
    c360 run --date 2024-06-30
    c360 run --date 2024-06-30 -s staging           one layer
    c360 run --date 2024-06-30 -s core.fct_orders+  a model and all that reads it
    c360 run --date 2024-06-30 --full               everything from raw, nothing incremental
    """
    with session(run_date and run_date.date()) as opened:
        chosen = opened.project.graph.select(selectors)
        build = replace(opened, selected=frozenset(chosen), full=full)
        build.ensure()
        build_layers(build, chosen, audited=audited)


def build_layers(build: Build, chosen: Sequence[TableName], *, audited: bool = True) -> None:
    """Write, audit and publish these models, layer by layer, and say so."""
    started = time.monotonic()
    spent = {"write": 0.0, "audit": 0.0, "publish": 0.0}
    layers = build.project.graph.layers(chosen)
    for layer, names in layers.items():
        with console.status(f"{layer}") as status:
            begun = time.monotonic()
            for name in build.project.graph.steps(names):
                status.update(f"{layer}: writing {build.project.models[name].built_by or name.table}")
                build.write(name)
            written = time.monotonic()
            notes = "not audited"
            if audited:
                status.update(f"{layer}: audit")
                report = build.audit(names)
                notes = f"{len(report.results)} expectations, {len(report.warnings)} warnings"
            checked = time.monotonic()
            status.update(f"{layer}: publish")
            published = build.publish(names)
            done = time.monotonic()
        spent["write"] += written - begun
        spent["audit"] += checked - written
        spent["publish"] += done - checked
        what = f"{len(published)} published" if published else "not published (a newer day is)"
        console.print(f"[green]✓[/] {layer}: {what}, {notes}, {done - begun:.1f} s")
    parts = ", ".join(f"{key} {seconds:.1f} s" for key, seconds in spent.items())
    console.print(f"{time.monotonic() - started:.1f} s in all: {parts}")
