"""Scores of customers by BG/NBD and Gamma-Gamma: what they will buy, what it is worth, whether they will be back.

fit: purchase histories → Fit · score: histories and a Fit → scores · calibrate: was an earlier fit right · records:
rows of ops.model_fits and ops.model_quality. Arrow in, Arrow out: no clock, and no Python per customer. Only people,
which does all of it for a day's tables, knows a warehouse.
"""

from customer360.scoring.calibration import HOLDOUT_DAYS, Calibration, calibrate
from customer360.scoring.lifetime import Fit, NotFitted, fit
from customer360.scoring.people import Shop, fit_and_check, fit_is_due, score_people
from customer360.scoring.records import calibration_rows, fit_row, read_fit
from customer360.scoring.scores import SCHEMA, score

__all__ = [
    "HOLDOUT_DAYS",
    "SCHEMA",
    "Calibration",
    "Fit",
    "NotFitted",
    "Shop",
    "calibrate",
    "calibration_rows",
    "fit",
    "fit_and_check",
    "fit_is_due",
    "fit_row",
    "read_fit",
    "score",
    "score_people",
]
