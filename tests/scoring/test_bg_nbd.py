"""BG/NBD against the published figures of CDNOW, the printed formulas and customers drawn from known parameters."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer360.scoring.bg_nbd import BgNbd, _Likelihood, fit
from customer360.scoring.gamma_gamma import GammaGamma
from customer360.scoring.simulation import simulate
from scoring import cdnow, exact

PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
_positive = st.floats(-2.5, 2.5).map(lambda power: 10**power)
_models = st.builds(BgNbd, _positive, _positive, _positive, _positive)


@st.composite
def _customers(draw: st.DrawFn) -> tuple[float, float, float]:
    x = draw(st.one_of(st.integers(0, 5), st.integers(6, 5000)))
    age = draw(st.floats(0, 1000))
    return float(x), age * draw(st.one_of(st.just(1.0), st.floats(0, 1))) if x else 0.0, age


@pytest.fixture(scope="module")
def fitted() -> BgNbd:
    return fit(*cdnow.customers())[0]


def test_the_sample_is_the_one_of_the_papers() -> None:
    x, _, age = cdnow.customers()
    assert len(x) == 2357 and (x > 0).sum() == 946 and age.max() == pytest.approx(38.86)


def test_finds_the_published_parameters(fitted: BgNbd) -> None:
    assert (fitted.r, fitted.alpha, fitted.a, fitted.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=1e-3)
    assert fitted.log_likelihood(*cdnow.customers()) == pytest.approx(-9582.4, abs=0.05)


def test_nothing_nearby_is_likelier(fitted: BgNbd) -> None:
    best = fitted.log_likelihood(*cdnow.customers())
    for name in ("r", "alpha", "a", "b"):
        for factor in (0.999, 1.001):
            other = BgNbd(**{**vars(fitted), name: getattr(fitted, name) * factor})
            assert other.log_likelihood(*cdnow.customers()) < best


@pytest.mark.parametrize(("weeks", "published"), [(1, 0.0532), (32, 1.0437), (78, 1.8576)])
def test_expects_the_published_purchases_of_a_random_customer(fitted: BgNbd, weeks: int, published: float) -> None:
    assert fitted.expected_purchases(weeks) == pytest.approx(published, abs=1e-3)


def test_expects_the_published_purchases_of_customer_1(fitted: BgNbd) -> None:
    assert fitted.conditional_expectation(39, 2, 30.43, 38.86) == pytest.approx(1.226, abs=1e-3)
    assert fitted.probability_alive(2, 30.43, 38.86) == pytest.approx(0.7266, abs=1e-3)


def test_diagnostics_tell_how_the_fit_went() -> None:
    _, found = fit(*cdnow.customers())
    assert found.converged and found.gradient < 1e-6 and found.at_bounds == () and 0 < found.iterations < 200
    assert all(
        error is not None and 0 < error < value
        for error, value in zip(found.standard_errors, found.parameters, strict=True)
    )


@settings(deadline=None, max_examples=60)
@given(_models)
def test_the_gradient_is_the_slope(model: BgNbd) -> None:
    x, t_x, age = (column[:200] for column in cdnow.customers())
    likelihood = _Likelihood.of(x, t_x, age, 1.0)
    logs = np.log([model.r, model.alpha, model.a, model.b])
    value, gradient = likelihood(np.exp(logs))
    for index, step in enumerate(np.eye(4) * 1e-4):
        up, down = likelihood(np.exp(logs + step))[0], likelihood(np.exp(logs - step))[0]
        slope = gradient[index] * math.exp(logs[index])
        assert (up - down) / 2e-4 == pytest.approx(slope, rel=1e-4, abs=1e-6 * abs(value))


def test_equal_customers_count_as_often_as_they_are() -> None:
    x, t_x, age = [0, 2, 2, 1], [0, 3, 3, 2], [9, 9, 9, 9]
    once = PUBLISHED.log_likelihood([0, 2, 1], [0, 3, 2], [9, 9, 9], weights=[1, 2, 1])
    assert PUBLISHED.log_likelihood(x, t_x, age) == pytest.approx(once, rel=1e-14)


@settings(deadline=None, max_examples=100)
@given(_models, _customers(), st.floats(-3, 1.5))
def test_the_expectation_is_the_printed_one(model: BgNbd, customer: tuple[float, float, float], power: float) -> None:
    t = 10**power * (model.alpha + customer[2])
    want = exact.conditional_expectation(model, t, *customer)
    assert model.conditional_expectation(t, *customer) == pytest.approx(want, rel=1e-7)
    t = 10**power * model.alpha
    assert model.expected_purchases(t) == pytest.approx(exact.expected_purchases(model, t), rel=1e-7)


def test_the_reference_is_the_formula_as_printed() -> None:
    for model in (PUBLISHED, BgNbd(2.0, 3.0, 1.5, 0.7), BgNbd(0.4, 9.0, 0.2, 0.3)):
        assert exact.expected_purchases(model, 12.0) == pytest.approx(exact.as_printed(model, 12.0), rel=1e-14)


@pytest.mark.parametrize("a", [1.0, 1 + 1e-12, 1 - 1e-9])
@pytest.mark.parametrize("b", [0.5, 1e-3, 3.0])
def test_the_poles_of_the_printed_formula_do_not_show(a: float, b: float) -> None:
    for model in (BgNbd(0.5, 5.0, a, b), BgNbd(0.5, 5.0, 1 - min(b, 0.5), min(b, 0.5))):
        want = exact.conditional_expectation(model, 13.0, 0, 0.0, 4.0)
        assert model.conditional_expectation(13.0, 0, 0.0, 4.0) == pytest.approx(want, rel=1e-9)


_EXTREMES = [
    PUBLISHED,
    BgNbd(1e-3, 1e-3, 1e-3, 1e-3),
    BgNbd(1e4, 1e4, 1e4, 1e4),
    BgNbd(50.0, 1.0, 0.4, 1e4),
    BgNbd(1e-3, 10.0, 1e4, 1e-3),
]


@pytest.mark.parametrize("model", _EXTREMES)
@pytest.mark.parametrize("x", [0, 1, 3000, 100_000])
@pytest.mark.parametrize("age", [0.0, 1e-3, 1000.0])
def test_extremes_are_numbers(model: BgNbd, x: int, age: float) -> None:
    for t_x in (0.0, age / 2, age):
        alive = model.probability_alive(x, t_x, age)
        expected = model.conditional_expectation(13.0, x, t_x, age)
        again = model.probability_of_purchase(13.0, x, t_x, age)
        assert 0 <= alive <= 1 and 0 <= again <= alive and math.isfinite(expected) and expected >= 0
        assert math.isfinite(model.log_likelihood(x, t_x, age))
    if model.alpha + age > 0.5:
        want = exact.conditional_expectation(model, 13.0, x, age, age)
        assert expected == pytest.approx(want, rel=1e-7)


@pytest.mark.parametrize("x", [0, 2, 100, 3000])
@pytest.mark.parametrize(
    "model", [BgNbd(0.3, 0.01, 0.8, 2.5), BgNbd(20.0, 0.001, 0.1, 1.0), BgNbd(0.05, 0.01, 5.0, 0.2)]
)
def test_horizons_far_beyond_the_age_are_exact(model: BgNbd, x: int) -> None:
    want = exact.by_integral(13.0, model.r + x, model.alpha, model.a, model.b + x)
    assert model.purchases_if_alive([13.0], [x], [0.0])[0, 0] == pytest.approx(want, rel=1e-7)


@settings(deadline=None)
@given(_models, _customers())
def test_probabilities_and_expectations_are_in_order(model: BgNbd, customer: tuple[float, float, float]) -> None:
    x, t_x, age = customer
    alive = model.probability_alive(x, t_x, age)
    assert 0 <= alive <= 1
    assert x > 0 or alive == 1
    expected = np.array([model.conditional_expectation(t, x, t_x, age) for t in (0.0, 1.0, 4.0, 13.0, 52.0)])
    again = np.array([model.probability_of_purchase(t, x, t_x, age) for t in (0.0, 1.0, 4.0, 13.0, 52.0)])
    assert expected[0] == again[0] == 0
    assert (np.diff(expected) >= -1e-9 * expected[-1]).all() and (np.diff(again) >= 0).all()
    assert (again <= alive).all()
    # Nobody buys at least once more often than they buy: Markov's inequality.
    assert (again <= expected * (1 + 1e-7)).all()


def test_who_bought_again_lately_is_likelier_alive() -> None:
    alive = PUBLISHED.probability_alive([3, 3, 3], [5.0, 20.0, 38.0], [38.0, 38.0, 38.0])
    assert alive[0] < alive[1] < alive[2]


def test_arrays_and_scalars_say_the_same() -> None:
    x, t_x, age = (column[:50] for column in cdnow.customers())
    together = PUBLISHED.conditional_expectation(13.0, x, t_x, age)
    alone = [float(PUBLISHED.conditional_expectation(13.0, *customer)) for customer in zip(x, t_x, age, strict=True)]
    assert together.tolist() == alone


@pytest.mark.parametrize("drawn", [BgNbd(0.6, 8.0, 0.8, 2.5), BgNbd(3.0, 20.0, 0.5, 6.0)])
def test_finds_the_parameters_that_customers_were_drawn_from(drawn: BgNbd) -> None:
    rows = simulate(60_000, purchases=drawn, values=GammaGamma(6, 4, 15), weeks=80, holdout_weeks=13, seed=3)
    found, how = fit(rows["x"].to_numpy(), rows["t_x_weeks"].to_numpy(), rows["age_weeks"].to_numpy())
    assert how.converged
    for name, error in zip(("r", "alpha", "a", "b"), how.standard_errors, strict=True):
        assert error is not None and error < 0.1 * getattr(drawn, name)
        # Days are whole in the warehouse, which shifts the rate a little; hence 3 %.
        assert abs(getattr(found, name) - getattr(drawn, name)) < 4 * error + 0.03 * getattr(drawn, name)


def test_customers_who_never_leave_are_found_alive() -> None:
    random = np.random.default_rng(1)
    age = np.full(4000, 52.0)
    x = random.poisson(random.gamma(2, 1 / 20, 4000) * age)
    t_x = np.where(x > 0, age * random.beta(np.maximum(x, 1), 1), 0)
    model, how = fit(x, t_x, age)
    assert how.converged and model.probability_alive(x, t_x, age).mean() > 0.97
    assert (model.r, model.alpha) == pytest.approx((2, 20), rel=0.1)
