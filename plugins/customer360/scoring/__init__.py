"""Scores of customers by BG/NBD and Gamma-Gamma: what they will buy, what it is worth, whether they will be back.

fit: purchase histories → Fit · score: histories and a Fit → scores · calibrate: was an earlier fit right · records:
rows of ops.model_fits and ops.model_quality. Arrow in, Arrow out: no warehouse, no clock, and no Python per customer.
"""

from customer360.scoring.calibration import HOLDOUT_DAYS, Calibration, calibrate
from customer360.scoring.lifetime import Fit, NotFitted, fit
from customer360.scoring.records import calibration_rows, fit_row, read_fit
from customer360.scoring.scores import SCHEMA, score

__all__ = [
    "HOLDOUT_DAYS",
    "SCHEMA",
    "Calibration",
    "Fit",
    "NotFitted",
    "calibrate",
    "calibration_rows",
    "fit",
    "fit_row",
    "read_fit",
    "score",
]
