"""The formulas as the papers print them, in as many digits as it takes. (mpmath's own ₂F₁ is off by 1e-7 in places.)"""

from __future__ import annotations

import mpmath

from customer360.scoring.bg_nbd import BgNbd

_NUDGE = mpmath.mpf(10) ** -20
_LEAST = mpmath.mpf(10) ** -40


def conditional_expectation(model: BgNbd, t: float, x: float, t_x: float, age: float) -> float:
    """Equation 10."""
    with mpmath.workdps(80):
        r, alpha, a, b, t, x, t_x, age = map(mpmath.mpf, (model.r, model.alpha, model.a, model.b, t, x, t_x, age))
        gone = a / (b + x - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x) if x else 0
        return float(_if_alive(t, r + x, alpha + age, a, b + x) / (1 + gone))


def expected_purchases(model: BgNbd, t: float) -> float:
    """Equation 9."""
    with mpmath.workdps(80):
        return float(_if_alive(*map(mpmath.mpf, (t, model.r, model.alpha, model.a, model.b))))


def _if_alive(t: mpmath.mpf, r: mpmath.mpf, alpha: mpmath.mpf, a: mpmath.mpf, b: mpmath.mpf) -> mpmath.mpf:
    # The poles at a = 1 and a + b = 1 can be lifted: a neighbour has the same value.
    if a == 1:
        a += _NUDGE
    if a + b == 1:
        b += _NUDGE
    c, y = a + b - 1, t / (alpha + t)
    # Euler's transformation of the ₂F₁ printed, ₂F₁(r, b; c; y): the same number in a series that ends sooner. Its
    # terms alternate while c − r < 0, which costs digits.
    with mpmath.workdps(80 + int(max(0, r - c))):
        return c / (a - 1) * (1 - (1 - y) ** (a - 1) * hyp2f1(a - 1, c - r, c, y))


def as_printed(model: BgNbd, t: float) -> float:
    """Equation 9 without the transformation, for where its series ends soon."""
    with mpmath.workdps(80):
        r, alpha, a, b, t = map(mpmath.mpf, (model.r, model.alpha, model.a, model.b, t))
        series = hyp2f1(r, b, a + b - 1, t / (alpha + t))
        return float((a + b - 1) / (a - 1) * (1 - (alpha / (alpha + t)) ** r * series))


def hyp2f1(a: mpmath.mpf, b: mpmath.mpf, c: mpmath.mpf, y: mpmath.mpf) -> mpmath.mpf:
    """₂F₁ by its definition, 0 ≤ y < 1."""
    term = total = mpmath.mpf(1)
    for n in range(1_000_000):
        term *= (a + n) * (b + n) / ((c + n) * (n + 1)) * y
        total += term
        if n > -min(a, b, c) and abs(term) < _LEAST * (1 - y) * abs(total):
            return total
    raise ArithmeticError("the series does not end")


def by_integral(t: float, r: float, alpha: float, a: float, b: float) -> float:
    """The mean of (1 − (1 + pt/α)^−r) / p over Beta(a, b): where the series would be too long."""
    with mpmath.workdps(30):
        r, z, a, b = mpmath.mpf(r), mpmath.mpf(t) / mpmath.mpf(alpha), mpmath.mpf(a), mpmath.mpf(b)

        def integrand(u: mpmath.mpf) -> mpmath.mpf:
            p, q = 1 / (1 + mpmath.exp(-u)), 1 / (1 + mpmath.exp(u))
            return -mpmath.expm1(-r * mpmath.log1p(p * z)) / p * p**a * q**b

        reach = 50 / min(a, b, 1)
        pieces = [-reach, *range(-30, 31, 2), reach]
        return float(mpmath.quad(integrand, pieces) / mpmath.beta(a, b))
