"""BG/NBD and Gamma-Gamma fitted to everybody's purchases: the facts that scores are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from customer360.scoring import bg_nbd, gamma_gamma
from customer360.scoring.arrays import Floats
from customer360.scoring.bg_nbd import BgNbd
from customer360.scoring.gamma_gamma import GammaGamma
from customer360.scoring.likelihood import Maximum
from customer360.scoring.purchases import Purchases

LEAST_REPEAT_BUYERS = 100
DAYS_AHEAD = 90
WEEKS_AHEAD = DAYS_AHEAD / 7
SCORE_DECIMALS = 6


@dataclass(frozen=True)
class Fit:
    """Both models as fitted to everybody's purchases until `fitted_on`.

    data_from: the first purchase of all · customers: who had bought · repeat_buyers: on more than one day
    gamma_gamma, value_log_likelihood: None where too few repeat buyers have a known value: no value is predicted
    medium_above, high_above: 40th and 75th percentile of these customers' churn risk, interpolated
    diagnostics: how the fits went, in JSON's types
    """

    fitted_on: date
    data_from: date
    customers: int
    repeat_buyers: int
    bg_nbd: BgNbd
    log_likelihood: float
    gamma_gamma: GammaGamma | None
    value_log_likelihood: float | None
    medium_above: Decimal
    high_above: Decimal
    diagnostics: Mapping[str, Any]


@dataclass(frozen=True)
class NotFitted:
    """Why there is no fit. Scores are then made from an earlier one, or NULL."""

    fitted_on: date
    customers: int
    repeat_buyers: int
    reason: str


def fit(purchases: pa.Table, *, fitted_on: date) -> Fit | NotFitted:
    """Fit both models to purchase histories (see `purchases`) as at the end of `fitted_on`."""
    buyers = Purchases.of(purchases).buyers()
    again = buyers.x > 0
    not_fitted = NotFitted(fitted_on, len(buyers.x), int(again.sum()), "")
    if not_fitted.repeat_buyers < LEAST_REPEAT_BUYERS:
        few = f"{not_fitted.repeat_buyers} people have bought on more than one day; a fit takes {LEAST_REPEAT_BUYERS}"
        return _because(not_fitted, few)
    model, found = bg_nbd.fit(buyers.x, buyers.t_x, buyers.age)
    if not found.converged:
        return _because(not_fitted, f"BG/NBD did not converge in {found.iterations} steps (slope {found.gradient:.1e})")
    diagnostics: dict[str, Any] = {"bg_nbd": _diagnostics(found, ("r", "alpha", "a", "b"))}

    valued = again & (buyers.mean_value > 0)
    values, value_found = None, None
    if valued.sum() >= LEAST_REPEAT_BUYERS:
        x, mean_value = buyers.x[valued], buyers.mean_value[valued]
        values, value_found = gamma_gamma.fit(x, mean_value)
        diagnostics["gamma_gamma"] = _diagnostics(value_found, ("p", "q - 1", "v")) | {
            "repeat_buyers_with_value": int(valued.sum()),
            "correlation_of_frequency_and_value": _correlation(x, mean_value),
        }
        if not value_found.converged:
            values = None

    medium, high = np.percentile(_churn_risk(model, buyers), (40, 75))
    return Fit(
        fitted_on=fitted_on,
        data_from=fitted_on - timedelta(days=round(7 * float(buyers.age.max()))),
        customers=not_fitted.customers,
        repeat_buyers=not_fitted.repeat_buyers,
        bg_nbd=model,
        log_likelihood=found.log_likelihood,
        gamma_gamma=values,
        value_log_likelihood=value_found.log_likelihood if values and value_found else None,
        medium_above=Decimal(f"{medium:.9f}"),
        high_above=Decimal(f"{high:.9f}"),
        diagnostics=diagnostics,
    )


def _because(facts: NotFitted, reason: str) -> NotFitted:
    return NotFitted(facts.fitted_on, facts.customers, facts.repeat_buyers, reason)


def _churn_risk(model: BgNbd, buyers: Purchases) -> Floats:
    """As the scores will say it: rounded."""
    propensity = model.probability_of_purchase(WEEKS_AHEAD, buyers.x, buyers.t_x, buyers.age)
    return 1 - np.round(propensity, SCORE_DECIMALS)


def _diagnostics(found: Maximum, names: Sequence[str]) -> dict[str, Any]:
    return {
        "converged": found.converged,
        "iterations": found.iterations,
        "gradient": found.gradient,
        "standard_errors": dict(zip(names, found.standard_errors, strict=True)),
        "at_bounds": [names[index] for index in found.at_bounds],
    }


def _correlation(x: Floats, mean_value: Floats) -> float | None:
    """Gamma-Gamma assumes there is none. None where all are alike."""
    if np.ptp(x) == 0 or np.ptp(mean_value) == 0:
        return None
    return float(np.corrcoef(x, mean_value)[0, 1])
