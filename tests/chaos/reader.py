"""Somebody who reads the whole time, in a process of their own, and never may see half a publish."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from multiprocessing.connection import Connection as Pipe
from typing import Any

from chaos.oracle import fingerprint
from chaos.worker import Task, context
from customer360.project import Project, TableName

_STATE = (
    "SELECT table_name, run_date, row_count FROM ops.published"
    " QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY published_at DESC, run_id DESC) = 1"
)
# Money is the same wherever it is told; nobody whom a source knows is missing.
_PEOPLE = (
    "SELECT (SELECT SUM(total_revenue) FROM marts.customer_360),"
    " (SELECT total_revenue FROM dashboards.agg_kpis), (SELECT people FROM dashboards.agg_kpis),"
    " (SELECT COUNT(*) FROM marts.customer_360), (SELECT COUNT(DISTINCT run_date) FROM marts.customer_360)"
)
_NOBODY = (
    "SELECT COUNT(*) FROM staging.stg_crm__customer_info AS c WHERE NOT EXISTS (SELECT 1 FROM identity.identity_map AS m"
    " WHERE m.source_system = 'crm' AND m.source_customer_id = c.customer_id)"
)


@dataclass
class Seen:
    """What a reader has seen: how many snapshots, of which days the layers were in them, and what was wrong."""

    looks: int = 0
    states: set[tuple[tuple[str, date], ...]] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


@contextmanager
def reading(task: Task, expected: Mapping[date, Mapping[str, str]]) -> Iterator[Seen]:
    """Somebody reads a lake meanwhile; what they saw is complete at the end. `expected`: of each day, what every
    published table is (`oracle.fingerprints`)."""
    made, seen = context(), Seen()
    mine, its = made.Pipe()
    process = made.Process(target=_read, args=(its, task, expected), daemon=True)
    process.start()
    its.close()
    try:
        assert mine.poll(60) and mine.recv() == "reading"
        yield seen
    finally:
        mine.send("enough")
        found = mine.recv() if mine.poll(60) else Seen(problems=["the reader did not come back"])
        process.join(10)
        seen.looks, seen.states, seen.problems = found.looks, found.states, found.problems


def _read(pipe: Pipe, task: Task, expected: Mapping[date, Mapping[str, str]]) -> None:
    seen = Seen()
    build = task.open()
    connection = build.warehouse.connection
    pipe.send("reading")
    while True:
        try:
            connection.execute("BEGIN")
            layers, problems = look(connection, build.project, expected)
            connection.execute("COMMIT")
            seen.looks += 1
            seen.states.add(tuple(sorted(layers.items())))
            seen.problems += problems
        except Exception:  # noqa: BLE001 a reader is never refused either
            seen.problems.append(traceback.format_exc())
        if len(seen.problems) > 5 or pipe.poll(1.0):
            break
    build.warehouse.close()
    pipe.send(seen)


def look(
    connection: Any, project: Project, expected: Mapping[date, Mapping[str, str]]
) -> tuple[dict[str, date], list[str]]:
    """One snapshot: the day of each layer, and what does not hold."""
    problems: list[str] = []
    days: dict[str, set[date]] = {}
    for text, day, row_count in connection.execute(_STATE).fetchall():
        name = TableName.parse(text)
        days.setdefault(name.dataset, set()).add(day)
        found = fingerprint(connection, project, name)
        if found != expected[day][text]:
            problems.append(f"{text} of {day} is {found} and should be {expected[day][text]}, {row_count} published")
    problems += [f"{layer} is at {sorted(found)}" for layer, found in days.items() if len(found) > 1]
    layers = {layer: max(found) for layer, found in days.items()}
    spent, told, counted, people, of_days = connection.execute(_PEOPLE).fetchone()
    if of_days != 1:
        problems.append(f"marts.customer_360 is of {of_days} days")
    if layers["marts"] == layers["dashboards"] and (Decimal(spent), people) != (Decimal(told), counted):
        problems.append(f"dashboards say {told} of {counted} people, marts {spent} of {people}")
    (nobody,) = connection.execute(_NOBODY).fetchone()
    if layers["staging"] == layers["identity"] and nobody:
        problems.append(f"{nobody} source customers are nobody")
    return layers, problems
