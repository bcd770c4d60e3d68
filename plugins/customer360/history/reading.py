"""Reading a day again: the rows of `marts.customer_360` as they were published for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from customer360.errors import WarehouseError
from customer360.project.platform import PUBLISHED
from customer360.settings import Parameter
from customer360.warehouse.port import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

AT = "customer_360_at.sql"
_DAYS = "customer_360_days.sql"


def customer_360_at(warehouse: Warehouse, queries: Path, day: date, *, people: Sequence[str] = ()) -> pa.Table:
    """What `marts.customer_360` said on a day, column by column; of `people` (ids of that day) only, where given.

    `queries` is the project's folder sql/queries. A day that was not kept is a WarehouseError that names the nearest.
    """
    refuse_unkept(warehouse, queries, [day])
    return warehouse.query(
        (queries / AT).read_text(encoding="utf-8"),
        parameters={
            "as_of": Parameter("DATE", day),
            "customer360_ids": Parameter("ARRAY<STRING>", list(people)),
        },
    )


def kept_days(warehouse: Warehouse, queries: Path) -> list[date]:
    """The days that can be read, in order."""
    if warehouse.columns(PUBLISHED.name) is None:
        return []
    days: list[date] = warehouse.query((queries / _DAYS).read_text(encoding="utf-8"))["run_date"].to_pylist()
    return days


def refuse_unkept(warehouse: Warehouse, queries: Path, days: Sequence[date]) -> None:
    """Raise WarehouseError for the first of these days that was not kept."""
    kept = kept_days(warehouse, queries)
    if not kept:
        raise WarehouseError(
            "no day of marts.customer_360 is kept yet: `c360 run` or the Dag customer_360_daily keeps one"
        )
    for day in days:
        if day not in kept:
            before = [str(other) for other in kept if other < day][-1:]
            after = [str(other) for other in kept if other > day][:1]
            raise WarehouseError(
                f"marts.customer_360 of {day} is not kept; the nearest {'days are' if before and after else 'day is'}"
                f" {' and '.join(before + after)}"
            )
