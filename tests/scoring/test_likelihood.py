"""The climb itself, on likelihoods whose tops are known."""

from __future__ import annotations

import numpy as np
import pytest

from customer360.scoring.arrays import Floats
from customer360.scoring.likelihood import maximise


def _bell(top: Floats, curvature: Floats):  # type: ignore[no-untyped-def]
    def log_likelihood(parameters: Floats) -> tuple[float, Floats]:
        away = np.log(parameters / top)
        return float(-(curvature * away**2).sum() / 2), -curvature * away / parameters

    return log_likelihood


def test_finds_the_top_and_its_width() -> None:
    found = maximise(
        _bell(np.array([3.0, 0.2]), np.array([400.0, 100.0])), start=(1, 1), bounds=[(1e-3, 1e3)] * 2, count=10
    )
    assert found.converged and found.at_bounds == ()
    assert found.parameters == pytest.approx((3.0, 0.2), rel=1e-6)
    # A standard deviation of 1/√curvature in the logarithm.
    assert found.standard_errors == pytest.approx((3.0 / 20, 0.2 / 10), rel=1e-4)


def test_a_top_beyond_a_bound_is_said_and_has_no_error() -> None:
    found = maximise(
        _bell(np.array([50.0, 2.0]), np.array([4.0, 9.0])), start=(1, 1), bounds=[(0.1, 10), (0.1, 10)], count=1
    )
    assert found.converged and found.at_bounds == (0,)
    assert found.parameters == pytest.approx((10, 2)) and found.standard_errors[0] is None and found.standard_errors[1]


def test_a_likelihood_that_is_no_number_has_not_converged() -> None:
    found = maximise(lambda p: (float("nan"), np.full(1, np.nan)), start=(1,), bounds=[(0.1, 10)], count=1)
    assert not found.converged


def test_a_direction_without_information_has_no_error() -> None:
    found = maximise(
        _bell(np.array([3.0, 1.0]), np.array([400.0, 0.0])), start=(1, 1), bounds=[(1e-3, 1e3)] * 2, count=10
    )
    assert found.converged and found.standard_errors == (None, None)
