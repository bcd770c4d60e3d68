"""Looking into the quarantine: how much of what, the rows themselves, and what the contract would have taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from customer360.errors import SettingsError
from customer360.project import Column, Contract, Project
from customer360.project.platform import quarantine_spec
from customer360.settings import Parameter
from customer360.warehouse.port import Warehouse

_REASONS_SHOWN = 3
# Partitions of all dates: a table whose readers must name some of them gets all of them named.
_DATES = "_loaded_date BETWEEN @first_date AND @last_date"
_EXAMPLES = {
    "INT64": "digits with an optional sign, such as 1234",
    "NUMERIC": "digits with a decimal point and no thousands separators, such as 1234.50",
    "FLOAT64": "digits with a decimal point, such as 0.25",
    "BOOL": "true or false (t, f, 1, 0 too)",
    "DATE": "an ISO date, such as 2024-06-30",
    "TIMESTAMP": "an ISO time, such as 2024-06-30T10:00:00Z",
    "DATETIME": "an ISO time without a zone, such as 2024-06-30T10:00:00",
    "STRING": "text",
}


@dataclass(frozen=True)
class Overview:
    """What the quarantine of a table holds, all dates together. `reasons`: the most frequent, with their counts."""

    contract: Contract
    rows: int
    cells: int
    loads: int
    latest: date
    reasons: tuple[tuple[str, int], ...]


def overview(contracts: Iterable[Contract], warehouse: Warehouse) -> list[Overview]:
    """The tables with something in quarantine, most rows first."""
    specs = {quarantine_spec(contract).name: contract for contract in contracts}
    found = [
        _overview(specs[name], warehouse) for name, rows in warehouse.row_counts(specs).items() if rows
    ]  # fmt: skip
    return sorted(found, key=lambda each: (-each.rows, -each.cells, str(each.contract.name)))


def _overview(contract: Contract, warehouse: Warehouse) -> Overview:
    parameters = _dates(None)
    table = quarantine_spec(contract).name
    (totals,) = warehouse.query(
        "SELECT COUNTIF(kind = 'row') AS refused, COUNTIF(kind = 'cell') AS cells, COUNT(DISTINCT _batch_id) AS loads,"
        f" MAX(_loaded_date) AS latest FROM {table} WHERE {_DATES}",
        parameters=parameters,
    ).to_pylist()
    reasons = warehouse.query(
        f"SELECT column_name, reason, COUNT(*) AS n FROM {table} WHERE {_DATES} GROUP BY column_name, reason"
        f" ORDER BY n DESC, column_name, reason LIMIT {_REASONS_SHOWN}",
        parameters=parameters,
    ).to_pylist()
    return Overview(
        contract, totals["refused"], totals["cells"], totals["loads"], totals["latest"],
        tuple((" ".join(filter(None, (row["column_name"], row["reason"]))), row["n"]) for row in reasons),
    )  # fmt: skip


def entries(
    contract: Contract, warehouse: Warehouse, *, day: date | None = None, reason: str = "", limit: int | None = None
) -> pa.Table:
    """Quarantine rows, latest date first; `reason` is a part of the reason or the column, whatever its case."""
    table = quarantine_spec(contract).name
    if warehouse.columns(table) is None:
        return quarantine_spec(contract).arrow_schema.empty_table()
    condition = _DATES
    parameters = _dates(day)
    if reason:
        condition += " AND STRPOS(LOWER(CONCAT(COALESCE(column_name, ''), ' ', reason)), @reason) > 0"
        parameters["reason"] = Parameter("STRING", reason.lower())
    order = "_loaded_date DESC, _source, line, raw, column_name, reason"
    limited = "" if limit is None else f" LIMIT {int(limit)}"
    query = f"SELECT * FROM {table} WHERE {condition} ORDER BY {order}{limited}"
    return warehouse.query(query, parameters=parameters)


def loaded_dates(contract: Contract, warehouse: Warehouse) -> list[date]:
    """The dates with something in the table's quarantine, in order."""
    table = quarantine_spec(contract).name
    if warehouse.columns(table) is None:
        return []
    query = f"SELECT DISTINCT _loaded_date AS day FROM {table} WHERE {_DATES} ORDER BY day"
    return [row["day"] for row in warehouse.query(query, parameters=_dates(None)).to_pylist()]


def right(contract: Contract, entry: dict[str, Any]) -> str:
    """What the contract would have taken in the place of a refused entry."""
    if entry["reason"] == "key is repeated":
        return f"one row per {', '.join(contract.key)} in a load; the first one was loaded"
    column = next((each for each in contract.columns if each.name == entry["column_name"]), None)
    if column is None:
        return "a line with a value for every column of the header, quotes closed, in the declared encoding"
    return _wanted(column)


def _wanted(column: Column) -> str:
    parts = ["a JSON document" if column.format == "json" else _EXAMPLES.get(column.type, column.type)]
    if column.allowed:
        parts = [f"one of {', '.join(column.allowed)}"]
    if column.minimum is not None:
        parts.append(f"at least {column.minimum}")
    if column.maximum is not None:
        parts.append(f"at most {column.maximum}")
    if column.pattern:
        parts.append(f"of the form {column.pattern}")
    return ", ".join(parts) + ("; required" if column.required else "; or nothing")


def contract_named(project: Project, name: str) -> Contract:
    """The contract of `crm.customer_info`, also written `customer_info` or as the raw or the quarantine table."""
    short = name.lower().removeprefix("quarantine.").replace("__", ".", 1).removeprefix("raw_")
    found = [
        contract
        for contract in project.contracts.values()
        if short in (f"{contract.system}.{contract.name.table}", contract.name.table)
    ]
    if len(found) != 1:
        known = ", ".join(sorted(f"{each.system}.{each.name.table}" for each in project.contracts.values()))
        raise SettingsError(f"{name!r} is {'no' if not found else 'more than one'} source table; known: {known}")
    return found[0]


def _dates(day: date | None) -> dict[str, Parameter]:
    return {
        "first_date": Parameter("DATE", day or date.min),
        "last_date": Parameter("DATE", day or date.max),
    }
