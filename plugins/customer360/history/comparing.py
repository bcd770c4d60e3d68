"""What changed in `marts.customer_360` between two days: people, columns, biggest movers, moves between segments."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from customer360.errors import WarehouseError
from customer360.history.reading import AT, refuse_unkept
from customer360.history.tables import KEPT, PERSON, VERSIONS, content, differs_in
from customer360.project import Column, Project
from customer360.settings import Parameter
from customer360.warehouse.port import Warehouse

_SQL = Path(__file__).with_name("sql")


@dataclass(frozen=True)
class Arrival:
    """Somebody who is in one of the days only. what: arrived, gone or merged"""

    customer360_id: str
    what: str
    merged_into: str | None


@dataclass(frozen=True)
class Mover:
    """A person's value of a column on both days; change = after − before."""

    column: str
    customer360_id: str
    before: Decimal
    after: Decimal
    change: Decimal


@dataclass(frozen=True)
class Move:
    """How many people went from one segment to another. segment: the column; None: in no segment"""

    segment: str
    before: str | None
    after: str | None
    people: int


@dataclass(frozen=True)
class Comparison:
    """Two days side by side.

    arrived, gone, merged: people in one day only, merged: whose id stands for another person on the later day
    changed: people in both who differ in more than what every day changes by itself
    columns: of those in both, how many differ in each column, most first; columns that nobody differs in are left out
    arrivals, movers: the first of each kind
    """

    from_day: date
    to_day: date
    people_before: int
    people_after: int
    arrived: int
    gone: int
    merged: int
    changed: int
    columns: dict[str, int]
    arrivals: tuple[Arrival, ...]
    movers: tuple[Mover, ...]
    moves: tuple[Move, ...]


def compare(
    warehouse: Warehouse, queries: Path, project: Project, from_day: date, to_day: date, *, most: int = 5
) -> Comparison:
    """Compare two kept days. `most`: how many people are named of each kind.

    A day that was not kept is a WarehouseError, as is a first day that is not before the second.
    """
    if from_day >= to_day:
        raise WarehouseError(f"{from_day} is not before {to_day}: the first day is the earlier one")
    refuse_unkept(warehouse, queries, [from_day, to_day])
    days = _Days(warehouse, queries, from_day, to_day, most)
    compared = [column for column in project.spec(KEPT).columns if column.name not in (PERSON, "run_date")]
    lasting = {column.name for column in content(project.spec(VERSIONS))}
    counts = days.ask(_changes(compared, lasting))[0]
    found: dict[str, int] = {name: count for name, count in counts.items() if name != "_any" and count}
    return Comparison(
        from_day=from_day,
        to_day=to_day,
        **days.ask(_read("people"))[0],
        changed=counts["_any"],
        columns=dict(sorted(found.items(), key=lambda each: (-each[1], each[0]))),
        arrivals=tuple(Arrival(**row) for row in days.ask(_read("examples"))),
        movers=tuple(
            Mover(row["column_name"], row[PERSON], row["value_before"], row["value_after"], row["change"])
            for row in days.ask(_read("movers"))
        ),
        moves=tuple(
            Move(row["segment"], row["segment_before"], row["segment_after"], row["people"])
            for row in days.ask(_read("moves"))
        ),
    )


@dataclass(frozen=True)
class _Days:
    """Queries over the two days, called `before` and `after`."""

    warehouse: Warehouse
    queries: Path
    from_day: date
    to_day: date
    most: int

    def ask(self, sql: str) -> list[dict[str, Any]]:
        parameters = {
            "from_day": Parameter("DATE", self.from_day),
            "to_day": Parameter("DATE", self.to_day),
            "customer360_ids": Parameter("ARRAY<STRING>", []),
            "most": Parameter("INT64", self.most),
        }
        named, _, rest = sql.rpartition("WITH\n")
        text = (
            f"{named}WITH\nbefore AS (\n{self._of('from_day')}\n),\nafter AS (\n{self._of('to_day')}\n)"
            f"{',' if named else ''}\n{rest}"
        )
        used = {name: value for name, value in parameters.items() if f"@{name}" in text}
        return list(self.warehouse.query(text, parameters=used).to_pylist())

    def _of(self, day: str) -> str:
        return re.sub(r"@as_of\b", f"@{day}", self._text)

    @cached_property
    def _text(self) -> str:
        return (self.queries / AT).read_text(encoding="utf-8")


def _changes(columns: Iterable[Column], lasting: Collection[str]) -> str:
    """How many people differ in each column, and `_any` in at least one of the `lasting` ones. One row."""
    conditions = {column.name: differs_in(column, "before", "after") for column in columns}
    flags = ", ".join(f"({condition}) AS `{name}`" for name, condition in conditions.items())
    counts = ", ".join(f"COUNTIF(compared.`{name}`) AS `{name}`" for name in conditions)
    any_of = " OR ".join(f"compared.`{name}`" for name in conditions if name in lasting)
    return (
        f"SELECT {counts}, COUNTIF({any_of}) AS _any FROM (SELECT {flags} FROM before"
        f" INNER JOIN after ON before.{PERSON} = after.{PERSON}) AS compared"
    )


def _read(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")
