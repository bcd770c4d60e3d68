"""What a run left behind, for a person to read: tables, data quality, refused rows, figures, and where to go next."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from customer360.orchestration.connections import open_warehouse
from customer360.orchestration.headless import Outcome
from customer360.project import Project, TableName, load_project
from customer360.project.platform import quarantine_spec
from customer360.quality.page import FILE
from customer360.settings import Parameter, Settings, load_settings
from customer360.warehouse import Warehouse

_LATEST_LOADS = """
SELECT table_name, rows_read, rows_loaded, rows_quarantined, cells_quarantined
FROM ops.loads
WHERE loaded_date = @run_date
QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY finished_at DESC, batch_id DESC) = 1
ORDER BY table_name
"""
_LATEST_CHECKS = """
SELECT table_name, description, expectation, severity, success, rows_unexpected, observed
FROM ops.data_quality
WHERE run_id = @run_id AND run_date = @run_date
QUALIFY RANK() OVER (PARTITION BY table_name ORDER BY checked_at DESC) = 1
ORDER BY table_name, description
"""
_NEWER = """
SELECT MAX(run_date) AS run_date
FROM ops.published
HAVING MAX(run_date) > @run_date
"""
_REFUSED = """
SELECT kind, column_name, reason, COUNT(*) AS refused
FROM {table}
WHERE _loaded_date = @run_date
GROUP BY kind, column_name, reason
"""
_REASONS_SHOWN = 15
_CHANGES = """
SELECT table_name, kind, column_name, before, after, action
FROM ops.schema_changes
WHERE run_date = @run_date
ORDER BY table_name, seen_at, kind, column_name
"""


def show(settings: Settings, outcome: Outcome, console: Console) -> None:
    """Print it."""
    project = load_project(settings.home)
    warehouse = open_warehouse(settings, project)
    try:
        console.print()
        console.print(_loads(warehouse, outcome.run_date), "")
        if refused := _refused(project, warehouse, outcome.run_date):
            console.print(refused, "")
        if changed := _changed(warehouse, outcome.run_date):
            console.print(changed, "")
        console.print(_published(project, warehouse))
        for row in _rows(warehouse, _NEWER, run_date=outcome.run_date):
            console.print(
                f"What people read is at {row['run_date']}, later than {outcome.run_date}:"
                " this run replaced nothing there. `c360 demo --fresh` starts empty."
            )
        _quality(warehouse, outcome, console)
        _figures(settings, warehouse, console)
    finally:
        warehouse.close()
    _where(settings, console)


def _rows(warehouse: Warehouse, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    types = {"run_date": "DATE", "run_id": "STRING"}
    named = {name: Parameter(types[name], value) for name, value in parameters.items()}
    found: list[dict[str, Any]] = warehouse.query(sql, parameters=named).to_pylist()
    return found


def _table(title: str, *columns: str, words: Iterable[int] = (0,)) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    words = set(words)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number in words else "right", header_style="dim")
    return table


def _loads(warehouse: Warehouse, run_date: date) -> Table:
    table = _table("Loaded from the sources", "table", "read", "loaded", "rows refused", "cells refused")
    for row in _rows(warehouse, _LATEST_LOADS, run_date=run_date):
        figures = (row["rows_read"], row["rows_loaded"], row["rows_quarantined"], row["cells_quarantined"])
        table.add_row(row["table_name"], *(f"{figure or 0:,}" for figure in figures))
    return table


def _refused(project: Project, warehouse: Warehouse, run_date: date) -> Table | None:
    """The most frequent reasons; all of them are in the quarantine tables."""
    contracts = {quarantine_spec(contract).name: contract for contract in project.contracts.values()}
    filled = [name for name, rows in warehouse.row_counts(contracts).items() if rows]
    found = [
        (row["refused"], str(name), row["kind"], " ".join(filter(None, (row["column_name"], row["reason"]))))
        for name in filled
        for row in _rows(warehouse, _REFUSED.format(table=name), run_date=run_date)
    ]
    found.sort(key=lambda entry: (-entry[0], entry[1:]))
    table = _table("Refused, and why", "count", "table", "what", "reason", words=(1, 2, 3))
    for count, name, kind, reason in found[:_REASONS_SHOWN]:
        table.add_row(f"{count:,}", name, kind, Text(reason))
    if rest := found[_REASONS_SHOWN:]:
        table.add_row(f"{sum(entry[0] for entry in rest):,}", f"for {len(rest)} more reasons", "", "")
    return table if found else None


def _changed(warehouse: Warehouse, run_date: date) -> Table | None:
    """How the sources' columns differ from those of the loads before."""
    rows = _rows(warehouse, _CHANGES, run_date=run_date)
    table = _table("Changes of the sources", "table", "what", "column", "before", "after", "done", words=range(6))
    for row in rows:
        table.add_row(
            row["table_name"],
            row["kind"],
            *(Text(row[key] or "") for key in ("column_name", "before", "after", "action")),
        )
    return table if rows else None


def _published(project: Project, warehouse: Warehouse) -> Table:
    counts = warehouse.row_counts(project.graph.order)
    table = _table("Published", "layer", "tables", "rows per table", words=(0, 2))
    for layer, names in project.graph.layers().items():
        known = [name for name in names if name in counts]
        table.add_row(layer, str(len(names)), ", ".join(f"{name.table} {counts[name]:,}" for name in known))
    return table


def _quality(warehouse: Warehouse, outcome: Outcome, console: Console) -> None:
    rows = _rows(warehouse, _LATEST_CHECKS, run_id=outcome.run_id, run_date=outcome.run_date)
    results = Counter("passed" if r["success"] else "failed" if r["severity"] == "critical" else "warned" for r in rows)
    tables = len({row["table_name"] for row in rows})
    console.print(
        f"\n[bold]Data quality[/bold]  {len(rows)} expectations on {tables} tables, before publishing:"
        f" {results['passed']} passed, {results['warned']} warned, {results['failed']} failed"
    )
    for row in rows:
        if not row["success"]:
            found = f"{row['rows_unexpected']:,} rows" if row["rows_unexpected"] is not None else row["observed"]
            what = f"{row['description'] or row['expectation']} ({found})"
            console.print(f"  {row['severity']}: {row['table_name']}: {escape(what)}")


def _figures(settings: Settings, warehouse: Warehouse, console: Console) -> None:
    if not warehouse.row_counts([TableName("dashboards", "agg_kpis")]):
        return
    sql = (settings.home / "sql" / "queries" / "kpis.sql").read_text(encoding="utf-8")
    table = _table("The figures (dashboards.agg_kpis)", "figure", "now", "before", "change")
    for row in _rows(warehouse, sql):
        now, before = (_figure(row[key], row["format"], settings) for key in ("value", "previous_value"))
        table.add_row(row["title"], now, before, _figure(row["change"], "percent", settings))
    console.print()
    console.print(table)


def _figure(value: Decimal | None, shown_as: str, settings: Settings) -> str:
    if value is None:
        return "–"
    if shown_as == "percent":
        return f"{value:.1%}"
    return f"{value:,.2f} {settings.reporting_currency}" if shown_as == "currency" else f"{value:,.0f}"


def _where(settings: Settings, console: Console) -> None:
    default = load_settings({"C360_HOME": str(settings.home)})
    prefix = "" if settings.sources == default.sources else f"C360_SOURCES={_short(settings.sources)} "
    if settings.data not in (default.data, default.data / settings.sources.name):
        prefix += f"C360_DATA={_short(settings.data)} "
    tables = (
        f"{_short(settings.lake)}   the lake: every table above, Parquet files and a SQLite catalog"
        if settings.warehouse == "local"
        else f"https://console.cloud.google.com/bigquery?project={settings.google_project}   every table above"
    )
    console.print(
        f"""
[bold]Where things are[/bold]
  {tables}
  {_short(settings.data / FILE)}   data quality as a page: expectations and their history, refused rows, freshness
  {_short(settings.data / "logs")}   logs, of Airflow and of every task

[bold]What next[/bold]
  {prefix}.venv/bin/c360 sql "SELECT value_segment, COUNT(*) AS people FROM marts.customer_360 GROUP BY 1"
  {prefix}.venv/bin/c360 up        Airflow's UI on this machine, with this run in it
  docs/                     your own sources, tables and expectations; BigQuery
""",
        highlight=False,
        soft_wrap=True,
    )


def _short(path: Path) -> str:
    """The path as one would type it from here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
