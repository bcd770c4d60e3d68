"""What must hold of a day, whatever went wrong in it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from cloud_server import Entry, Fault

from customer360.errors import Customer360Error
from faults.scenario import Day, destination

_LOGS = ("ops.jobs", "ops.published")
# Where to look: the job's page, a table, an object.
_WHERE = re.compile(r"https://console\.cloud\.google\.com/bigquery\?|gs://\S+|\b(raw_web|core|ops)\b")
_WHAT_TO_DO = re.compile(
    r"clear the task|tried again by itself|wait until .* or raise it at https://|renew them|c360 doctor"
)


@dataclass(frozen=True)
class Undisturbed:
    """A day on which nothing went wrong."""

    state: dict[str, Any]
    executions: Counter[tuple[str, str]]
    log: tuple[Entry, ...]


def run_to_the_end(day: Day, faults: list[Fault]) -> None:
    """Run, and where a run fails, see that it says what to do, and do it: run again, until nothing is left to go wrong."""
    times = sum(fault.times for fault in faults) + 1
    for _ in range(times):
        error = day.run().error
        if error is None:
            return
        check_sentence(error)
    raise AssertionError(f"the run still fails after {times} times: {error}") from error


def check_sentence(error: Customer360Error) -> None:
    text = str(error)
    assert _WHERE.search(text), f"does not say where: {text}"
    assert _WHAT_TO_DO.search(text), f"does not say what to do: {text}"


def check(day: Day, undisturbed: Undisturbed) -> None:
    """The same tables, each job done once, nothing left over, and no work done twice without need."""
    server = day.server
    assert not server.violations, server.violations
    assert max(server.executed.values()) == 1
    state, expected = day.state(), undisturbed.state
    assert state.keys() == expected.keys()
    for part, wanted in expected.items():
        found = state[part]
        if part == "rows":  # the logs may say more
            wanted = {table: rows for table, rows in wanted.items() if table not in _LOGS}
            found = {table: rows for table, rows in found.items() if table not in _LOGS}
        assert found == wanted, part
    _check_costs(day, state["rows"]["ops.jobs"], expected["rows"]["ops.jobs"])
    _check_published(day, state["rows"]["ops.published"], expected["rows"]["ops.published"])
    _check_work(day, undisturbed)


def _check_work(day: Day, undisturbed: Undisturbed) -> None:
    """A step that is tried again may do its work again, under another id: never within one try."""
    tries = day.outcome.tries
    for (step, written), times in (day.executions() - undisturbed.executions).items():
        if written:  # reading may be repeated
            again = tries[step] - 1 if step else sum(tries.values()) - len(tries)
            assert times <= again, f"{step}: {written} was written {times} times more than on other days"

    appended = Counter(
        job_id.rpartition("-")[0]  # without the attempt
        for job_id, job in day.server.jobs.items()
        if job["configuration"].get("load", {}).get("writeDisposition") == "WRITE_APPEND"
        and job_id in day.server.executed
    )
    assert max(appended.values()) == 1, f"the same rows were appended again: {appended.most_common(1)}"


def _check_costs(day: Day, logged: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """ops.jobs has each job at most once, and every step is there. A try that failed after its job leaves a row too."""
    jobs = [row["job_id"] for row in day.server.rows("ops", "jobs")]
    assert len(set(jobs)) == len(jobs), "a job is logged twice"
    one_each = {str(row): row for row in logged}
    assert list(one_each.values()) == expected


def _check_published(day: Day, logged: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """One row per table and publish: a try that published one table and failed at another has its row too. A reader as
    of the run sees a copy: all of them are of the same candidate."""
    one_each = {str(row): row for row in logged}
    assert list(one_each.values()) == expected
    copies = day.executions()
    for table in {row["table_name"] for row in expected}:
        stamps = [row["published_at"] for row in day.server.rows("ops", "published") if row["table_name"] == table]
        assert len(stamps) <= copies["publish", table]
        ends = [
            int(job["statistics"]["endTime"])
            for job_id, job in day.server.jobs.items()
            if job_id in day.server.executed and destination(job) == table
        ]
        assert max(stamps).timestamp() * 1000 > min(ends)
