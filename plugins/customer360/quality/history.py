"""What the last days' audits, loads and publishes say, as of one day: all from the platform's own tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from customer360.project import Project, TableName
from customer360.project.platform import DATA_QUALITY, LOADS, PUBLISHED, quarantine_spec
from customer360.quality.row_counts import RUNS, bands
from customer360.settings import Parameter
from customer360.warehouse import Warehouse
from customer360.warehouse.port import RunInfo

FRESHNESS = "freshness"  # as sources.freshness writes it

# Of each table and day its latest audit, for the last days that have any.
_AUDITS = """
WITH audits AS (
  SELECT *
  FROM ops.data_quality
  WHERE run_date <= @run_date
  QUALIFY RANK() OVER (PARTITION BY table_name, run_date, expectation = 'freshness' ORDER BY checked_at DESC) = 1
),
recent AS (
  SELECT * FROM audits QUALIFY DENSE_RANK() OVER (ORDER BY run_date DESC) <= @runs
)
"""
_CHECKS = (
    _AUDITS
    + """,
held AS (
  SELECT
    table_name, expectation, column_name, description,
    STRING_AGG(IF(success, '1', '0'), '' ORDER BY run_date) AS history
  FROM recent
  GROUP BY table_name, expectation, column_name, description
)
SELECT
  recent.table_name, recent.expectation, recent.column_name, recent.description, recent.severity, recent.success,
  recent.rows_checked, recent.rows_unexpected, recent.observed, recent.sample_keys, recent.run_id, held.history
FROM recent
INNER JOIN held
  ON
    recent.table_name = held.table_name
    AND recent.expectation = held.expectation
    AND IFNULL(recent.column_name, '') = IFNULL(held.column_name, '')
    AND IFNULL(recent.description, '') = IFNULL(held.description, '')
WHERE recent.run_date = @run_date
ORDER BY recent.table_name, recent.success, recent.severity, recent.description
"""
)
_RATES = (
    _AUDITS
    + """
SELECT table_name, run_date, COUNTIF(success) / COUNT(*) AS value
FROM recent
WHERE expectation != 'freshness'
GROUP BY table_name, run_date
ORDER BY table_name, run_date
"""
)
_ROWS = """
WITH days AS (
  SELECT table_name, run_date, row_count
  FROM ops.published
  WHERE run_date <= @run_date
  QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name, run_date ORDER BY published_at DESC, run_id DESC) = 1
)
SELECT table_name, run_date, row_count AS value
FROM days
QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY run_date DESC) <= @runs
ORDER BY table_name, run_date
"""
_LOADS = """
WITH days AS (
  SELECT table_name, loaded_date, mode, rows_read, rows_loaded, rows_quarantined, cells_quarantined, drift
  FROM ops.loads
  WHERE loaded_date <= @run_date
  QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name, loaded_date ORDER BY finished_at DESC, batch_id DESC) = 1
)
SELECT table_name, loaded_date AS run_date, mode, rows_read, rows_loaded, rows_quarantined, cells_quarantined, drift
FROM days
QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY loaded_date DESC) <= @runs
ORDER BY table_name, loaded_date
"""
_REFUSED = """
SELECT '{table}' AS table_name, kind, column_name, reason, COUNT(*) AS refused
FROM {table}
WHERE _loaded_date = @run_date
GROUP BY kind, column_name, reason
"""

Points = tuple[tuple[date, float], ...]


@dataclass(frozen=True)
class Check:
    """One expectation at the day's latest audit. `history`: whether it held, oldest day first."""

    table: str
    expectation: str
    column: str | None
    description: str
    severity: str
    success: bool
    rows_checked: int | None
    rows_unexpected: int | None
    observed: Any
    sample_keys: tuple[str, ...]
    history: tuple[bool, ...]

    @property
    def state(self) -> str:
        """passed, warned or failed."""
        return "passed" if self.success else "failed" if self.severity == "critical" else "warned"


@dataclass(frozen=True)
class Source:
    """A source table as of the day: its loads by date (oldest first) and, where its binding asks, its freshness."""

    table: str
    loads: tuple[Mapping[str, Any], ...]
    freshness: Check | None = None

    @property
    def last(self) -> Mapping[str, Any] | None:
        return self.loads[-1] if self.loads else None


@dataclass(frozen=True)
class Built:
    """A model's table as of the day: the day it is at, rows per day, share of expectations that held per day, the band
    of row counts (low, high) where there is one, and the day's checks."""

    table: str
    layer: str
    day: date | None
    rows: Points
    rates: Points
    band: tuple[float, float] | None
    checks: tuple[Check, ...] = ()

    def count(self, state: str) -> int:
        return sum(check.state == state for check in self.checks)


@dataclass(frozen=True)
class Quality:
    """Everything there is to see of one day."""

    run_date: date
    run_ids: tuple[str, ...]
    sources: tuple[Source, ...]
    tables: tuple[Built, ...]
    refused: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def checks(self) -> tuple[Check, ...]:
        """Of all tables, without the sources' freshness."""
        return tuple(check for table in self.tables for check in table.checks)

    @property
    def troubles(self) -> tuple[Check, ...]:
        """What did not hold, critical first."""
        fresh = (source.freshness for source in self.sources if source.freshness)
        return tuple(sorted((c for c in (*self.checks, *fresh) if not c.success), key=lambda c: (c.state, c.table)))

    @property
    def stale(self) -> tuple[Source, ...]:
        return tuple(source for source in self.sources if source.freshness and not source.freshness.success)

    @property
    def behind(self) -> tuple[Built, ...]:
        """Tables that are not at the day."""
        return tuple(table for table in self.tables if table.day != self.run_date)


def look(project: Project, warehouse: Warehouse, run: RunInfo) -> Quality:
    """What is known of the run's date. Tables that do not exist yet count as empty: a page can be made of any state."""
    ask = _asker(warehouse, run.run_date)
    found = ask(DATA_QUALITY.name, _CHECKS)
    by_table: defaultdict[str, list[Check]] = defaultdict(list)
    fresh: dict[str, Check] = {}
    for check in map(_check, found):
        if check.expectation == FRESHNESS:
            fresh[check.table] = check
        else:
            by_table[check.table].append(check)
    loads = _grouped(ask(LOADS.name, _LOADS))
    rows, rates = _points(ask(PUBLISHED.name, _ROWS)), _points(ask(DATA_QUALITY.name, _RATES))
    reach = bands(warehouse, run) if rows else {}
    return Quality(
        run.run_date,
        tuple(sorted({row["run_id"] for row in found})),
        sources=tuple(
            Source(name, tuple(loads.get(name, ())), fresh.get(name)) for name in sorted(map(str, project.contracts))
        ),
        tables=tuple(
            Built(
                table=str(name),
                layer=layer,
                day=rows[str(name)][-1][0] if str(name) in rows else None,
                rows=rows.get(str(name), ()),
                rates=rates.get(str(name), ()),
                band=(reach[str(name)]["low"], reach[str(name)]["high"]) if str(name) in reach else None,
                checks=tuple(by_table[str(name)]),
            )
            for layer, names in project.graph.layers().items()
            for name in names
            if project.models[name].materialized == "table"
        ),
        refused=tuple(_refused(project, warehouse, ask)),
    )


def _asker(warehouse: Warehouse, run_date: date) -> Callable[[TableName, str], list[dict[str, Any]]]:
    """Asks a question that reads a table, with no answer where the table is not there yet."""
    values = {"run_date": Parameter("DATE", run_date), "runs": Parameter("INT64", RUNS)}

    def ask(table: TableName, sql: str) -> list[dict[str, Any]]:
        if warehouse.columns(table) is None:
            return []
        named = {name: value for name, value in values.items() if f"@{name}" in sql}
        found: list[dict[str, Any]] = warehouse.query(sql, parameters=named).to_pylist()
        return found

    return ask


def _check(row: Mapping[str, Any]) -> Check:
    return Check(
        table=row["table_name"],
        expectation=row["expectation"],
        column=row["column_name"],
        description=row["description"] or "",
        severity=row["severity"],
        success=row["success"],
        rows_checked=row["rows_checked"],
        rows_unexpected=row["rows_unexpected"],
        observed=_json(row["observed"]),
        sample_keys=tuple(row["sample_keys"] or ()),
        history=tuple(each == "1" for each in row["history"]),
    )


def _json(text: str | None) -> Any:
    """Observed values were cut at some length: what is no longer JSON is shown as text."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def _grouped(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["table_name"]].append(row)
    return dict(found)


def _points(rows: Sequence[dict[str, Any]]) -> dict[str, Points]:
    return {
        name: tuple((row["run_date"], float(row["value"] or 0)) for row in found)
        for name, found in _grouped(rows).items()
    }


def _refused(
    project: Project, warehouse: Warehouse, ask: Callable[[TableName, str], list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """The day's refusals by reason, commonest first, in one question over the quarantine tables that hold any row."""
    names = [quarantine_spec(contract).name for contract in project.contracts.values()]
    filled = sorted(name for name, rows in warehouse.row_counts(names).items() if rows)
    if not filled:
        return []
    found = ask(filled[0], "UNION ALL".join(_REFUSED.format(table=name) for name in filled))
    return sorted(found, key=lambda row: (-row["refused"], row["table_name"], row["column_name"] or "", row["reason"]))
