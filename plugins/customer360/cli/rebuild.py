"""`c360 rebuild`: many days in one pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import click

from customer360.cli.pipeline import build_layers, load_tables
from customer360.cli.session import console, session

if TYPE_CHECKING:
    from customer360.build import Build

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.option("--from", "first", type=_DAY, required=True, help="First day to load.")
@click.option("--to", "last", type=_DAY, required=True, help="Last day; the tables are built as of it.")
@click.option("--reload", is_flag=True, help="Load days again that were loaded before.")
@click.option("--audit/--no-audit", "audited", default=True, help="Run expectations before publishing (default).")
def rebuild(first: datetime, last: datetime, reload: bool, audited: bool) -> None:
    """Load the days that are missing, in order, and build every table once, whole, as of the last day.

    The tables are those that a run of each day would have left. Only what depends on the days before is carried on from
    day to day: who is who with its ids, and the fits that scores are made from. marts.customer_360_history and _daily
    hold what was published, so of the days in between they hold nothing. For a first load of many days, or after a
    change of what raw tables hold. It can be stopped and started again.

    \b
    c360 rebuild --from 2024-05-01 --to 2024-06-30
    """
    from customer360.build.published import Published
    from customer360.sources import load_bindings, loaded_days

    if last < first:
        raise click.UsageError(f"--to {last:%Y-%m-%d} is before --from {first:%Y-%m-%d}")
    with session(last.date()) as build:
        build.ensure()
        names = build.project.graph.order
        if newer := Published(build.warehouse, build.run).newer(names):
            raise click.UsageError(f"{newer[0]} is at a newer day than {last:%Y-%m-%d}: rebuild up to that day")
        bindings = [
            binding
            for system in load_bindings(build.settings.sources, build.project).values()
            for binding in system.tables.values()
        ]
        loaded = {} if reload else loaded_days(build.warehouse)
        for day in _days(first.date(), last.date()):
            run = replace(build.run, run_date=day)
            missing = [binding for binding in bindings if day not in loaded.get(str(binding.contract), ())]
            if missing:
                console.print(load_tables(replace(build, run=run), missing))
            else:
                console.print(f"{day}: loaded before")
            if day < last.date():
                _carry_on(replace(build, run=run), audited=audited)
        build_layers(replace(build, full=True), names, audited=audited)


def _carry_on(build: Build, *, audited: bool) -> None:
    """Build what the days after need to have been built on this one, unless it was."""
    from customer360.build.computed import remembering
    from customer360.build.published import Published

    names = remembering(build.project, build.warehouse, build.run)
    state = Published(build.warehouse, build.run).state()
    tables = [str(name) for name in names if build.project.models[name].materialized == "table"]
    if any(name not in state or state[name].run_date < build.run.run_date for name in tables):
        build_layers(replace(build, selected=frozenset(names)), names, audited=audited)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
