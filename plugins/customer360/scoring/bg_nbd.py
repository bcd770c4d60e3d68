"""BG/NBD: how often customers buy, and after which purchase they stop.

Fader, Hardie, Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24 (2). While alive a customer buys
at a rate λ, Gamma(r, α) among customers; after each purchase they drop out with a probability p, Beta(a, b) among them.

A customer is x repeat purchases, the last of them at t_x, in the time `age` (the paper's T) since the first purchase.
All times in one unit, here weeks. Arguments are arrays of one length, or scalars.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from customer360.scoring.arrays import Floats, distinct_pairs, floats
from customer360.scoring.expectation import purchases_if_alive
from customer360.scoring.likelihood import Maximum, maximise


@dataclass(frozen=True)
class BgNbd:
    """The model with its four parameters, all positive. `alpha` is in units of time."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(
        self, x: npt.ArrayLike, t_x: npt.ArrayLike, age: npt.ArrayLike, weights: npt.ArrayLike = 1.0
    ) -> float:
        """Of these customers, each counted `weights` times: equation 6."""
        value, _ = _Likelihood.of(x, t_x, age, weights)(np.array([self.r, self.alpha, self.a, self.b]))
        return value

    def expected_purchases(self, t: npt.ArrayLike) -> Floats:
        """E[X(t)]: purchases of a random customer in the t after the first one. Equation 9; shape of t."""
        times = floats(t)
        expected: Floats = purchases_if_alive(times.ravel(), self.r, self.alpha, self.a, self.b)[0].reshape(times.shape)
        return expected

    def probability_alive(self, x: npt.ArrayLike, t_x: npt.ArrayLike, age: npt.ArrayLike) -> Floats:
        """That the customer has not dropped out. 1 where x = 0: who has not bought again had no occasion to.

        One over the denominator of equation 10; derived in Fader, Hardie (2008), Computing P(alive) Using the BG/NBD
        Model (brucehardie.com/notes/021).
        """
        from scipy.special import expit

        x, t_x, age = floats(x), floats(t_x), floats(age)
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = np.log(self.a / (self.b + x - 1)) + (self.r + x) * np.log1p((age - t_x) / (self.alpha + t_x))
        alive: Floats = np.where(x > 0, expit(-odds), 1.0)
        return alive

    def conditional_expectation(self, t: float, x: npt.ArrayLike, t_x: npt.ArrayLike, age: npt.ArrayLike) -> Floats:
        """E[Y(t) | x, t_x, T]: purchases in the next t. Equation 10, as P(alive) times the expectation if alive."""
        pairs_x, pairs_age, which = distinct_pairs(*np.broadcast_arrays(floats(x), floats(age)))
        if_alive = self.purchases_if_alive(t, pairs_x, pairs_age)[which, 0]
        expected: Floats = self.probability_alive(x, t_x, age) * if_alive
        return expected

    def purchases_if_alive(self, t: npt.ArrayLike, x: npt.ArrayLike, age: npt.ArrayLike) -> Floats:
        """Expected purchases in the next t (several horizons) of customers who are alive: (customers, horizons)."""
        x, age = floats(x), floats(age)
        return purchases_if_alive(t, self.r + x, self.alpha + age, self.a, self.b + x)

    def probability_of_purchase(self, t: float, x: npt.ArrayLike, t_x: npt.ArrayLike, age: npt.ArrayLike) -> Floats:
        """That there is at least one purchase in the next t: P(alive) · (1 − ((α + T) / (α + T + t))^(r + x)).

        The next purchase of a living customer comes at rate λ, by then Gamma(r + x, α + T) (the paper's derivation of
        equation 10): this is the mean of 1 − e^(−λt).
        """
        at_least_one = -np.expm1(-(self.r + floats(x)) * np.log1p(t / (self.alpha + floats(age))))
        return self.probability_alive(x, t_x, age) * at_least_one


def fit(x: npt.ArrayLike, t_x: npt.ArrayLike, age: npt.ArrayLike) -> tuple[BgNbd, Maximum]:
    """The parameters under which these customers are likeliest. Some must have bought again."""
    likelihood = _Likelihood.of(x, t_x, age, 1.0)
    # Time in mean ages: start and bounds then suit any unit.
    unit = float(np.average(likelihood.age, weights=likelihood.weights))
    found = maximise(
        likelihood,
        start=(1.0, unit, 1.0, 1.0),
        bounds=[(1e-3, 1e4), (1e-4 * unit, 1e4 * unit), (1e-3, 1e4), (1e-3, 1e4)],
        count=float(likelihood.weights.sum()),
    )
    return BgNbd(*found.parameters), found


@dataclass(frozen=True)
class _Likelihood:
    """Equation 6 over distinct customers; `values` are the distinct x, `which` of them each customer has."""

    x: Floats
    t_x: Floats
    age: Floats
    weights: Floats
    values: Floats
    which: npt.NDArray[np.intp]

    @classmethod
    def of(cls, x: npt.ArrayLike, t_x: npt.ArrayLike, age: npt.ArrayLike, weights: npt.ArrayLike) -> _Likelihood:
        x, t_x, age, weights = np.broadcast_arrays(*(np.atleast_1d(floats(v)) for v in (x, t_x, age, weights)))
        # A million customers are a tenth as many distinct ones, their days being whole.
        order = np.lexsort((t_x, age, x))
        x, t_x, age, weights = x[order], t_x[order], age[order], weights[order]
        first = np.flatnonzero(np.concatenate([[True], (np.diff(x) != 0) | (np.diff(t_x) != 0) | (np.diff(age) != 0)]))
        values, which = np.unique(x[first], return_inverse=True)
        return cls(x[first], t_x[first], age[first], np.add.reduceat(weights, first), values, which)

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        """Log-likelihood and its gradient by (r, α, a, b)."""
        from scipy.special import digamma, gammaln

        r, alpha, a, b = parameters
        # What depends on x alone, by its few values. Logarithms of Gamma and Beta: nothing overflows.
        k = self.values
        by_value = (
            *(gammaln(r + k) - gammaln(r) + gammaln(b + k) - gammaln(b) - gammaln(a + b + k) + gammaln(a + b),),
            digamma(r + k) - digamma(r),
            digamma(a + b) - digamma(a + b + k),
            digamma(b + k) - digamma(b),
        )
        common, slope_r, slope_ab, slope_b = (values[self.which] for values in by_value)
        x, again = self.x, self.x > 0
        log_age, log_t_x = np.log1p(self.age / alpha), np.log1p(self.t_x / alpha)
        # Alive throughout, or dropped out after the last purchase; α^r is taken into both, or large r would cancel.
        alive = -(r + x) * log_age
        before = np.where(again, b + x - 1, 1.0)
        dropped = np.where(again, np.log(a / before) - (r + x) * log_t_x, -np.inf)
        either = np.logaddexp(alive, dropped)
        share_alive, share_dropped = np.exp(alive - either), np.exp(dropped - either)
        value = common + either - x * np.log(alpha)
        late = share_alive * self.age / (alpha + self.age) + share_dropped * self.t_x / (alpha + self.t_x)
        gradient = (
            slope_r - share_alive * log_age - share_dropped * log_t_x,
            ((r + x) * late - x) / alpha,
            slope_ab + share_dropped / a,
            slope_ab + slope_b - np.where(again, share_dropped / before, 0.0),
        )
        return float(self.weights @ value), np.array([self.weights @ part for part in gradient])
