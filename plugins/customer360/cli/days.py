"""`c360 at` and `c360 diff`: past days of the customer 360, and what changed between two."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from customer360.cli.session import console, session
from customer360.terminal import echo_data

if TYPE_CHECKING:
    from customer360.build import Build
    from customer360.history import Comparison

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.argument("who", required=False)
@click.option("--date", "day", type=_DAY, help="The day D, YYYY-MM-DD. Without it: which days there are.")
@click.option("--format", "format_", type=click.Choice(["text", "csv", "json"]), default="text", show_default=True)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="People shown as text.")
def at(who: str | None, day: datetime | None, format_: str, limit: int) -> None:
    """Read marts.customer_360 as it was published for a past day.

    \b
    c360 at                                             the days that can be read
    c360 at --date 2024-06-01 --format csv > june.csv   everybody, that day
    c360 at --date 2024-06-01 ann@example.com           one person; who they were that day, where they merged since

    What came later is not in it: rows that were loaded after that day, even such about days before it.

    What is shown is PERSONAL DATA. The command only reads.
    """
    from customer360.history import customer_360_at, kept_days

    with session() as build:
        queries = build.settings.home / "sql" / "queries"
        if day is None:
            if who is not None:
                raise click.UsageError("--date says which day is meant")
            for kept in kept_days(build.warehouse, queries):
                click.echo(kept)
            return
        people = [] if who is None else _ids_on(build, queries, who, day.date())
        rows = customer_360_at(build.warehouse, queries, day.date(), people=people).sort_by("customer360_id")
    if format_ == "csv":
        echo_data(rows.to_pandas().to_csv(index=False).rstrip("\n"))
    elif format_ == "json":
        for row in rows.to_pylist():
            echo_data(json.dumps(row, default=str, ensure_ascii=False))
    elif who is not None:
        for row in rows.to_pylist():
            table = Table.grid(padding=(0, 2, 0, 0))
            for name, value in row.items():
                table.add_row(name, _cell(value))
            console.print(table)
    else:
        shown = ("customer360_id", "full_name", "orders_count", "total_revenue", "value_segment", "lifecycle_stage")
        table = Table(*shown, title=f"marts.customer_360 on {day:%Y-%m-%d}")
        for row in rows.slice(0, limit).to_pylist():
            table.add_row(*(_cell(row[name]) for name in shown))
        console.print(table)
        if rows.num_rows > limit:
            console.print(f"{rows.num_rows - limit:,} more; --limit shows more, --format csv all, with every column")


def _ids_on(build: Build, queries: Path, who: str, day: date) -> list[str]:
    """The ids that somebody's source customers had on a day: several, where these are one person only since."""
    from customer360.build.computed import IDENTITY_YAML
    from customer360.customers import Customers
    from customer360.errors import UnknownCustomerError
    from customer360.identity import load_identity_config

    config = load_identity_config(build.settings.home / IDENTITY_YAML)
    customers = Customers(build.warehouse, queries, config)
    ids: set[str] = set()
    for match in customers.find(who).shown:
        then = customers.describe(match.customer360_id, events=0, on=day).then
        ids |= {each.customer360_id_then for each in then.shown if each.customer360_id_then}
    if not ids:
        raise UnknownCustomerError(f"nobody knew {who!r} on {day}")
    return sorted(ids)


@click.command()
@click.option("--from", "from_day", type=_DAY, required=True, help="The earlier day, YYYY-MM-DD.")
@click.option("--to", "to_day", type=_DAY, required=True, help="The later day.")
@click.option("--most", type=click.IntRange(min=1), default=5, show_default=True, help="People named of each kind.")
@click.option("--json", "as_json", is_flag=True, help="All of it, for programs; exact decimals are texts.")
def diff(from_day: datetime, to_day: datetime, most: int, as_json: bool) -> None:
    """Say what changed in marts.customer_360 between two days: people, columns, the biggest movers, segments.

    \b
    c360 diff --from 2024-06-01 --to 2024-06-30
    c360 diff --from 2024-06-29 --to 2024-06-30 --json

    Both days are read as they were published (`c360 at` lists which there are). The command only reads.
    """
    from customer360.history import compare

    with session() as build:
        queries = build.settings.home / "sql" / "queries"
        found = compare(build.warehouse, queries, build.project, from_day.date(), to_day.date(), most=most)
    if as_json:
        click.echo(json.dumps(asdict(found), default=str, ensure_ascii=False, indent=2))
    else:
        _show(found, console)


def _show(found: Comparison, console: Console) -> None:
    console.print(f"[bold]marts.customer_360, {found.from_day} → {found.to_day}[/]")
    console.print(
        f"{found.people_before:,} people → {found.people_after:,}: {found.arrived:,} new, {found.merged:,} merged,"
        f" {found.gone:,} gone. Of those in both, {found.changed:,} changed by more than the days gone by."
    )
    for each in found.arrivals:
        console.print(f"  {each.what}: {each.customer360_id}" + (f" into {each.merged_into}" * bool(each.merged_into)))
    if found.columns:
        table = Table("column", "people", title="Changed columns", title_justify="left")
        for name, people in found.columns.items():
            table.add_row(name, f"{people:,}")
        console.print(table)
    if found.movers:
        table = Table("column", "person", "before", "after", "change", title="Biggest movers", title_justify="left")
        for mover in found.movers:
            values = (f"{mover.before:,.2f}", f"{mover.after:,.2f}", f"{mover.change:+,.2f}")
            table.add_row(mover.column, mover.customer360_id, *values)
        console.print(table)
    for segment in dict.fromkeys(move.segment for move in found.moves):
        console.print(_matrix(found, segment))


def _matrix(found: Comparison, segment: str) -> Table:
    """From which segment (rows) to which (columns) how many people moved."""
    moves = [move for move in found.moves if move.segment == segment]
    targets = sorted({move.after or "none" for move in moves})
    counts = {(move.before or "none", move.after or "none"): move.people for move in moves}
    table = Table("from \\ to", *map(escape, targets), title=f"Moves: {segment}", title_justify="left")
    for source in sorted({source for source, _ in counts}):
        table.add_row(Text(source), *(f"{counts[source, to]:,}" if (source, to) in counts else "" for to in targets))
    return table


def _cell(value: object) -> Text:
    if isinstance(value, list):
        return Text(", ".join(map(str, value)))
    return Text("" if value is None else str(value))
