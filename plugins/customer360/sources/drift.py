"""Drift: how a source's columns differ from what the last load of an earlier date saw.

Every difference is a row of ops.schema_changes, once: the same one on the following days is not told again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from customer360.project import Contract
from customer360.project.platform import LOADS, SCHEMA_CHANGES
from customer360.settings import Parameter
from customer360.sources.bindings import TableBinding
from customer360.sources.extract import RESERVED, Extract
from customer360.sources.mapping import wanted_columns
from customer360.warehouse.duckdb_text import identifier
from customer360.warehouse.port import RunInfo, Warehouse

if TYPE_CHECKING:
    import duckdb

Kind = Literal["new", "missing", "renamed", "retyped", "reordered", "newly null"]

# How alike two names must be for a missing and a new column to be taken for one that was renamed.
_ALIKE = 0.7
_PREVIOUS = """
SELECT source_columns
FROM ops.loads
WHERE table_name = @table_name AND loaded_date < @run_date AND ARRAY_LENGTH(source_columns) > 0
ORDER BY loaded_date DESC, finished_at DESC, batch_id DESC
LIMIT 1
"""
_TOLD = """
SELECT column_name, kind, before, after, action
FROM ops.schema_changes
WHERE table_name = @table_name
QUALIFY ROW_NUMBER() OVER (PARTITION BY column_name, kind = 'reordered' ORDER BY seen_at DESC, kind) = 1
"""


@dataclass(frozen=True)
class Seen:
    """A column of a source, in its order. `type`: DuckDB's, text is VARCHAR; NULL where nothing reads the column.

    `filled`: whether any row had a value; NULL where that is not known.
    """

    name: str
    type: str | None
    filled: bool | None


@dataclass(frozen=True)
class Change:
    """One difference; `action`: what the load did about it."""

    kind: Kind
    column: str | None
    before: str | None
    after: str | None
    action: str

    def __str__(self) -> str:
        match self.kind:
            case "renamed":
                text = f"source column {self.before} is gone and {self.after} is new: renamed?"
            case "retyped":
                text = f"source column {self.column} was {self.before} and is {self.after}"
            case "reordered":
                text = "the source's columns have another order"
            case "newly null":
                text = f"source column {self.column} had values and has none"
            case _:
                text = f"source column {self.column} is {self.kind}"
        return f"{text} ({self.action})"


def observed(session: duckdb.DuckDBPyConnection, extract: Extract, wanted: Collection[str]) -> list[Seen]:
    """The source's columns as `source` shows them; empty where it has no rows to tell by."""
    import duckdb

    read = [name for name in extract.columns if name.lower() in wanted and name.lower() not in RESERVED]
    counts = ", ".join(["count(*) > 0", *(f"count({identifier(name)}) > 0" for name in read)])
    try:
        row = session.execute(f"SELECT {counts} FROM source").fetchone()
    except duckdb.ConversionException:  # files whose types do not go together: what they are is for the load to say
        row = (True, *([None] * len(read)))
    if not row or not row[0]:
        return []
    filled = dict(zip(map(str.lower, read), row[1:], strict=True))
    types = {name.lower(): type_ for name, type_ in extract.columns.items()}
    return [Seen(name, types.get(name.lower()), filled.get(name.lower())) for name in extract.present]


def differences(before: Sequence[Seen], now: Sequence[Seen], contract: Contract, binding: TableBinding) -> list[Change]:
    """What has changed, by columns' names whatever their case. The order of JSON's keys says nothing."""
    if not before or not now:
        return []
    old, new = ({seen.name.lower(): seen for seen in columns} for columns in (before, now))
    wanted = wanted_columns(binding, contract)
    required = {column.name for column in contract.source_columns if column.required} | {
        name.lower()
        for column in contract.source_columns
        if column.name in binding.columns
        for name in binding.columns[column.name].columns
    }
    gone = [name for name in old if name not in new]
    come = [name for name in new if name not in old]
    found: list[Change] = []
    action = {"ignore": "ignored", "add": "kept in _extra", "fail": "load refused"}[contract.new_columns]
    for name, other in _renamed(gone, come):
        gone.remove(name)
        come.remove(other)
        fails = name in wanted and name in required
        found.append(
            Change("renamed", old[name].name, old[name].name, new[other].name,
                   f"a guess by name; {'load refused' if fails else 'not bound'}: name it in the binding")
        )  # fmt: skip
    for name in gone:
        done = "nothing reads it" if name not in wanted else "load refused" if name in required else "loaded as NULL"
        found.append(Change("missing", old[name].name, old[name].type, None, done))
    for name in come:
        done = action if name not in wanted else "loaded"
        found.append(Change("new", new[name].name, None, new[name].type, done))
    for name in (each for each in old if each in new):
        was, is_ = old[name], new[name]
        if was.type and is_.type and was.type != is_.type:
            found.append(Change("retyped", is_.name, was.type, is_.type, "read as the contract says"))
        if was.filled and is_.filled is False:
            found.append(Change("newly null", is_.name, "some values", "no value", "loaded as NULL"))
    kept = [[name for name in columns if name in old and name in new] for columns in (old, new)]
    if kept[0] != kept[1] and binding.format != "ndjson":
        texts = [", ".join(each) for each in kept]
        found.append(Change("reordered", None, texts[0], texts[1], "nothing: columns are read by name"))
    return found


def _renamed(gone: Sequence[str], come: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of a missing and a new name that are alike, the most alike first."""
    pairs = sorted(
        ((SequenceMatcher(None, _bare(a), _bare(b)).ratio(), a, b) for a in gone for b in come), reverse=True
    )
    found: list[tuple[str, str]] = []
    for ratio, a, b in pairs:
        if ratio >= _ALIKE and not any(a == known or b == other for known, other in found):
            found.append((a, b))
    return found


def _bare(name: str) -> str:
    return "".join(letter for letter in name if letter.isalnum())


def note(
    now: Sequence[Seen], contract: Contract, binding: TableBinding, *, run: RunInfo, warehouse: Warehouse,
    refused: bool = False,
) -> tuple[str, ...]:  # fmt: skip
    """Append what is different and was not told yet to ops.schema_changes; one sentence each.

    `refused`: the load ended here, because of one of them.
    """
    if not now or "source_columns" not in (warehouse.columns(LOADS.name) or {}):
        return ()
    parameters = {
        "table_name": Parameter("STRING", str(contract.name)),
        "run_date": Parameter("DATE", run.run_date),
    }
    previous = warehouse.query(_PREVIOUS, parameters=parameters).to_pylist()
    if not previous:
        return ()
    before = [Seen(**column) for column in previous[0]["source_columns"]]
    changes = differences(before, now, contract, binding)
    if refused:
        changes = [change if "refused" in change.action else _unloaded(change) for change in changes]
    if not changes:
        return ()
    told: set[tuple[str | None, ...]] = set()
    if warehouse.columns(SCHEMA_CHANGES.name) is not None:
        rows = warehouse.query(_TOLD, parameters={"table_name": parameters["table_name"]}).to_pylist()
        told = {(row["column_name"], row["kind"], row["before"], row["after"], row["action"]) for row in rows}
    fresh = [each for each in changes if (each.column, each.kind, each.before, each.after, each.action) not in told]
    if fresh:
        warehouse.append(SCHEMA_CHANGES, _rows(fresh, contract, run))
    return tuple(map(str, fresh))


def _unloaded(change: Change) -> Change:
    return replace(change, action="load refused for another change")


def _rows(changes: Sequence[Change], contract: Contract, run: RunInfo) -> pa.Table:
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = [
        {
            "run_id": run.run_id, "run_date": run.run_date, "table_name": str(contract.name),
            "column_name": change.column, "kind": change.kind, "before": change.before, "after": change.after,
            "action": change.action, "seen_at": now,
        }
        for change in changes
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=SCHEMA_CHANGES.arrow_schema)
