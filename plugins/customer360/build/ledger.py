"""What each writing of a table changed, as ops.writes has it: a chain from what is published back to the first build.

A writing names the published one it is based on. So what has changed since any earlier writing is the sum of the steps
back to it; where a step is missing, or rebuilt the table whole, everything may have changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

import pyarrow as pa

from customer360.project import TableName
from customer360.project.platform import WRITES
from customer360.settings import Parameter
from customer360.warehouse.port import RunInfo, Warehouse

Change = Literal["all", "some", "none"]

_WRITINGS = """
SELECT table_name, table_version, base_version, run_date, content, change, touched, due, inputs
FROM ops.writes
WHERE table_name IN UNNEST(@names)
QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name, table_version ORDER BY written_at DESC, run_id DESC) = 1
"""


@dataclass(frozen=True)
class Writing:
    """One writing. `touched`: column → days with changed rows; `due`: column → (day, the later day it counts from)."""

    table: TableName
    version: str
    base: str | None
    run_date: date
    content: str
    change: Change
    touched: Mapping[str, frozenset[date]] = field(default_factory=dict)
    due: Mapping[str, frozenset[tuple[date, date]]] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    partitions: tuple[date, ...] = ()
    reasons: tuple[str, ...] = ()

    def row(self, run: RunInfo) -> pa.Table:
        """The row of ops.writes."""
        row: dict[str, Any] = {
            "run_id": run.run_id,
            "run_date": self.run_date,
            "table_name": str(self.table),
            "table_version": self.version,
            "base_version": self.base,
            "content": self.content,
            "change": self.change,
            "partitions": list(self.partitions),
            # A column without days is known not to have changed: NULL stands for that.
            "touched": [
                {"column_name": column, "day": day}
                for column, days in self.touched.items()
                for day in sorted(days) or (None,)
            ],
            "due": [
                {"column_name": column, "day": day, "due": due}
                for column, pairs in self.due.items()
                for day, due in sorted(pairs)
            ],
            "inputs": [{"table_name": name, "table_version": version} for name, version in self.inputs.items()],
            "reasons": list(self.reasons),
            "written_at": datetime.now(UTC),
        }
        return pa.Table.from_pylist([row], schema=WRITES.arrow_schema)


@dataclass(frozen=True)
class Changes:
    """What has changed between two writings of a table."""

    change: Change
    touched: Mapping[str, frozenset[date]] = field(default_factory=dict)

    def days(self, column: str) -> frozenset[date] | None:
        """The days of a column that have changed rows; None where that is not known."""
        if self.change == "none":
            return frozenset()
        return None if self.change == "all" else self.touched.get(column)


class Ledger:
    """The writings of some tables, read once."""

    def __init__(self, warehouse: Warehouse, names: Iterable[TableName]) -> None:
        wanted = Parameter("ARRAY<STRING>", sorted({str(name) for name in names}))
        rows = warehouse.query(_WRITINGS, parameters={"names": wanted}).to_pylist()
        self._writings = {(row["table_name"], row["table_version"]): _writing(row) for row in rows}

    def writing(self, name: TableName, version: str | None) -> Writing | None:
        """The writing of that version; None where none is recorded."""
        return self._writings.get((str(name), version or ""))

    def changes(self, name: TableName, since: str | None, until: str | None) -> Changes:
        """What has changed from the writing `since` to `until`, following the chain back."""
        touched: dict[str, frozenset[date]] = {}
        change: Change = "none"
        version = until
        while version != since:
            found = self.writing(name, version)
            if found is None or found.change == "all":
                return Changes("all")
            if found.change == "some":
                # A column that one of the steps says nothing about is unknown.
                known = found.touched if change == "none" else {c: touched[c] for c in touched if c in found.touched}
                touched = {column: touched.get(column, frozenset()) | found.touched[column] for column in known}
                change = "some"
            version = found.base
        return Changes(change, touched)

    def due(self, name: TableName, column: str, after: date, until: date) -> frozenset[date]:
        """Days of a column whose rows were known before, but count only from a day in (after, until]."""
        pairs = [
            pair for (table, _), w in self._writings.items() if table == str(name) for pair in w.due.get(column, ())
        ]
        return frozenset(day for day, due in pairs if after < due <= until)


def _writing(row: Mapping[str, Any]) -> Writing:
    touched: dict[str, set[date]] = {}
    for each in row["touched"] or ():
        touched.setdefault(each["column_name"], set())
        if each["day"] is not None:
            touched[each["column_name"]].add(each["day"])
    due: dict[str, set[tuple[date, date]]] = {}
    for each in row["due"] or ():
        due.setdefault(each["column_name"], set()).add((each["day"], each["due"]))
    return Writing(
        table=TableName.parse(row["table_name"]),
        version=row["table_version"],
        base=row["base_version"],
        run_date=row["run_date"],
        content=row["content"],
        change=row["change"],
        touched={column: frozenset(days) for column, days in touched.items()},
        due={column: frozenset(pairs) for column, pairs in due.items()},
        inputs={each["table_name"]: each["table_version"] for each in row["inputs"] or ()},
    )
