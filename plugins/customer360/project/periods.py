"""Partitions as days: the first day of each, and conditions that select the rows of some."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from customer360.project.model import Granularity, TableSpec


def start_of(day: date, granularity: Granularity) -> date:
    """The first day of the partition that a day is in."""
    return {"DAY": day, "MONTH": day.replace(day=1), "YEAR": day.replace(month=1, day=1)}[granularity]


def end_of(day: date, granularity: Granularity) -> date:
    """The first day after the partition that a day is in."""
    if granularity == "DAY":
        return day + timedelta(days=1)
    if granularity == "YEAR" or day.month == 12:
        return date(day.year + 1, 1, 1)
    return date(day.year, day.month + 1, 1)


def starts(days: Iterable[date], granularity: Granularity) -> tuple[date, ...]:
    """The first days of the partitions that these days are in, each once, in order."""
    return tuple(sorted({start_of(day, granularity) for day in days}))


def between(first: date, last: date, granularity: Granularity) -> tuple[date, ...]:
    """The first days of all partitions from one day to another, both included; none where the first is later."""
    found = []
    day = start_of(first, granularity)
    while first <= last and day <= last:
        found.append(day)
        day = end_of(day, granularity)
    return tuple(found)


def condition(column: str, type_: str, partitions: Iterable[date], granularity: Granularity) -> str:
    """GoogleSQL that is true for rows of these partitions: comparisons with constants, by which engines skip files."""
    spans: list[tuple[date, date]] = []
    for first in starts(partitions, granularity):
        end = end_of(first, granularity)
        if spans and spans[-1][1] == first:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((first, end))
    if not spans:
        return "FALSE"
    name = f"`{column}`"
    text = " OR ".join(f"({name} >= {_at(a, type_)} AND {name} < {_at(b, type_)})" for a, b in spans)
    return f"({text})"


def outside(spec: TableSpec, partitions: Iterable[date]) -> str:
    """GoogleSQL for a table's rows in other partitions than these, or in none."""
    assert spec.partition is not None, f"{spec.name} has no partitions"
    column = spec.partition.column
    wanted = condition(column, spec.schema[column], partitions, spec.partition.granularity)
    return f"SELECT * FROM {spec.name} WHERE COALESCE(NOT {wanted}, TRUE)"


def _at(day: date, type_: str) -> str:
    return f"DATE '{day}'" if type_ == "DATE" else f"TIMESTAMP '{day} 00:00:00+00'"
