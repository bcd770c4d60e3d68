"""Maximum likelihood over positive parameters, and what is to be known of how it went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from customer360.scoring.arrays import Floats

# Parameters → log-likelihood, and its gradient by parameter.
LogLikelihood = Callable[[Floats], tuple[float, Floats]]
# Of a million customers' mean log-likelihood: a hundredth of what chance alone would make of the slope. Where a
# parameter is at its bound, rounding in the others' gradient comes to some 1e-6.
_GRADIENT_TOLERANCE = 1e-5
_DIFFERENCE = 1e-4


@dataclass(frozen=True)
class Maximum:
    """Where a log-likelihood is greatest.

    gradient: its largest slope there, of the mean log-likelihood by log-parameter, where a bound does not stop it
    standard_errors: of the parameters, from the curvature; None for one that the data do not determine
    at_bounds: indexes of parameters that ran into a bound, as one does that the data would have at 0 or infinity
    """

    parameters: tuple[float, ...]
    log_likelihood: float
    converged: bool
    iterations: int
    gradient: float
    standard_errors: tuple[float | None, ...]
    at_bounds: tuple[int, ...]


def maximise(
    log_likelihood: LogLikelihood, *, start: Sequence[float], bounds: Sequence[tuple[float, float]], count: float
) -> Maximum:
    """Climb from `start` over the logarithms of the parameters with L-BFGS-B and the exact gradient.

    `count` is the number of observations: the mean is climbed, so that tolerances mean the same for any number.
    """
    from scipy.optimize import minimize

    def objective(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = log_likelihood(parameters)
        return -value / count, -gradient * parameters / count

    limits = np.log(np.asarray(bounds, dtype=np.float64))
    found = minimize(
        objective,
        np.log(np.asarray(start, dtype=np.float64)),
        jac=True,
        method="L-BFGS-B",
        bounds=limits,
        options={"maxiter": 2000, "maxfun": 5000, "ftol": 1e-15, "gtol": 1e-9, "maxcor": 20},
    )
    logs = np.asarray(found.x, dtype=np.float64)
    value, slope = objective(logs)
    low, high = np.isclose(logs, limits[:, 0]), np.isclose(logs, limits[:, 1])
    free = ~((low & (slope > 0)) | (high & (slope < 0)))
    steepest = float(np.abs(slope[free]).max(initial=0.0))
    return Maximum(
        parameters=tuple(float(p) for p in np.exp(logs)),
        log_likelihood=-value * count,
        converged=bool(np.isfinite(value) and steepest < _GRADIENT_TOLERANCE),
        iterations=int(found.nit),
        gradient=steepest,
        standard_errors=_standard_errors(objective, logs, count, free),
        at_bounds=tuple(int(i) for i in np.flatnonzero(~free)),
    )


def _standard_errors(
    objective: Callable[[Floats], tuple[float, Floats]],
    logs: Floats,
    count: float,
    free: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> tuple[float | None, ...]:
    """From the inverse of the observed information, by differences of the exact gradient, of the free parameters."""
    where = np.flatnonzero(free)
    steps = np.eye(len(logs))[where] * _DIFFERENCE
    curvature = np.array([(objective(logs + step)[1] - objective(logs - step)[1])[where] for step in steps])
    information = count * (curvature + curvature.T) / (4 * _DIFFERENCE)
    errors: list[float | None] = [None] * len(logs)
    known = len(where) and np.isfinite(information).all()
    if known and np.linalg.cond(information) < 1 / np.finfo(np.float64).eps:
        variances = np.diag(np.linalg.inv(information))
        for index, variance in zip(where, variances, strict=True):
            errors[index] = float(np.exp(logs[index]) * np.sqrt(variance)) if variance > 0 else None
    return tuple(errors)
