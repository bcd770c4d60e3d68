"""Gamma-Gamma against the published figures of CDNOW and customers drawn from known parameters."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer360.scoring.bg_nbd import BgNbd
from customer360.scoring.gamma_gamma import GammaGamma, _Likelihood, fit
from customer360.scoring.simulation import simulate
from scoring import cdnow

_positive = st.floats(-2, 3).map(lambda power: 10**power)


def test_finds_the_optimum_of_the_sample() -> None:
    x, mean_value = cdnow.spending()
    assert len(x) == 946
    model, found = fit(x, mean_value)
    assert found.converged and found.at_bounds == ()
    assert (model.p, model.q, model.v) == pytest.approx((6.249, 3.745, 15.448), abs=1e-3)
    assert model.log_likelihood(x, mean_value) == pytest.approx(found.log_likelihood, rel=1e-12)
    # The published parameters come from another optimiser, which stopped a little early.
    assert model.log_likelihood(x, mean_value) > GammaGamma(6.25, 3.74, 15.44).log_likelihood(x, mean_value)


def test_the_likelihood_is_the_printed_one() -> None:
    p, q, v, x, m = 6.25, 3.74, 15.44, 3, 22.35
    printed = (
        math.gamma(p * x + q) / (math.gamma(p * x) * math.gamma(q)) * v**q * m ** (p * x - 1) * x ** (p * x)
        / (v + m * x) ** (p * x + q)
    )  # fmt: skip
    assert GammaGamma(p, q, v).log_likelihood(x, m) == pytest.approx(math.log(printed), rel=1e-12)


def test_customers_are_drawn_towards_everybody_s_mean() -> None:
    model = GammaGamma(6.25, 3.74, 15.44)
    everybody = 6.25 * 15.44 / 2.74
    assert model.expected_value(0, np.nan) == pytest.approx(everybody)
    values = model.expected_value([1, 2, 10, 1000], [100.0] * 4)
    assert (np.diff([everybody, *values, 100.0]) > 0).all()
    assert values[-1] == pytest.approx(100, rel=1e-3)


def test_a_value_that_is_not_known_is_everybody_s_mean() -> None:
    model = GammaGamma(6.25, 3.74, 15.44)
    assert model.expected_value([3, 3, 3], [np.nan, 0.0, -5.0]) == pytest.approx([6.25 * 15.44 / 2.74] * 3)


@settings(deadline=None, max_examples=60)
@given(_positive, _positive, _positive)
def test_the_gradient_is_the_slope(p: float, q: float, v: float) -> None:
    x, mean_value = (column[:100] for column in cdnow.spending())
    likelihood = _Likelihood.of(x, mean_value)
    logs = np.log([p, q, v])
    value, gradient = likelihood(np.exp(logs))
    for index, step in enumerate(np.eye(3) * 1e-4):
        up, down = likelihood(np.exp(logs + step))[0], likelihood(np.exp(logs - step))[0]
        slope = gradient[index] * math.exp(logs[index])
        assert (up - down) / 2e-4 == pytest.approx(slope, rel=1e-4, abs=1e-6 * abs(value))


def test_finds_the_parameters_that_customers_were_drawn_from() -> None:
    drawn = GammaGamma(5.0, 4.0, 40.0)
    rows = simulate(60_000, purchases=BgNbd(0.8, 8, 0.8, 2.5), values=drawn, weeks=80, holdout_weeks=13, seed=5)
    again = rows["x"].to_numpy() > 0
    found, how = fit(rows["x"].to_numpy()[again], np.asarray(rows["mean_value"].to_pylist())[again].astype(float))
    assert how.converged
    for name, error in zip(("p", "q", "v"), how.standard_errors, strict=True):
        assert error is not None and error < 0.1 * getattr(drawn, name)
        assert abs(getattr(found, name) - getattr(drawn, name)) < 4 * error


def test_the_currency_does_not_matter() -> None:
    x, mean_value = cdnow.spending()
    (here, _), (there, found) = fit(x, mean_value), fit(x, mean_value * 1e6)
    assert found.converged and (there.p, there.q, there.v) == pytest.approx((here.p, here.q, here.v * 1e6), rel=1e-4)


def test_equal_values_are_expected_again() -> None:
    model, found = fit(np.arange(1, 201) % 5 + 1, np.full(200, 20.0))
    assert found.at_bounds and model.expected_value([0, 3], [np.nan, 20.0]) == pytest.approx([20, 20], rel=0.01)
