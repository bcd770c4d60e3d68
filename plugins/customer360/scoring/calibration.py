"""How right the model is: fitted without the last 90 days, what did it expect of them, and what came?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa

from customer360.scoring.arrays import Floats, Integers
from customer360.scoring.lifetime import DAYS_AHEAD, Fit, NotFitted, fit
from customer360.scoring.purchases import Purchases

HOLDOUT_DAYS = DAYS_AHEAD
_TOLERANCE = Decimal("0.2")
_GROUPS = 10


@dataclass(frozen=True)
class Comparison:
    """Expected and actual purchases of some customers within the days held out.

    decile: 1 for the tenth of whom most was expected … 10; None for everybody
    """

    decile: int | None
    customers: int
    predicted: Decimal
    actual: int

    @property
    def error(self) -> Decimal | None:
        """By what share of the actual purchases too many were expected; None where nobody bought."""
        return round((self.predicted - self.actual) / self.actual, 6) if self.actual else None

    @property
    def is_off(self) -> bool:
        """Whether by more than 20 % of the actual purchases."""
        return abs(self.predicted - self.actual) > _TOLERANCE * self.actual


@dataclass(frozen=True)
class Calibration:
    """A fit on purchases until `fit.fitted_on`, compared with those from then to `compared_until`."""

    fit: Fit
    compared_until: date
    total: Comparison
    deciles: tuple[Comparison, ...]

    @property
    def warning(self) -> str | None:
        """What to tell people if the total is off. Deciles are for looking: a small one is off by chance."""
        if not self.total.is_off:
            return None
        return (
            f"the model fitted on purchases until {self.fit.fitted_on} expected {self.total.predicted:,.0f} purchases"
            f" until {self.compared_until} and {self.total.actual:,} came: off by more than {_TOLERANCE:.0%}"
        )


def calibrate(history: pa.Table, *, fitted_on: date, compared_until: date) -> Calibration | NotFitted:
    """Fit purchase histories as at `fitted_on`, and compare with their column `holdout_purchases` INT64: purchase days
    after that, until `compared_until`. Best 90 days apart (`HOLDOUT_DAYS`): the scores look as far."""
    found = fit(history, fitted_on=fitted_on)
    if isinstance(found, NotFitted):
        return found
    everybody = Purchases.of(history)
    people = everybody.buyers()
    actual = history["holdout_purchases"].to_numpy()[everybody.bought].astype(np.int64)
    weeks = (compared_until - fitted_on).days / 7
    predicted = found.bg_nbd.conditional_expectation(weeks, people.x, people.t_x, people.age)
    # Rounded, so that equals are equal; then in the order of ids, so that every run forms the same groups.
    predicted = np.round(predicted, 6)
    ids = people.customer360_id.to_numpy().astype(str)
    order = np.lexsort((ids, -predicted))
    group = _GROUPS * np.arange(len(order)) // len(order)
    deciles = [(number + 1, order[group == number]) for number in range(_GROUPS)]
    return Calibration(
        fit=found,
        compared_until=compared_until,
        total=_comparison(None, predicted, actual),
        deciles=tuple(_comparison(number, predicted[rows], actual[rows]) for number, rows in deciles),
    )


def _comparison(decile: int | None, predicted: Floats, actual: Integers) -> Comparison:
    return Comparison(decile, len(actual), Decimal(f"{predicted.sum():.6f}"), int(actual.sum()))
