"""Ways to spoil a table, as GoogleSQL that gives its rows with some of them wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from customer360.project import TableSpec
from customer360.quality import Suite

# What no honest table holds, below and above; the last is a value to begin with where a table is empty.
_VALUES = {
    "STRING": ("''", "'¿'", "'x'"),
    "INT64": ("-1000000000000", "1000000000000", "1"),
    "NUMERIC": ("NUMERIC '-1000000000000'", "NUMERIC '1000000000000'", "NUMERIC '1'"),
    "FLOAT64": ("CAST(-1e12 AS FLOAT64)", "CAST(1e12 AS FLOAT64)", "CAST(1 AS FLOAT64)"),
    "BOOL": ("FALSE", "TRUE", "TRUE"),
    "DATE": ("DATE '1000-01-01'", "DATE '2999-01-01'", "DATE '2020-01-01'"),
    "TIMESTAMP": (
        "TIMESTAMP '1000-01-01 00:00:00+00'",
        "TIMESTAMP '2999-01-01 00:00:00+00'",
        "TIMESTAMP '2020-01-01 00:00:00+00'",
    ),
}
_ROWS = 25


@dataclass(frozen=True)
class Corruption:
    """`sql` gives the spoiled table; `targets` are the expectations (by number) that should object."""

    what: str
    sql: str
    targets: frozenset[int]


def corruptions(suite: Suite, spec: TableSpec, *, empty: bool) -> Iterator[Corruption]:
    """What to try against a suite, from all at once to one by one. Where `meta.breaks` is given, only that counts."""
    told = {n for n, expectation in enumerate(suite.expectations) if expectation.breaks}
    others = frozenset(range(len(suite.expectations))) - told
    order = ", ".join(suite.key)
    yield Corruption(
        "a copy of rows with one column NULL, far too low or far too high", _storm(spec, order, empty), others
    )
    yield Corruption("no rows", f"SELECT {_columns(spec, {})} FROM {spec.name} WHERE FALSE", others)
    yield Corruption(
        "only the first row", f"SELECT {_columns(spec, {})} FROM {spec.name} ORDER BY {order} LIMIT 1", others
    )
    for number in sorted(others):
        for column in suite.expectations[number].columns:
            for value in (f"CAST(NULL AS {spec.schema[column]})", *_VALUES.get(spec.schema[column], ())[:2]):
                sql = f"SELECT {_columns(spec, {column: value})} FROM {spec.name}"
                yield Corruption(f"{column} is {value} in every row", sql, frozenset({number}))
    for number in sorted(told):
        breaks = suite.expectations[number].breaks
        yield Corruption(f"meta.breaks {dict(breaks)}", _told(spec, breaks, order, empty), frozenset({number}))


def _storm(spec: TableSpec, order: str, empty: bool) -> str:
    """The table, and each of some rows again three times per column: NULL there, far too low and far too high."""
    spoiled = {}
    for number, column in enumerate(spec.columns):
        text = f"one.{column.name}"
        values = (f"CAST(NULL AS {column.type})", *_VALUES.get(column.type, ())[:2])
        for kind, value in enumerate(values):
            text = f"IF(spoiled = {3 * number + kind}, {value}, {text})"
        spoiled[column.name] = text
    numbers = ", ".join(str(number) for number in range(3 * len(spec.columns)))
    return (
        f"WITH one AS ({_some_rows(spec, order, empty)}) "
        f"SELECT {_columns(spec, {})} FROM {spec.name} "
        f"UNION ALL SELECT {_columns(spec, spoiled)} FROM one CROSS JOIN UNNEST([{numbers}]) AS spoiled"
    )


def _told(spec: TableSpec, breaks: Mapping[str, Any], order: str, empty: bool) -> str:
    if "remove" in breaks:
        return f"SELECT {_columns(spec, {})} FROM {spec.name} WHERE NOT COALESCE({breaks['remove']}, FALSE)"
    some = _some_rows(spec, order, empty, where=breaks.get("where", "TRUE"), limit=1)
    return (
        f"WITH one AS ({some}) SELECT {_columns(spec, {})} FROM {spec.name} "
        f"UNION ALL SELECT {_columns(spec, breaks['set'])} FROM one"
    )


def _some_rows(spec: TableSpec, order: str, empty: bool, *, where: str = "TRUE", limit: int = _ROWS) -> str:
    if empty:
        row = {c.name: _VALUES[c.type][2] if c.type in _VALUES else f"CAST(NULL AS {c.type})" for c in spec.columns}
        return f"SELECT {_columns(spec, row)}"
    return f"SELECT {_columns(spec, {})} FROM {spec.name} WHERE {where} ORDER BY {order} LIMIT {limit}"


def _columns(spec: TableSpec, changed: Mapping[str, str]) -> str:
    return ", ".join(f"{changed[c.name]} AS {c.name}" if c.name in changed else c.name for c in spec.columns)
