"""Gamma-Gamma: how much customers spend, whatever their number of purchases.

Fader, Hardie (2013), The Gamma-Gamma Model of Monetary Value (brucehardie.com/notes/025). A purchase's value is
Gamma(p, ν), and ν is Gamma(q, v) among customers (v is the note's γ). A customer is x repeat purchases of mean value m.
It assumes that how much and how often have nothing to do with each other: a fit says how far that holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from customer360.scoring.arrays import Floats, floats
from customer360.scoring.likelihood import Maximum, maximise


@dataclass(frozen=True)
class GammaGamma:
    """The model with its three parameters, all positive, q > 1. `v` is in units of money."""

    p: float
    q: float
    v: float

    def log_likelihood(self, x: npt.ArrayLike, mean_value: npt.ArrayLike) -> float:
        """Of customers with x > 0 and mean_value > 0: equation 1a."""
        return _Likelihood.of(x, mean_value)(np.array([self.p, self.q, self.v]))[0]

    def expected_value(self, x: npt.ArrayLike, mean_value: npt.ArrayLike) -> Floats:
        """E[M | x, m], the mean value of a customer's purchases: p (v + x m) / (p x + q − 1). Equation 5.

        A weighted mean of the customer's own m and of everybody's, p v / (q − 1), which it is where x is 0 or m is
        not known (NaN) or not positive.
        """
        x, mean_value = floats(x), floats(mean_value)
        known = (x > 0) & (mean_value > 0)
        x = np.where(known, x, 0.0)
        return self.p * (self.v + x * np.where(known, mean_value, 0.0)) / (self.p * x + self.q - 1)


def fit(x: npt.ArrayLike, mean_value: npt.ArrayLike) -> tuple[GammaGamma, Maximum]:
    """The parameters under which these customers are likeliest; all with x > 0 and mean_value > 0.

    q is kept above 1: without a mean there is nothing to say of who has not bought again. Standard errors and bounds
    are of p, q − 1 and v.
    """
    mean_value = floats(mean_value)
    unit = float(mean_value.mean())  # in mean values: start and bounds then suit any currency
    likelihood = _Likelihood.of(x, mean_value)

    def beyond_one(parameters: Floats) -> tuple[float, Floats]:
        return likelihood(parameters + np.array([0.0, 1.0, 0.0]))

    found = maximise(
        beyond_one,
        start=(1.0, 1.0, unit),
        bounds=[(1e-3, 1e6), (1e-3, 1e6), (1e-6 * unit, 1e6 * unit)],
        count=float(mean_value.size),
    )
    p, excess, v = found.parameters
    return GammaGamma(p, 1 + excess, v), found


@dataclass(frozen=True)
class _Likelihood:
    """Equation 1a; `values` are the distinct x, with `counts` customers each, `which` of them each customer has."""

    mean_value: Floats
    values: Floats
    counts: npt.NDArray[np.intp]
    which: npt.NDArray[np.intp]

    @classmethod
    def of(cls, x: npt.ArrayLike, mean_value: npt.ArrayLike) -> _Likelihood:
        values, which, counts = np.unique(np.atleast_1d(floats(x)), return_inverse=True, return_counts=True)
        return cls(np.atleast_1d(floats(mean_value)), values, counts, which)

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        """Log-likelihood and its gradient by (p, q, v)."""
        from scipy.special import digamma, gammaln

        p, q, v = parameters
        k, m = self.values, self.mean_value
        x = k[self.which]
        # (px − 1) ln m + px ln x + q ln v − (px + q) ln(v + xm), with the common v taken out of the last logarithm.
        ratio = x * m / v
        log_total, log_ratio = np.log1p(ratio), np.log(ratio)
        by_value = gammaln(p * k + q) - gammaln(p * k) - gammaln(q)
        value = self.counts @ by_value + np.sum(p * x * (log_ratio - log_total) - q * log_total - np.log(m))
        slope_p = k * (digamma(p * k + q) - digamma(p * k))
        slope_q = digamma(p * k + q) - digamma(q)
        gradient = (
            self.counts @ slope_p + np.sum(x * (log_ratio - log_total)),
            self.counts @ slope_q - np.sum(log_total),
            np.sum((p * x + q) * ratio / (1 + ratio) - p * x) / v,
        )
        return float(value), np.array(gradient)
