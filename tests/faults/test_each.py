"""Every fault at every kind of request of the day: the same tables in the end, or a sentence that says what to do."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from faults.kinds import KINDS, SILENT, places
from faults.oracle import Undisturbed, check, run_to_the_end
from faults.scenario import Day

SWEEP = "C360_FAULT_SEEDS" in os.environ


@pytest.mark.parametrize("kind", KINDS)
def test_once_at_every_kind_of_request(kind: str, new_day: Callable[[], Day], undisturbed: Undisturbed) -> None:
    at = places(kind, undisturbed.log)
    assert at, f"no request of the day can suffer {kind}"
    day = new_day()
    faults = [KINDS[kind](method=method) for method in at]
    day.server.faults += faults
    run_to_the_end(day, faults)
    assert not [fault.method for fault in faults if fault.times], "did not happen"
    check(day, undisturbed)
    if kind in SILENT:
        assert day.outcome.errors == []


@pytest.mark.skipif(not SWEEP, reason="make test-faults")
@pytest.mark.parametrize("kind", KINDS)
def test_at_every_single_request(kind: str, new_day: Callable[[], Day], undisturbed: Undisturbed) -> None:
    """Each alone, at the first, the middle and the last request of its method."""
    for method, numbers in places(kind, undisturbed.log).items():
        for number in sorted({0, len(numbers) // 2, len(numbers) - 1}):
            day = new_day()
            fault = KINDS[kind](method=method, skip=number)
            day.server.faults.append(fault)
            try:
                run_to_the_end(day, [fault])
                assert not fault.times, "did not happen"
                check(day, undisturbed)
                assert not (kind in SILENT and day.outcome.errors), day.outcome.errors
            except AssertionError as error:
                raise AssertionError(f"{kind} at {method} number {number}: {error}") from error
