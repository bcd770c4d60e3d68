"""`c360 quarantine`: what loads refused, why, and judging it again once the reason is gone."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.table import Table

from customer360.build import Build
from customer360.cli.session import console, session
from customer360.errors import SettingsError

if TYPE_CHECKING:
    import pyarrow as pa

    from customer360.project import Contract
    from customer360.sources.replay import Replayed

_FORMATS = (".csv", ".ndjson", ".parquet")
_day = click.option("--date", "day", type=click.DateTime(formats=["%Y-%m-%d"]), help="Only this logical date.")
_reason = click.option("--reason", default="", metavar="TEXT", help="Only where reason or column contains this.")


@click.group()
def quarantine() -> None:
    """Refused rows and cells: look at them, take them out, and judge them again.

    \b
    c360 quarantine list                                 which tables, how much, and why
    c360 quarantine show crm.customer_info               each row: what is wrong, and what would be right
    c360 quarantine export crm.customer_info --to refused.csv
    c360 quarantine replay crm.customer_info --date 2024-06-30

    `replay` is for a contract or binding that was too strict or wrong: mend it, then replay. Where the source was
    wrong, have it mended and load the date again: that replaces raw and quarantine of the date.
    """


@quarantine.command("list")
def list_() -> None:
    """Every table with refused rows or cells: how many, from how many loads, the latest date, the usual reasons.

    Rows were not loaded; cells are optional values that were, as NULL.
    """
    from customer360.sources.quarantine import overview

    with session() as build:
        found = overview(build.project.contracts.values(), build.warehouse)
    if not found:
        console.print("Nothing is in quarantine.")
        return
    shown = Table("table", "rows", "cells", "loads", "latest date", "usual reasons", title="In quarantine")
    for each in found:
        name = f"{each.contract.system}.{each.contract.name.table}"
        reasons = "\n".join(f"{n:,} × {escape(reason)}" for reason, n in each.reasons)
        shown.add_row(name, f"{each.rows:,}", f"{each.cells:,}", f"{each.loads:,}", str(each.latest), reasons)
    console.print(shown)


@quarantine.command()
@click.argument("table")
@_day
@_reason
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, latest date first.")
def show(table: str, day: datetime | None, reason: str, limit: int) -> None:
    """Refused rows and cells of a table, each with what is wrong, where it is, and what the contract would take.

    \b
    c360 quarantine show crm.customer_info --reason "key is missing"
    c360 quarantine show commerce.purchase_transactions --date 2024-06-30 --limit 5
    """
    from customer360.sources.quarantine import entries, right

    with _opened(table) as (build, contract):
        found = entries(contract, build.warehouse, day=day and day.date(), reason=reason, limit=limit + 1).to_pylist()
    if not found:
        console.print("Nothing like that is in quarantine.")
    for entry in found[:limit]:
        where = f"line {entry['line']} of {entry['_source']}" if entry["line"] is not None else entry["_source"]
        what = "row was not loaded" if entry["kind"] == "row" else "row was loaded, this value as NULL"
        lines = [f"[bold]{escape(' '.join(filter(None, (entry['column_name'], entry['reason']))))}[/]  ({what})"]
        lines.append(f"  where  {escape(where)}, loaded for {entry['_loaded_date']}")
        if entry["value"] is not None:
            lines.append(f"  value  {escape(repr(entry['value']))}")
        lines.append(f"  right  {escape(right(contract, entry))}")
        if entry["key"]:
            lines.append(f"  key    {escape(entry['key'])}")
        lines.append(f"  raw    {escape(_short(entry['raw'] or ''))}")
        console.print("\n".join(lines), highlight=False, soft_wrap=True)
    if len(found) > limit:
        console.print(f"There are more; --limit shows more than {limit}, `c360 quarantine export` all.")


@quarantine.command()
@click.argument("table")
@click.option("--to", "file", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write.")
@_day
@_reason
def export(table: str, file: Path, day: datetime | None, reason: str) -> None:
    """Write refused rows and cells to a file, as they arrived (column `raw`), with reason, line and source.

    The extension says the format: .csv, .ndjson or .parquet. In a .csv, which may be opened in a spreadsheet, a text
    that one would take for a formula (it begins with = + - or @ and is no number) begins with ' instead; the other two
    hold exactly what the source sent. Personal data: mind where the file goes.

    \b
    c360 quarantine export crm.customer_info --to refused.csv --date 2024-06-30
    """
    from customer360.sources.quarantine import entries

    if file.suffix not in _FORMATS:
        raise SettingsError(f"{file} ends in {file.suffix or 'nothing'}: expected {', '.join(_FORMATS)}")
    with _opened(table) as (build, contract):
        found = entries(contract, build.warehouse, day=day and day.date(), reason=reason)
    _write(found, file)
    console.print(f"{found.num_rows:,} refused rows and cells of {contract.name} are in {file}")


@quarantine.command()
@click.argument("table")
@_day
def replay(table: str, day: datetime | None) -> None:
    """Judge refused rows again, under the contract and the binding as they are today; without --date, of every date.

    What passes is loaded into its date's raw partition and leaves the quarantine, the rest stays with its reason of
    today; a refused cell that passes gets its value. Doing it again changes nothing. A broken line of a CSV stays: no
    contract reads it. Where a row depends on others (numbered lines, `distinct`), load the date again instead.

    \b
    c360 quarantine replay crm.customer_info --date 2024-06-30
    """
    from customer360.sources import load_bindings
    from customer360.sources.quarantine import loaded_dates
    from customer360.sources.replay import replay as judge_again

    with _opened(table) as (build, contract):
        systems = load_bindings(build.settings.sources, build.project)
        binding = systems[contract.system].tables.get(contract.name.table) if contract.system in systems else None
        if binding is None:
            raise SettingsError(f"no binding in {build.settings.sources} says where {contract.name} comes from")
        days = [day.date()] if day else loaded_dates(contract, build.warehouse)
        done = [
            judge_again(
                binding, contract, run=replace(build.run, run_date=each), warehouse=build.warehouse,
                settings=build.settings,
            )
            for each in days
        ]  # fmt: skip
        if not done:
            console.print("Nothing is in quarantine.")
            return
        console.print(_replayed(done))
        if changed := [each.run_date for each in done if each.loaded or each.mended]:
            console.print(_what_next(build, contract, min(changed)), highlight=False, soft_wrap=True)


def _replayed(done: list[Replayed]) -> Table:
    shown = Table("date", "judged", "loaded", "cells mended in", "rows left", "broken lines of them", "cells left")
    shown.title = f"Replayed {done[0].table}"
    for each in done:
        figures = (each.judged, each.loaded, each.mended, each.refused, each.unreadable, each.cells)
        shown.add_row(str(each.run_date), *(f"{figure:,}" for figure in figures))
    return shown


def _what_next(build: Build, contract: Contract, first: date) -> str:
    """The commands that carry changed raw rows on. Whatever ran on or after `first` has not seen them."""
    readers = [
        name
        for name in build.project.graph.order
        if any(reference.name == contract.name for reference in build.project.models[name].references)
    ]
    selected = " ".join(f"-s {name}+" for name in readers)
    tasks = "|".join(f"{name.dataset}.write_{build.project.models[name].built_by or name.table}" for name in readers)
    regex = shlex.quote(f"^({tasks})$")
    return (
        "Tables made from it have not seen the rows yet. For the last date that was built:\n"
        f"  c360 run --date D {selected}\n"
        "or in Airflow, from the first replayed date on:\n"
        f"  c360 airflow tasks clear customer_360_daily --task-regex {regex} --downstream --start-date {first}"
    )


@contextmanager
def _opened(table: str) -> Iterator[tuple[Build, Contract]]:
    from customer360.sources.quarantine import contract_named

    with session() as build:
        yield build, contract_named(build.project, table)


def _short(raw: str, width: int = 500) -> str:
    return raw if len(raw) <= width else f"{raw[:width]}… ({len(raw):,} characters)"


def _write(found: pa.Table, file: Path) -> None:
    from customer360.warehouse.duckdb_session import confine, connect
    from customer360.warehouse.duckdb_text import literal

    values = ", ".join(map(_harmless, found.schema)) if file.suffix == ".csv" else "*"
    form = {".csv": "FORMAT csv, HEADER", ".ndjson": "FORMAT json", ".parquet": "FORMAT parquet"}[file.suffix]
    with connect() as connection:
        connection.register("found", found)
        confine(connection, files=[file])
        connection.execute(f"COPY (SELECT {values} FROM found) TO {literal(str(file))} ({form})")


def _harmless(column: pa.Field) -> str:
    """SQL of a column such as no spreadsheet computes."""
    from customer360.warehouse.duckdb_text import identifier, literal

    name, quote = identifier(column.name), literal("'")
    if str(column.type) not in ("string", "large_string"):
        return name
    formula = rf"regexp_matches({name}, '^[=+@\t\r-]') AND TRY_CAST({name} AS DOUBLE) IS NULL"
    return f"CASE WHEN {formula} THEN {quote} || {name} ELSE {name} END AS {name}"
