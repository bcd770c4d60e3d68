"""The tables that history is kept in, and SQL made of their column names.

`customer_360_daily` has a row per person and day: what changes every day. `customer_360_history` has a row per person
only for days on which something else changed, or after `REPEATED_AFTER` days without a change; so a day is read from at
most that many partitions. Both are only ever written a day at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from customer360.googlesql import types
from customer360.project.model import Column, TableSpec
from customer360.project.names import TableName

KEPT = TableName("marts", "customer_360")
VERSIONS = TableName("marts", "customer_360_history")
DAYS = TableName("marts", "customer_360_daily")
PERSON = "customer360_id"
# A version that is older is stored again, so that reading a day looks at so many partitions before it and no more.
REPEATED_AFTER = 30


def content(spec: TableSpec) -> tuple[Column, ...]:
    """The columns of a history table that are columns of `marts.customer_360`: all but the day it is partitioned by."""
    assert spec.partition is not None, f"{spec.name} has no partitions"
    return tuple(column for column in spec.columns if column.name != spec.partition.column)


def listed(columns: Iterable[Column], alias: str = "") -> str:
    """Column names for a SELECT."""
    return ", ".join(f"{alias}.`{column.name}`" if alias else f"`{column.name}`" for column in columns)


def differs(columns: Iterable[Column], one: str, other: str) -> str:
    """A condition: whether two rows, of the aliases `one` and `other`, differ in any of the columns."""
    return " OR ".join(f"({differs_in(column, one, other)})" for column in columns)


def differs_in(column: Column, one: str, other: str) -> str:
    """A condition: whether two rows differ in a column. NULL is a value like others, but an array
    that is NULL is empty, as wherever one is stored. Arrays differ by their order too."""
    type_ = types.parse(column.type)
    left, right = f"{one}.`{column.name}`", f"{other}.`{column.name}`"
    if type_.element is None:
        return f"{left} IS DISTINCT FROM {right}"
    lengths = f"COALESCE(ARRAY_LENGTH({left}), 0) != COALESCE(ARRAY_LENGTH({right}), 0)"
    if type_.element == types.STRING:
        # Joined by one character, different texts may read alike; joined by another too, they are the same.
        texts = (f"COALESCE(ARRAY_TO_STRING({{}}, '{character}'), '')" for character in ",;")
        return " OR ".join([lengths, *(f"{text.format(left)} != {text.format(right)}" for text in texts)])
    inside = " OR ".join(_parts(type_.element, f"{right}[SAFE_OFFSET(position)]"))
    return f"{lengths} OR EXISTS (SELECT 1 FROM UNNEST({left}) AS each_one WITH OFFSET AS position WHERE {inside})"


def is_nested(column: Column) -> bool:
    """Whether two values can only be compared element by element, which costs as much as all other columns together."""
    element = types.parse(column.type).element
    return element is not None and element != types.STRING


def _parts(element: types.Type, other: str) -> Iterator[str]:
    """Whether an element, `each_one`, differs from another: by its fields, because structs cannot be compared."""
    if not element.fields:
        yield f"each_one IS DISTINCT FROM {other}"
    for field, _ in element.fields:
        yield f"each_one.`{field}` IS DISTINCT FROM {other}.`{field}`"
