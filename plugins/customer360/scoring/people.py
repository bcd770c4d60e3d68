"""The scores of a day, and the fits they are made from, in the warehouse.

A build uses the latest fit dated on or before its day. The weekly Dag makes one; where the latest is older than a week
(a backfill, a weekly Dag that did not run, the first day of all), the build fits on its own day first. So a backfill
fits in order, and a day that is run again finds its fit.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from customer360.project.names import TableName
from customer360.project.platform import MODEL_FITS, MODEL_QUALITY
from customer360.scoring.calibration import HOLDOUT_DAYS, Calibration, calibrate
from customer360.scoring.lifetime import Fit, NotFitted, fit
from customer360.scoring.records import MODEL, calibration_rows, fit_row, read_fit
from customer360.scoring.scores import SCHEMA, score
from customer360.settings import Parameter
from customer360.warehouse.port import RunInfo, Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

FIT_LASTS = timedelta(days=7)
_HISTORY = "sql/queries/purchase_history.sql"
_REFUSED = "sql/queries/profiling_refused.sql"
_IN_FORCE = (
    f"SELECT * FROM {MODEL_FITS.name} WHERE model = @model AND fitted_on <= @run_date"
    " ORDER BY fitted_on DESC, fitted_at DESC, run_id DESC LIMIT 1"
)


@dataclass(frozen=True)
class Shop:
    """Where people's purchases are: the project's folder, a warehouse, and which tables are read as candidates."""

    home: Path
    warehouse: Warehouse
    run: RunInfo
    reads: Mapping[TableName, TableName]

    def refused(self) -> pa.Table:
        """People who refuse to be profiled: one column, customer360_id."""
        return self.warehouse.query((self.home / _REFUSED).read_text(encoding="utf-8"), renames=self.reads)

    def history(self, until: date) -> pa.Table:
        """Purchase histories as at the end of `until`, with what came after it until the run's day."""
        return self.warehouse.query(
            (self.home / _HISTORY).read_text(encoding="utf-8"),
            parameters={
                "run_date": Parameter("DATE", self.run.run_date),
                "calibration_end": Parameter("DATE", until),
            },
            renames=self.reads,
        )


def score_people(shop: Shop) -> pa.Table:
    """Scores of everybody who had bought by the run's day and does not refuse PROFILING: the columns of
    `scores.SCHEMA` and fitted_on. No rows where nothing could be fitted; the log says why."""
    import pyarrow as pa
    import pyarrow.compute as pc

    history = shop.history(shop.run.run_date)
    found = _in_force(shop.warehouse, shop.run.run_date)
    if _is_over(found, shop.run.run_date):
        found = _fitted(shop, history, shop.run.run_date) or found
    schema = SCHEMA.append(pa.field("fitted_on", pa.date32()))
    if found is None:
        return schema.empty_table()
    refused = shop.refused()["customer360_id"].combine_chunks()
    scores = score(history.filter(pc.invert(pc.is_in(history["customer360_id"], refused))), found)
    days = pa.array([found.fitted_on] * scores.num_rows, pa.date32())
    log.info("%s people scored by the fit of %s", f"{scores.num_rows:,}", found.fitted_on)
    return scores.append_column("fitted_on", days).cast(schema)


def fit_is_due(warehouse: Warehouse, run_date: date) -> bool:
    """Whether the build of that day would fit."""
    return _is_over(_in_force(warehouse, run_date), run_date)


def fit_and_check(shop: Shop) -> tuple[Fit | None, Calibration | None]:
    """Fit on the run's day and keep the fit; then compare what a fit without the last 90 days expected of them with
    what came, and keep that too. None where there are too few repeat buyers; the log says so."""
    day = shop.run.run_date
    found = _fitted(shop, shop.history(day), day)
    held_out = day - timedelta(days=HOLDOUT_DAYS)
    calibration = calibrate(shop.history(held_out), fitted_on=held_out, compared_until=day)
    if isinstance(calibration, NotFitted):
        log.warning("no calibration on %s: %s", day, calibration.reason)
        return found, None
    now = datetime.now(UTC)
    rows = calibration_rows(
        calibration, run_id=shop.run.run_id, run_date=day, checked_at=now, code_version=shop.run.code_version
    )
    shop.warehouse.append(MODEL_QUALITY, rows)
    if calibration.warning:
        log.warning("%s (docs/scores.md says what to do)", calibration.warning)
    return found, calibration


def _is_over(found: Fit | None, run_date: date) -> bool:
    return found is None or run_date - found.fitted_on > FIT_LASTS


def _in_force(warehouse: Warehouse, run_date: date) -> Fit | None:
    parameters = {"model": Parameter("STRING", MODEL), "run_date": Parameter("DATE", run_date)}
    rows = warehouse.query(_IN_FORCE, parameters=parameters).to_pylist()
    return read_fit(rows[0]) if rows else None


def _fitted(shop: Shop, history: pa.Table, day: date) -> Fit | None:
    found = fit(history, fitted_on=day)
    if isinstance(found, NotFitted):
        log.warning("no fit on %s: %s", day, found.reason)
        return None
    run = shop.run
    row = fit_row(
        found, run_id=run.run_id, run_date=run.run_date, fitted_at=datetime.now(UTC), code_version=run.code_version
    )
    shop.warehouse.append(MODEL_FITS, row)
    log.info("fitted on %s: %s people, %s bought again", day, f"{found.customers:,}", f"{found.repeat_buyers:,}")
    return found
