"""Fits and calibrations as rows of the platform's tables, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from customer360 import __version__
from customer360.project.platform import MODEL_FITS, MODEL_QUALITY
from customer360.scoring.bg_nbd import BgNbd
from customer360.scoring.calibration import Calibration, Comparison
from customer360.scoring.gamma_gamma import GammaGamma
from customer360.scoring.lifetime import Fit

MODEL = "bg_nbd_gamma_gamma"


def fit_row(fit: Fit, *, run_id: str, run_date: date, fitted_at: datetime, code_version: str = __version__) -> pa.Table:
    """One row of ops.model_fits."""
    values = fit.gamma_gamma
    row = {
        "run_id": run_id,
        "run_date": run_date,
        "model": MODEL,
        "fitted_on": fit.fitted_on,
        "data_from": fit.data_from,
        "customers": fit.customers,
        "repeat_buyers": fit.repeat_buyers,
        **{name: getattr(fit.bg_nbd, name) for name in ("r", "alpha", "a", "b")},
        "log_likelihood": fit.log_likelihood,
        **{name: getattr(values, name) if values else None for name in ("p", "q", "v")},
        "value_log_likelihood": fit.value_log_likelihood,
        "medium_above": fit.medium_above,
        "high_above": fit.high_above,
        "diagnostics": json.dumps(fit.diagnostics, sort_keys=True, allow_nan=False),
        "code_version": code_version,
        "fitted_at": fitted_at,
    }
    return pa.Table.from_pylist([row], schema=MODEL_FITS.arrow_schema)


def read_fit(row: Mapping[str, Any]) -> Fit:
    """The fit that a row of ops.model_fits tells."""
    values = None if row["p"] is None else GammaGamma(row["p"], row["q"], row["v"])
    return Fit(
        fitted_on=row["fitted_on"],
        data_from=row["data_from"],
        customers=row["customers"],
        repeat_buyers=row["repeat_buyers"],
        bg_nbd=BgNbd(row["r"], row["alpha"], row["a"], row["b"]),
        log_likelihood=row["log_likelihood"],
        gamma_gamma=values,
        value_log_likelihood=row["value_log_likelihood"],
        medium_above=row["medium_above"],
        high_above=row["high_above"],
        diagnostics=json.loads(row["diagnostics"]),
    )


def calibration_rows(
    calibration: Calibration, *, run_id: str, run_date: date, checked_at: datetime, code_version: str = __version__
) -> pa.Table:
    """Rows of ops.model_quality: one for everybody, one per decile."""

    def row(comparison: Comparison) -> dict[str, Any]:
        return {
            "run_id": run_id,
            "run_date": run_date,
            "model": MODEL,
            "fitted_on": calibration.fit.fitted_on,
            "compared_until": calibration.compared_until,
            "decile": comparison.decile,
            "customers": comparison.customers,
            "predicted_purchases": comparison.predicted,
            "actual_purchases": comparison.actual,
            "error": comparison.error,
            "warning": comparison.is_off if comparison.decile is None else None,
            "code_version": code_version,
            "checked_at": checked_at,
        }

    rows = [row(comparison) for comparison in (calibration.total, *calibration.deciles)]
    return pa.Table.from_pylist(rows, schema=MODEL_QUALITY.arrow_schema)
