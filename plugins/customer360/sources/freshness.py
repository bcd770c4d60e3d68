"""How old the newest row of a source is at the end of a run date, against what its binding allows."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa

from customer360.errors import StaleSourceError
from customer360.project import Contract
from customer360.project.platform import DATA_QUALITY
from customer360.settings import Parameter
from customer360.sources.bindings import Freshness, TableBinding
from customer360.warehouse.port import RunInfo, Warehouse

log = logging.getLogger(__name__)

# What the row in ops.data_quality is called, among the expectations.
FRESHNESS = "freshness"
# Partitions looked into, so that a check stays cheap on a big table; more where more age is allowed.
_DAYS = 35
_LAST_LOAD = """
SELECT MAX(loaded_date) AS newest
FROM ops.loads
WHERE table_name = @table_name AND loaded_date <= @run_date AND rows_loaded > 0
"""


@dataclass(frozen=True)
class Age:
    """What a check found. `newest`: the newest row before `until`, the end of the run date; None where there is none
    in the days looked at."""

    allowed: Freshness
    newest: datetime | None
    until: datetime

    @property
    def age(self) -> timedelta | None:
        return None if self.newest is None else max(self.until - self.newest, timedelta())

    def is_over(self, limit: timedelta | None) -> bool:
        """Whether it is older than a limit. No row at all is older than any."""
        return limit is not None and (self.age is None or self.age > limit)

    @property
    def fails(self) -> bool:
        return self.is_over(self.allowed.fail_after)

    @property
    def warns(self) -> bool:
        return not self.fails and self.is_over(self.allowed.warn_after)

    def __str__(self) -> str:
        if self.newest is None:
            return f"there is no row in the days before {self.until:%Y-%m-%d}"
        return (
            f"the newest row is of {self.newest:%Y-%m-%d %H:%M} UTC, {_span(self.age)} before the end of the run date"
        )


def check_freshness(binding: TableBinding, contract: Contract, *, run: RunInfo, warehouse: Warehouse) -> Age | None:
    """Look at what is loaded, record it in ops.data_quality; None where the binding asks for nothing.

    A warning is logged. Raises StaleSourceError where the newest row is older than `fail_after`.
    """
    allowed = binding.freshness
    if allowed is None:
        return None
    until = datetime.combine(run.run_date + timedelta(days=1), time(), UTC)
    found = Age(allowed, _newest(binding, contract, run.run_date, until, warehouse), until)
    warehouse.append(DATA_QUALITY, _row(found, contract, run))
    if found.fails:
        raise StaleSourceError(
            f"{contract.name}: {found}, and {_span(allowed.fail_after)} are allowed. What came is loaded;"
            f" find out why {binding.place} stands still, then run this load again"
        )
    if found.warns:
        log.warning("%s: %s; it warns after %s", contract.name, found, _span(allowed.warn_after))
    return found


def _newest(
    binding: TableBinding, contract: Contract, run_date: date, until: datetime, warehouse: Warehouse
) -> datetime | None:
    allowed = binding.freshness
    assert allowed is not None
    column = allowed.column
    if column is None:
        parameters = {
            "table_name": Parameter("STRING", str(contract.name)),
            "run_date": Parameter("DATE", run_date),
        }
        return _end_of(warehouse.query(_LAST_LOAD, parameters=parameters).column("newest")[0].as_py())
    is_date = contract.spec.schema[column] == "DATE"
    longest = max(filter(None, (allowed.warn_after, allowed.fail_after)))
    days = 0 if binding.load.mode == "snapshot" else max(_DAYS, longest.days + 1)
    # What lies after the run date says nothing of it: one wrong clock would hide that nothing comes any more.
    found = warehouse.query(
        f"SELECT MAX({column}) AS newest FROM {contract.name}"
        f" WHERE _loaded_date BETWEEN @from_date AND @run_date AND {column} {'<=' if is_date else '<'} @until",
        parameters={
            "from_date": Parameter("DATE", run_date - timedelta(days=days)),
            "run_date": Parameter("DATE", run_date),
            "until": Parameter("DATE", run_date) if is_date else Parameter("TIMESTAMP", until),
        },
    )
    newest = found.column("newest")[0].as_py()
    return _end_of(newest) if is_date else newest


def _end_of(day: date | None) -> datetime | None:
    """A day is over when the next begins."""
    return None if day is None else datetime.combine(day + timedelta(days=1), time(), UTC)


def _row(found: Age, contract: Contract, run: RunInfo) -> pa.Table:
    allowed = found.allowed
    decides = allowed.warn_after if found.warns or not allowed.fail_after else allowed.fail_after
    observed = {
        "newest": found.newest and found.newest.isoformat(),
        "age_hours": _hours(found.age),
        "warn_after_hours": _hours(allowed.warn_after),
        "fail_after_hours": _hours(allowed.fail_after),
    }
    row = {
        "run_id": run.run_id,
        "run_date": run.run_date,
        "table_name": str(contract.name),
        "expectation": FRESHNESS,
        "column_name": allowed.column,
        "description": "the newest row is as young as the binding asks",
        "severity": "critical" if decides == allowed.fail_after else "warning",
        "success": not (found.fails or found.warns),
        "observed": json.dumps(observed),
        "sample_keys": [],
        "checked_at": datetime.now(UTC),
    }
    return pa.Table.from_pylist([row], schema=DATA_QUALITY.arrow_schema)


def _hours(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds() / 3600, 1)


def _span(span: timedelta | None) -> str:
    """`36 hours`, `2 days`."""
    hours = round((span or timedelta()).total_seconds() / 3600)
    count, unit = (hours // 24, "day") if hours >= 24 and hours % 24 == 0 else (hours, "hour")
    return f"{count:,} {unit}{'' if count == 1 else 's'}"
