"""What a check is: a small thing really done, what was found, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from customer360.errors import Customer360Error


class Status(StrEnum):
    """`WARNED` holds nothing up: a run would work, but somebody should know."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Advice:
    """What to do: a sentence or two, and commands that can be pasted as they are."""

    text: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What a check found: `detail` in one line, for a failure in the words of whoever refused."""

    status: Status
    detail: str = ""
    advice: Advice | None = None


@dataclass(frozen=True)
class Check:
    """One line of the report. It is skipped unless all that it `needs` (names of earlier checks) went well.

    explain: what to tell of an error that it raises
    """

    group: str
    name: str
    run: Callable[[], Finding]
    needs: tuple[str, ...] = ()
    explain: Callable[[Customer360Error], Finding] = lambda error: Finding(Status.FAILED, str(error))


@dataclass(frozen=True)
class Result:
    """A check and what it found; `seconds` of wall time."""

    check: Check
    finding: Finding
    seconds: float


def passed(detail: str = "") -> Finding:
    return Finding(Status.PASSED, detail)


def warned(detail: str, text: str, *commands: str) -> Finding:
    return Finding(Status.WARNED, detail, Advice(text, commands))


def failed(detail: str, text: str, *commands: str) -> Finding:
    return Finding(Status.FAILED, detail, Advice(text, commands))


def skipped(reason: str) -> Finding:
    return Finding(Status.SKIPPED, reason)


def examine(checks: Iterable[Check], begin: Callable[[Check], None] = lambda _: None) -> Iterator[Result]:
    """Run the checks in order, each result as it comes; `begin` hears of each before it runs."""
    found: dict[str, Status] = {}
    for check in checks:
        begin(check)
        started = time.monotonic()
        missing = [name for name in check.needs if found.get(name) not in (Status.PASSED, Status.WARNED)]
        finding = skipped(_because(missing[0], found.get(missing[0]))) if missing else _run(check)
        found[check.name] = finding.status
        yield Result(check, finding, time.monotonic() - started)


def _because(name: str, status: Status | None) -> str:
    return f"it needs {name}, which {'failed' if status is Status.FAILED else 'was skipped'}"


def _run(check: Check) -> Finding:
    try:
        return check.run()
    except Customer360Error as error:
        return check.explain(error)
