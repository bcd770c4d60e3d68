"""Rows of the written files, read by plain means: those that load, and why the others do not."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import InvalidOperation
from pathlib import Path
from typing import Any

import duckdb

from customer360.sample import Manifest

Shop = tuple[Path, Manifest]
Line = dict[str, Any]
Counted = tuple[list[Line], Counter[str]]  # the rows that load, and why the others do not


def rows(connection: duckdb.DuckDBPyConnection, relation: str) -> Iterator[Line]:
    cursor = connection.execute(f"FROM {relation}")
    names = [column[0] for column in cursor.description or ()]
    return (dict(zip(names, values, strict=True)) for values in cursor.fetchall())


def csv_rows(paths: Iterable[Path]) -> Iterator[Line | None]:
    """None for a row of another width than the header."""
    for path in sorted(paths):
        with (
            gzip.open(path, "rt", encoding="utf-8", newline="")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8", newline="") as file
        ):
            reader = csv.reader(file)
            header = next(reader)
            for cells in reader:
                yield dict(zip(header, cells, strict=True)) if len(cells) == len(header) else None


def json_rows(paths: Iterable[Path]) -> Iterator[Line | None]:
    """None for a broken line."""
    for path in sorted(paths):
        for text in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(text) if parses(json.loads, text) else None


def parses(kind: Any, text: str) -> bool:
    try:
        kind(text)
    except (ValueError, InvalidOperation):
        return False
    return True


def day(value: str | datetime) -> date:
    return (datetime.fromisoformat(value) if isinstance(value, str) else value).date()


def judge(
    found: Iterable[Line | None],
    *keys: str,
    time: str | None = None,
    numbers: dict[str, tuple[Any, str]] | None = None,
    choices: dict[str, tuple[str, set[str]]] | None = None,
    customer: str | None = None,
) -> Counted:
    """What loads and what does not. `numbers`: name → (type, column); `choices`: name → (column, values, any case)."""
    seen: set[Any] = set()
    loaded, refused = [], Counter[str]()
    for row in found:
        why = "broken_line" if row is None else _refusal(row, keys, seen, time, numbers or {}, choices or {}, customer)
        if why:
            refused[why] += 1
        elif row is not None:
            loaded.append(row)
    return loaded, refused


def _refusal(
    row: Line, keys: tuple[str, ...], seen: set[Any], time: str | None, numbers: dict[str, tuple[Any, str]],
    choices: dict[str, tuple[str, set[str]]], customer: str | None,
) -> str | None:  # fmt: skip
    key = tuple(row[name] for name in keys)
    if any(part in (None, "") for part in key):
        return "missing_key"
    if customer and not (row[customer] or "").strip():
        return "missing_customer"
    if key in seen:
        return "repeated_key"
    seen.add(key)
    if time and row[time] is None:
        return "missing_time"
    if time and isinstance(row[time], str) and not parses(datetime.fromisoformat, row[time]):
        return "unparsable_time"
    for name, (column, allowed) in choices.items():
        if row[column].upper() not in allowed:
            return f"unknown_{name}"
    return next((f"unparsable_{n}" for n, (kind, column) in numbers.items() if not parses(kind, row[column])), None)
