"""How long scores take: simulated customers fitted, scored and calibrated, each step timed, with the peak memory.

    python benchmarks/scoring.py --customers 1_000_000

The target is a million customers scored in 60 s. The customers are drawn from known parameters, which the fit should
find again; what it found is printed beside them.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import TypeVar

from customer360.scoring import HOLDOUT_DAYS, Calibration, Fit, calibrate, fit, score
from customer360.scoring.bg_nbd import BgNbd
from customer360.scoring.gamma_gamma import GammaGamma
from customer360.scoring.simulation import simulate

PURCHASES, VALUES = BgNbd(0.6, 8.0, 0.8, 2.5), GammaGamma(6.0, 3.7, 15.0)
RUN_DATE = date(2024, 6, 30)
_Result = TypeVar("_Result")


def timed(what: str, step: Callable[[], _Result]) -> _Result:
    started = time.perf_counter()
    result = step()
    print(f"  {what:44}{time.perf_counter() - started:8.2f} s")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=730, help="over which first purchases are spread")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    history = simulate(
        arguments.customers,
        purchases=PURCHASES,
        values=VALUES,
        weeks=arguments.days / 7,
        holdout_weeks=HOLDOUT_DAYS / 7,
        seed=arguments.seed,
    )
    print(f"{arguments.customers:,} customers, first purchases over {arguments.days} days")
    found = timed("fit (BG/NBD and Gamma-Gamma)", lambda: fit(history, fitted_on=RUN_DATE))
    if not isinstance(found, Fit):
        raise SystemExit(found.reason)
    scores = timed("score (target 60 s a million)", lambda: score(history, found))
    checked = timed(
        "calibrate (with a fit of its own)",
        lambda: calibrate(history, fitted_on=RUN_DATE - timedelta(days=HOLDOUT_DAYS), compared_until=RUN_DATE),
    )
    assert len(scores) == arguments.customers, scores
    print(f"  drawn from {PURCHASES}, {VALUES}")
    print(f"  found      {found.bg_nbd}, {found.gamma_gamma}")
    if isinstance(checked, Calibration):
        print(f"  held out: {checked.total.predicted:,.0f} purchases expected, {checked.total.actual:,} came")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
