"""The rows that every golden query runs over: NULLs, negatives, ties, halves, 29 February, empty arrays, odd text."""

from __future__ import annotations

from datetime import date
from typing import Any

from reference.zetasql_engine import Parameters, Tables

_NUMBERS: list[tuple[Any, ...]] = [
    # id, i, j, n, m, f, b
    (1, 7, 2, "10.00", "3", "2.5", True),
    (2, -7, 2, "-10.00", "3", "-2.5", False),
    (3, 7, -2, "2.345", "-0.5", "0.5", True),
    (4, -7, -2, "-2.345", "0.000000001", "-0.5", None),
    (5, 0, 3, "0", "7", "0", False),
    (6, 5, 5, "0.000000001", "2", "1.5", True),
    (7, None, 1, None, "1", None, None),
    (8, 1, None, "1.5", None, "1e10", True),
    (9, 123456789, 1000, "99999999.999999999", "0.3", "123456.789", False),
    (10, 3, 4, "0.125", "0.5", "-3.5", True),
]
_TEXTS: list[str | None] = [
    *(None, "", " ", "abc", "ABC", "Ärger", "straße", "😀a", "  x\t", "\u00a0y\u2003", "a,b,,c", "100%", "a_b", "a\\b"),
    *(
        "12",
        "+5",
        "-7",
        " 15 ",
        "1.5",
        "1e3",
        "0x1F",
        "1_000",
        ".5",
        "5.",
        "inf",
        "12345678901234567890",
        "1.0000000005",
    ),
    *("true", "FALSE", "t", "yes", "1", " true"),
    *(
        "2024-02-29",
        "2023-02-29",
        "2024-1-2",
        "2024/01/02",
        " 2024-01-02",
        "2024-01-02 10:00:00",
        "2024-01-02T10:00:00Z",
    ),
    *(
        "2024-01-02 1:2:3.25",
        "2024-01-02 10:00:00+02",
        "2024-01-02 10:00:00+02:00",
        "2024-01-02 10:00:00 UTC",
        "2024-01-02 10:00",
    ),
    *(
        "2024-01-02 10:00:00+2",
        "20240102",
        "02/01/2024",
        "anna.b+c@example.com",
        'it\'s "quoted"',
        "a\nb",
    ),
]
_DAYS: list[tuple[str | None, ...]] = [
    ("2024-02-29", "2024-02-29", "2024-02-29 00:00:00", "2024-02-29 23:59:59.999999"),
    ("2024-01-31", "2023-12-31", "2024-01-31 10:30:15.5", "2023-12-31 23:59:59"),
    ("2023-12-31", "2024-01-01", "2023-12-31 23:59:59.999", "2024-01-01 00:00:00"),
    ("2024-01-06", "2024-01-07", "2024-01-06 12:00:00", "2024-01-07 11:59:59"),
    ("2024-01-07", "2024-01-08", "2024-01-07 00:00:00", "2024-01-08 00:00:00.000001"),
    ("2024-01-08", "2024-01-07", "2024-01-08 00:00:00", "2024-01-07 00:00:01"),
    ("2021-01-01", "2020-12-28", "2021-01-01 05:06:07", "2020-12-28 05:06:07"),
    ("2024-12-30", "2020-02-29", "2024-12-30 00:00:00", "2020-02-29 12:00:00"),
    ("1969-12-31", "1970-01-01", "1969-12-31 23:59:59.5", "1970-01-01 00:00:00"),
    ("2024-05-31", "2024-06-30", "2024-05-31 01:02:03", "2024-06-30 01:02:03"),
    (None, "2024-01-01", None, "2024-01-01 00:00:00"),
]
_ORDERS: list[tuple[Any, ...]] = [
    # order_id, customer, amount, quantity, ordered_at, channel, is_gift
    ("o1", "ann", "10.10", 1, "2024-01-01 10:00:00", "web", False),
    ("o2", "ann", "20.20", 2, "2024-01-15 10:00:00", "store", True),
    ("o3", "ann", "-5.05", 1, "2024-02-29 10:00:00", None, False),
    ("o4", "ben", "0.00", None, "2024-01-01 10:00:00", "web", None),
    ("o5", "ben", None, 3, "2024-01-02 10:00:00", "app", True),
    ("o6", None, "7.77", 4, "2024-01-03 10:00:00", "web", False),
    ("o7", None, "7.77", 4, None, "app", True),
    ("o8", "cat", "100.00", 10, "2023-12-31 23:59:59.999999", "web", False),
    ("o9", "cat", "33.333333333", 3, "2024-01-01 00:00:00", "store", None),
]
_LISTS: list[dict[str, Any]] = [
    {
        "tags": ["b", "a", "c"],
        "items": [{"sku": "s1", "price": "1.10", "quantity": 2}, {"sku": "s2", "price": None, "quantity": 1}],
        "point": {"x": 1, "y": "2.5"},
        "sizes": [3, 1, 2],
        "n": 1,
    },
    {
        "tags": ["a"],
        "items": [{"sku": None, "price": "9.99", "quantity": 3}],
        "point": {"x": None, "y": "-1"},
        "sizes": [5],
        "n": 0,
    },
    {"tags": [], "items": [], "point": None, "sizes": [], "n": None},
]
_DOCUMENTS: list[str | None] = [
    '{"a": "x", "n": 1.0, "b": true, "o": {"k": "v", "l": [1, "two", null]}, "z": null, "a b": "sp"}',
    '{"a": "", "o": {}, "l": []}',
    "[1, 2]",
    '"text"',
    "null",
    "{bad",
    "",
    None,
]


def _rows(names: str, rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(names.split(), row, strict=True)) for row in rows]


def _numbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": number, **row} for number, row in enumerate(rows, 1)]


TABLES: Tables = {
    "golden.numbers": (
        {"id": "INT64", "i": "INT64", "j": "INT64", "n": "NUMERIC", "m": "NUMERIC", "f": "FLOAT64", "b": "BOOL"},
        _rows("id i j n m f b", _NUMBERS),
    ),
    "golden.texts": ({"id": "INT64", "s": "STRING"}, _numbered([{"s": text} for text in _TEXTS])),
    "golden.days": (
        {"id": "INT64", "d": "DATE", "e": "DATE", "t": "TIMESTAMP", "u": "TIMESTAMP"},
        _numbered(_rows("d e t u", _DAYS)),
    ),
    "golden.orders": (
        {
            "order_id": "STRING",
            "customer": "STRING",
            "amount": "NUMERIC",
            "quantity": "INT64",
            "ordered_at": "TIMESTAMP",
            "channel": "STRING",
            "is_gift": "BOOL",
        },
        _rows("order_id customer amount quantity ordered_at channel is_gift", _ORDERS),
    ),
    "golden.lists": (
        {
            "id": "INT64",
            "tags": "ARRAY<STRING>",
            "items": "ARRAY<STRUCT<sku STRING, price NUMERIC, quantity INT64>>",
            "point": "STRUCT<x INT64, y NUMERIC>",
            "sizes": "ARRAY<INT64>",
            "n": "INT64",
        },
        _numbered(_LISTS),
    ),
    "golden.documents": ({"id": "INT64", "s": "STRING"}, _numbered([{"s": text} for text in _DOCUMENTS])),
    "golden.nothing": ({"id": "INT64", "n": "NUMERIC", "s": "STRING", "tags": "ARRAY<STRING>"}, []),
}
PARAMETERS: Parameters = {
    "run_date": ("DATE", date(2024, 2, 29)),
    "since": ("TIMESTAMP", "2024-01-01 00:00:00"),
    "threshold": ("NUMERIC", "7.77"),
    "days": ("INT64", 30),
    "ratio": ("FLOAT64", 0.1),
    "channel": ("STRING", "web"),
    "channels": ("ARRAY<STRING>", ["web", "app"]),
    "none": ("ARRAY<STRING>", []),
}
SCHEMAS = {name: dict(schema) for name, (schema, _) in TABLES.items()}
PARAMETER_TYPES = {name: type_ for name, (type_, _) in PARAMETERS.items()}
