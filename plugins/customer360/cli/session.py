"""What most commands need: settings, project, warehouse and a run."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import click

from customer360.build import Build
from customer360.project import load_project
from customer360.terminal import SafeConsole
from customer360.warehouse.port import RunInfo

# Into a pipe or a file, tables are not cut to the width of a terminal that is not there.
console = SafeConsole(width=None if sys.stdout.isatty() else 200)
run_date_option = click.option(
    "--date",
    "run_date",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="Run date D, YYYY-MM-DD. Default: the date in the sources' example.yaml, else yesterday (UTC).",
)

select_option = click.option(
    "-s", "--select", "selectors", multiple=True, metavar="MODEL",
    help="A model, a dataset, +model (and all it reads) or model+ (and all that reads it). Repeatable.",
)  # fmt: skip


@contextmanager
def session(run_date: date | None = None) -> Iterator[Build]:
    """Settings, the project, and the open warehouse, closed at the end."""
    from customer360.orchestration.connections import open_warehouse
    from customer360.orchestration.example import settings_of

    settings, example = settings_of()
    project = load_project(settings.home)
    warehouse = open_warehouse(settings, project)
    now = datetime.now(UTC)
    day = run_date or example.run_date or (now - timedelta(days=1)).date()
    run = RunInfo(
        f"manual__{now:%Y-%m-%dT%H:%M:%S.%f}",
        day,
        dag_id="c360",
        run_by=_user(),
        run_type="command line",
        code_version=settings.code_version,
    )
    try:
        yield Build(project, settings, warehouse, run)
    finally:
        warehouse.close()


def _user() -> str | None:
    """Who sits here, as the operating system knows them; None in a container without names."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None
