"""What each customer will buy and spend, and whether they will be back, by a fit.

Scores are rounded to 6 decimals, money to 2, half to even: more digits than the models know, and few enough that every
machine gives the same. Nothing depends on other rows, so neither on their order nor on the size of a batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from customer360.scoring.arrays import Floats, Integers, distinct_pairs
from customer360.scoring.bg_nbd import BgNbd
from customer360.scoring.lifetime import SCORE_DECIMALS, WEEKS_AHEAD, Fit
from customer360.scoring.purchases import Purchases

_MONTHS = 12
_WEEKS_IN_MONTH = 365.25 / 7 / 12
_MONEY_DECIMALS = 2
_LARGEST = 2.0**62  # rounded values are kept in 64 bits; no customer is worth more

_NUMERIC = pa.decimal128(38, 9)
SCHEMA = pa.schema(
    {
        "customer360_id": pa.string(),
        "probability_alive": _NUMERIC,
        "predicted_purchases_90d": _NUMERIC,
        "propensity_to_buy_score": _NUMERIC,
        "churn_risk_score": _NUMERIC,
        "churn_risk_pct": pa.int64(),
        "churn_risk_band": pa.string(),
        "predicted_value": _NUMERIC,
    }
)


def score(
    purchases: pa.Table, fit: Fit, *, monthly_discount: Decimal = Decimal("0.01"), batch_rows: int = 131_072
) -> pa.Table:
    """Scores of purchase histories (see `purchases`), row by row in their order, with the columns of `SCHEMA`.

    probability_alive: P(alive) · predicted_purchases_90d: E[Y(90 days)] · propensity_to_buy_score: P(at least one
    purchase in 90 days) · churn_risk_score: 1 − that; churn_risk_pct: in whole percent, half up; churn_risk_band: high,
    medium or low by the fit's thresholds, each exclusive · predicted_value: purchases of the next 12 months × E[M],
    those of month k divided by (1 + monthly_discount)^k; NULL where the fit has no Gamma-Gamma.
    Everything is NULL for who never bought.
    """
    people = Purchases.of(purchases)
    pairs_x, pairs_age, which = distinct_pairs(people.x, people.age)
    in_90_days, in_a_year = _if_alive(fit.bg_nbd, pairs_x, pairs_age, float(monthly_discount))
    batches = _batches(people, fit, in_90_days, in_a_year, which, batch_rows)
    return pa.Table.from_batches(batches, schema=SCHEMA)


def _if_alive(model: BgNbd, x: Floats, age: Floats, monthly_discount: float) -> tuple[Floats, Floats]:
    """Expected purchases in 90 days, and the discounted ones in 12 months, of customers who are alive."""
    months = np.arange(1, _MONTHS + 1)
    # Σ (E_k − E_(k−1)) d^k, by parts: Σ E_k (d^k − d^(k+1)) with the last one's d^12 whole. All terms are positive.
    discounts = (1 + monthly_discount) ** -months
    weights = discounts - np.append(discounts[1:], 0.0)
    expected = model.purchases_if_alive([WEEKS_AHEAD, *(months * _WEEKS_IN_MONTH)], x, age)
    return expected[:, 0], (expected[:, 1:] * weights).sum(axis=1)


def _batches(
    people: Purchases, fit: Fit, in_90_days: Floats, in_a_year: Floats, which: Integers, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    thresholds = [math.floor(value.scaleb(SCORE_DECIMALS)) for value in (fit.medium_above, fit.high_above)]
    bands = pa.array(["low", "medium", "high"])
    whole = 10**SCORE_DECIMALS
    for start in range(0, len(people.x), batch_rows):
        rows = slice(start, start + batch_rows)
        x, t_x, age, pair = people.x[rows], people.t_x[rows], people.age[rows], which[rows]
        never = ~people.bought[rows]
        alive = fit.bg_nbd.probability_alive(x, t_x, age)
        propensity = _rounded(fit.bg_nbd.probability_of_purchase(WEEKS_AHEAD, x, t_x, age), SCORE_DECIMALS)
        risk = whole - propensity
        band = sum((risk > threshold).astype(np.int8) for threshold in thresholds)
        value = None
        if fit.gamma_gamma is not None:
            value = alive * in_a_year[pair] * fit.gamma_gamma.expected_value(x, people.mean_value[rows])
        columns = [
            people.customer360_id.slice(start, batch_rows).combine_chunks(),
            _numeric(_rounded(alive, SCORE_DECIMALS), SCORE_DECIMALS, never),
            _numeric(_rounded(alive * in_90_days[pair], SCORE_DECIMALS), SCORE_DECIMALS, never),
            _numeric(propensity, SCORE_DECIMALS, never),
            _numeric(risk, SCORE_DECIMALS, never),
            pa.array((100 * risk + whole // 2) // whole, mask=never),
            bands.take(pa.array(band, mask=never)),
            pa.nulls(len(x), _NUMERIC)
            if value is None
            else _numeric(_rounded(value, _MONEY_DECIMALS), _MONEY_DECIMALS, never),
        ]
        yield pa.record_batch(columns, schema=SCHEMA)


def _rounded(values: Floats, decimals: int) -> Integers:
    """In units of the last decimal."""
    return np.rint(np.minimum(values * 10.0**decimals, _LARGEST)).astype(np.int64)


def _numeric(units: Integers, decimals: int, missing: npt.NDArray[np.bool_]) -> pa.Array:
    """NUMERIC from whole units of the last decimal, without a detour through text or binary fractions."""
    whole = pa.array(units, mask=missing).cast(pa.decimal128(19, 0))
    buffers = whole.buffers()  # the same integers, read with the point further left
    return pa.Array.from_buffers(pa.decimal128(38, decimals), len(whole), buffers).cast(_NUMERIC)
