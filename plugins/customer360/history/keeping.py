"""Keeping a day: what `marts.customer_360` says is written into the day's partition of the two history tables.

A day that is run again replaces its own partitions. Where later days are kept already, the next one of them is made to
stand by itself first: what any later day reads is then no longer in the partition that is replaced.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from customer360.errors import WarehouseError
from customer360.history.tables import (
    DAYS,
    KEPT,
    PERSON,
    REPEATED_AFTER,
    VERSIONS,
    content,
    differs,
    is_nested,
    listed,
)
from customer360.project.model import Column, TableSpec
from customer360.project.names import TableName
from customer360.settings import Parameter
from customer360.warehouse.port import JobStats, Publication, RunInfo, Warehouse

log = logging.getLogger(__name__)

# The version in force on a day: the latest one of the days that may hold it.
_IN_FORCE = """
SELECT {columns}
FROM marts.customer_360_history
WHERE valid_from BETWEEN DATE_SUB(@day, INTERVAL {window} DAY) AND {last}
QUALIFY ROW_NUMBER() OVER (PARTITION BY customer360_id ORDER BY valid_from DESC) = 1
"""
_NEW_VERSIONS = """
WITH known AS ({known}),

-- By themselves, in narrow rows: where lists are unnested, the engine drags along all other columns that it reads.
nested AS (
  SELECT today.customer360_id
  FROM marts.customer_360 AS today
  INNER JOIN ({known_nested}) AS known ON today.customer360_id = known.customer360_id
  WHERE {nested_differs}
)

SELECT @day AS valid_from, {columns}
FROM marts.customer_360 AS today
LEFT JOIN known ON today.customer360_id = known.customer360_id
LEFT JOIN nested ON today.customer360_id = nested.customer360_id
WHERE known.customer360_id IS NULL OR nested.customer360_id IS NOT NULL OR {differs}
"""


def keep_day(
    warehouse: Warehouse,
    *,
    source: TableName,
    specs: Mapping[TableName, TableSpec],
    run: RunInfo,
    maximum_bytes: int | None = None,
) -> dict[TableName, JobStats]:
    """Write the candidates of the run date's partitions from `source`, which is where `marts.customer_360` of that day
    is. Returns what each write did.

    `specs`: of VERSIONS and DAYS. A source of another day is a WarehouseError.
    """
    versions, days = specs[VERSIONS], specs[DAYS]
    _refuse_another_day(warehouse, source, run.run_date)
    for spec in (versions, days):
        existing = warehouse.columns(spec.name)
        if existing is None or spec.schema.keys() - existing.keys():
            warehouse.ensure([spec])
    _let_the_next_day_stand_alone(warehouse, versions, run, maximum_bytes)
    columns = content(versions)
    before = "DATE_SUB(@day, INTERVAL 1 DAY)"
    nested = [column for column in columns if is_nested(column)]
    flat = [column for column in columns if column.name != PERSON and column not in nested]
    texts = {
        VERSIONS: _NEW_VERSIONS.format(
            known=_in_force(columns, last=before),
            known_nested=_in_force(
                [column for column in columns if column.name == PERSON or column in nested], last=before
            ),
            nested_differs=differs(nested, "today", "known") or "FALSE",
            columns=listed(columns, "today"),
            differs=differs(flat, "today", "known"),
        ),
        DAYS: f"SELECT @day AS run_date, {listed(content(days))} FROM {KEPT}",
    }
    return {
        name: warehouse.write(
            specs[name],
            text,
            target=name.candidate(run.run_date),
            parameters={"day": Parameter("DATE", run.run_date)},
            renames={KEPT: source},
            maximum_bytes=maximum_bytes,
            run=run,
        )
        for name, text in texts.items()
    }


def _refuse_another_day(warehouse: Warehouse, source: TableName, day: date) -> None:
    found = warehouse.query(
        f"SELECT MIN(run_date) AS first_day, MAX(run_date) AS last_day FROM {KEPT}", renames={KEPT: source}
    ).to_pylist()[0]
    if other := {found["first_day"], found["last_day"]} - {day, None}:
        raise WarehouseError(
            f"{source} is of {', '.join(map(str, sorted(other)))}, so it cannot be kept as {day}:"
            f" build {KEPT} of {day} in the same run (c360 run --date {day})"
        )


def _let_the_next_day_stand_alone(
    warehouse: Warehouse, versions: TableSpec, run: RunInfo, maximum_bytes: int | None
) -> None:
    """Give the next kept day a partition with the version in force of everybody. What any day says stays as it is, so
    this may be done at any time, and again."""
    day = Parameter("DATE", run.run_date)
    following = warehouse.query(
        f"SELECT MIN(run_date) AS day FROM {DAYS} WHERE run_date > @day", parameters={"day": day}
    ).to_pylist()[0]["day"]
    if following is None or following - run.run_date > timedelta(days=REPEATED_AFTER):
        return
    scratch = TableName(VERSIONS.dataset, f"__{VERSIONS.table}_{following:%Y%m%d}")
    warehouse.write(
        versions,
        f"SELECT @day AS valid_from, {listed(content(versions))} FROM ({_in_force(content(versions), last='@day')})",
        target=scratch,
        parameters={"day": Parameter("DATE", following)},
        maximum_bytes=maximum_bytes,
        run=run,
    )
    warehouse.publish([Publication(versions, scratch, partition=following)], run=run)
    log.info("%s stands by itself in %s, because %s is kept again", following, VERSIONS, run.run_date)


def _in_force(columns: Iterable[Column], *, last: str) -> str:
    return _IN_FORCE.format(columns=listed(columns), window=REPEATED_AFTER, last=last)
