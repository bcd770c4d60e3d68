"""Customers drawn from known parameters: to see that a fit finds them again, and how fast scoring is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from customer360.scoring.bg_nbd import BgNbd
from customer360.scoring.gamma_gamma import GammaGamma


def simulate(
    customers: int, *, purchases: BgNbd, values: GammaGamma, weeks: float, holdout_weeks: float, seed: int
) -> pa.Table:
    """A purchase history (see `purchases`) with its column holdout_purchases, as the models believe customers to be.

    Their first purchases are spread evenly over `weeks`. Times are whole days, as in the warehouse, but two purchases
    of one day count as two.
    """
    random = np.random.default_rng(seed)
    age = np.ceil(random.uniform(0, weeks * 7, customers)) / 7
    rate = random.gamma(purchases.r, 1 / purchases.alpha, customers)
    # They drop out after this purchase; a geometric number of 64 bits stands for never.
    last = random.geometric(np.maximum(random.beta(purchases.a, purchases.b, customers), 1e-12))
    wanted = random.poisson(rate * age)
    x = np.minimum(wanted, last)
    # Of `wanted` moments spread evenly over the age, the x-th.
    share = random.beta(np.maximum(x, 1), wanted - x + 1)
    t_x = np.where(x > 0, np.minimum(np.ceil(share * age * 7) / 7, age), 0.0)
    holdout = np.minimum(random.poisson(rate * holdout_weeks), last - x)
    scale = random.gamma(values.q, 1 / values.v, customers)
    mean_value = random.gamma(values.p * np.maximum(x, 1)) / np.maximum(x, 1) / scale
    cents = np.maximum(np.round(mean_value * 100), 1) / 100
    return pa.table(
        {
            "customer360_id": pa.array([f"c{number:08d}" for number in range(customers)]),
            "x": pa.array(x, pa.int64()),
            "t_x_weeks": pa.array(t_x),
            "age_weeks": pa.array(age),
            "mean_value": pa.array(cents, mask=x == 0).cast(pa.decimal128(38, 9)),
            "holdout_purchases": pa.array(holdout, pa.int64()),
        }
    )
