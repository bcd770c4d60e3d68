"""`c360 test`, `sql` and `status`: looking at models and at the warehouse."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import click
import pyarrow as pa
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from customer360.build import Build
from customer360.cli.session import console, session
from customer360.errors import SettingsError
from customer360.project import TableName, load_project
from customer360.project.platform import DATA_QUALITY, LOADS, PUBLISHED
from customer360.settings import load_settings
from customer360.terminal import echo_data
from customer360.warehouse import Warehouse


@click.command()
@click.argument("selectors", nargs=-1)
def test(selectors: tuple[str, ...]) -> None:
    """Run the given/expect cases of models, on DuckDB and on Google's reference implementation of GoogleSQL.

    \b
    c360 test                        every model
    c360 test core.fct_orders        one
    c360 test +marts.customer_360    one and all it is built from
    """
    settings = load_settings()
    names = load_project(settings.home).graph.select(selectors)
    if missing := [package for package in ("pytest", "zetasql") if importlib.util.find_spec(package) is None]:
        raise SettingsError(f"c360 test needs {' and '.join(missing)}: install the dev dependencies (uv sync)")
    chosen = [] if not selectors else ["-k", " or ".join(f"{name.dataset}.{name.table}-" for name in names)]
    command = [sys.executable, "-m", "pytest", "-q", "tests/test_sql_cases.py", *chosen]
    sys.exit(subprocess.run(command, cwd=settings.home, check=False).returncode)


@click.command()
@click.argument("query")
@click.option("--as-of", metavar="RUN_ID|TIME", help="Read what a run published, or what stood at a UTC time.")
@click.option("--format", "format_", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Rows shown as a table; csv and json give all.",
)
def sql(query: str, as_of: str | None, format_: str, limit: int) -> None:
    """Ask the configured warehouse a GoogleSQL question. Reads only; @run_date is the date in the
    sources' example.yaml, else yesterday.

    \b
    c360 sql "SELECT kpi, value FROM dashboards.agg_kpis"
    c360 sql "SELECT * FROM quarantine.crm__customer_info" --format csv
    c360 sql "SELECT COUNT(*) AS people FROM marts.customer_360" --as-of 2024-07-01T06:00:00+00:00
    """
    with session() as build:
        parameters = build.parameters if "@" in query else None
        rows = build.warehouse.query(query, parameters=parameters, as_of=_moment(as_of))
    if format_ == "json":
        for row in rows.to_pylist():
            echo_data(json.dumps(row, default=str, ensure_ascii=False))
    elif format_ == "csv":
        echo_data(rows.to_pandas().to_csv(index=False).rstrip("\n"))
    else:
        console.print(_table(rows.slice(0, limit)))
        if rows.num_rows > limit:
            console.print(f"{rows.num_rows - limit:,} more rows; --limit shows more, --format csv all")


def _moment(as_of: str | None) -> str | datetime | None:
    try:
        moment = datetime.fromisoformat(as_of or "")
    except ValueError:
        return as_of
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command()
def status() -> None:
    """Tables with their rows and run date, the last loads, refused rows, and what the last audits found."""
    with session() as build:
        console.print(_published(build))
        _maybe(build.warehouse, LOADS.name, "Last loads", _LAST_LOADS)
        _maybe(build.warehouse, DATA_QUALITY.name, "Expectations of the last run that did not hold", _FAILED)


_LAST_LOADS = (
    "SELECT table_name, loaded_date, mode, rows_read, rows_loaded, rows_quarantined, cells_quarantined FROM ops.loads"
    " QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY finished_at DESC, batch_id DESC) = 1"
    " ORDER BY table_name"
)
_FAILED = (
    "SELECT table_name, severity, expectation, column_name, rows_unexpected, description FROM ops.data_quality"
    " WHERE NOT success AND run_id IN (SELECT ANY_VALUE(run_id HAVING MAX checked_at) FROM ops.data_quality)"
    " ORDER BY severity, table_name, expectation"
)
_CURRENT = (
    "SELECT table_name, run_date, row_count FROM ops.published"
    " QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY published_at DESC, run_id DESC) = 1"
)


def _published(build: Build) -> Table:
    current: dict[str, dict[str, Any]] = {}
    if build.warehouse.columns(PUBLISHED.name) is not None:
        current = {row["table_name"]: row for row in build.warehouse.query(_CURRENT).to_pylist()}
    shown = Table("table", "run date", "rows", title="Published")
    for layer in build.project.graph.layers().values():
        for name in layer:
            row = current.get(str(name))
            if row:
                shown.add_row(str(name), str(row["run_date"]), f"{row['row_count']:,}")
            elif build.project.models[name].materialized == "table":
                shown.add_row(str(name), "never", "")
        shown.add_section()
    return shown


def _maybe(warehouse: Warehouse, name: TableName, title: str, query: str) -> None:
    if warehouse.columns(name) is None:
        console.print(f"{title}: none yet")
        return
    rows = warehouse.query(query)
    console.print(_table(rows, title) if rows.num_rows else f"{title}: none")


def _table(rows: pa.Table, title: str | None = None) -> Table:
    shown = Table(*map(escape, rows.column_names), title=title)
    for row in rows.to_pylist():
        shown.add_row(*(_cell(value) for value in row.values()))
    return shown


def _cell(value: Any) -> Text:
    if value is None:
        return Text("NULL", "dim")
    if isinstance(value, int) and not isinstance(value, bool):
        return Text(f"{value:,}")
    if isinstance(value, (list, dict)):
        return Text(json.dumps(value, default=str, ensure_ascii=False))
    return Text(str(value))
