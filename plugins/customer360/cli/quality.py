"""`c360 quality`: the page that shows a day's data quality."""

from __future__ import annotations

import os
from datetime import datetime

import click

from customer360.cli.session import console, run_date_option, session


@click.command()
@run_date_option
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
def quality(run_date: datetime | None, opened: bool) -> None:
    """Write the page of one day's data quality: expectations with their history, refused rows by reason, freshness of
    sources, unusual row counts.

    \b
    c360 quality                      the date in the sources' example.yaml, else yesterday
    c360 quality --date 2024-06-30 --open

    One HTML file without scripts, reports/quality.html in the data folder. The daily Dag writes it at its end.
    """
    from customer360.quality.history import look
    from customer360.quality.page import write_page

    with session(run_date and run_date.date()) as build:
        seen = look(build.project, build.warehouse, build.run)
        file = write_page(
            seen, build.settings.data, engine=build.warehouse.engine, code_version=build.settings.code_version
        )
    stale = len(seen.stale)
    failed = sum(check.state == "failed" for check in seen.troubles)
    console.print(
        f"{os.path.relpath(file)}: {seen.run_date}, {len(seen.checks):,} expectations, {failed} failed,"
        f" {len(seen.troubles) - failed} warned, {stale} stale source{'' if stale == 1 else 's'}",
        soft_wrap=True,
        highlight=False,
    )
    if opened:
        click.launch(file.as_uri())
