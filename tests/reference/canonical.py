"""One form for the values of both engines, so that their rows can be compared: that of TO_JSON_STRING, decoded by type.

NUMERIC is a Decimal without trailing zeros, DATE is `2024-02-29`, TIMESTAMP is `2024-02-29T10:00:00.5Z`, BYTES is base64 text.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from customer360.googlesql.types import Type

Row = dict[str, Any]
RELATIVE_ERROR = 1e-12


def canonical(value: Any, type_: Type) -> Any:
    """A value of either engine, or of a YAML case, in the one form of its type."""
    if value is None:
        return [] if type_.name == "ARRAY" else None
    if type_.element is not None:
        return [canonical(item, type_.element) for item in value]
    if type_.name == "STRUCT":
        items = list(value.values()) if isinstance(value, Mapping) else list(value)
        if isinstance(value, Mapping) and all(name for name, _ in type_.fields):
            by_name = {str(name).lower(): item for name, item in value.items()}
            items = [by_name.get(name.lower()) for name, _ in type_.fields]
        names = (name or f"_field_{n}" for n, (name, _) in enumerate(type_.fields, 1))
        return {name: canonical(item, field) for name, item, (_, field) in zip(names, items, type_.fields, strict=True)}
    return _scalar(value, type_.name)


def _scalar(value: Any, name: str) -> Any:
    match name:
        case "STRING":
            return str(value)
        case "INT64":
            return _whole(value)
        case "NUMERIC":
            return _digits(Decimal(str(value)))
        case "FLOAT64":
            return float(value)
        case "BOOL":
            return value if isinstance(value, bool) else {"true": True, "false": False}[str(value).lower()]
        case "DATE":
            return _date(value)
        case "TIMESTAMP":
            return _instant(value) + "Z"
        case "DATETIME":
            return _instant(value)
        case "BYTES":
            return base64.b64encode(value).decode() if isinstance(value, bytes) else value
        case "JSON":
            return json.loads(json.dumps(json.loads(value), sort_keys=True))
    raise TypeError(name)


def python_value(value: Any, type_: Type) -> Any:
    """A canonical value as the warehouse gives it."""
    if value is None:
        return None
    if type_.element is not None:
        return [python_value(item, type_.element) for item in value]
    match type_.name:
        case "STRUCT":
            return {name: python_value(value[name], field) for name, field in type_.fields}
        case "DATE":
            return date.fromisoformat(value)
        case "TIMESTAMP" | "DATETIME":
            return datetime.fromisoformat(value)
        case "BYTES":
            return base64.b64decode(value)
        case "JSON":
            return json.dumps(value)
    return value


def _whole(value: Any) -> int:
    number = Decimal(str(value))
    if number != number.to_integral_value():
        raise ValueError(f"{value!r} is not an INT64")
    return int(number)


def _digits(number: Decimal) -> Decimal:
    """Without trailing zeros or exponent, and exact whatever the context's precision."""
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"{number} is not a NUMERIC")
    text = list(digits)
    while len(text) > 1 and text[-1] == 0 and exponent < 0:
        text.pop()
        exponent += 1
    if exponent < 0 and text == [0]:
        exponent = 0
    if exponent > 0:
        text, exponent = text + [0] * exponent, 0
    return Decimal((sign if any(text) else 0, tuple(text), exponent))


def _date(value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else date.fromisoformat(str(value)).isoformat()


def _instant(value: Any) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace(" UTC", "Z"))
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    whole, _, fraction = moment.isoformat().partition(".")
    return f"{whole}.{fraction.rstrip('0')}" if fraction.strip("0") else whole


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return (
            left == right
            or (math.isnan(left) and math.isnan(right))
            or math.isclose(left, right, rel_tol=RELATIVE_ERROR)
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(_same(left[key], right[key]) for key in left)
    return type(left) is type(right) and left == right


def _sort_key(row: Row) -> str:
    # Floats that differ in the last digits only must sort alike.
    return (
        json.dumps(row, default=str, sort_keys=True)
        if not _has_float(row)
        else json.dumps(row, default=str, sort_keys=True, cls=_Rounded)
    )


def _has_float(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_float, value.values()))
    return any(map(_has_float, value)) if isinstance(value, list) else isinstance(value, float)


class _Rounded(json.JSONEncoder):
    def encode(self, o: Any) -> str:
        return super().encode(_rounded(o))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return f"{value:.9e}" if isinstance(value, float) else value


def compare_rows(actual: Iterable[Row], expected: Iterable[Row], ordered: bool = False) -> str:
    """What differs between two lists of canonical rows, as text for a person; empty when nothing does."""
    got, wanted = list(actual), list(expected)
    if ordered:
        same = len(got) == len(wanted) and all(map(_same, got, wanted))
        return "" if same else _difference(got, wanted)
    got.sort(key=_sort_key)
    wanted.sort(key=_sort_key)
    missing = []
    for row in wanted:
        match = next((n for n, other in enumerate(got) if _same(other, row)), None)
        if match is None:
            missing.append(row)
        else:
            del got[match]
    return _difference(got, missing) if got or missing else ""


def _difference(got: Sequence[Row], wanted: Sequence[Row]) -> str:
    lines = [f"  expected, not found  {_text(row)}" for row in wanted]
    lines += [f"  found, not expected  {_text(row)}" for row in got]
    if len(got) == len(wanted) == 1:
        columns = [name for name in wanted[0] if not _same(got[0].get(name), wanted[0][name])]
        lines += [f"  {name}: expected {wanted[0][name]!r}, found {got[0].get(name)!r}" for name in columns]
    return "\n".join(lines)


def _text(row: Row) -> str:
    return "{" + ", ".join(f"{name}: {'NULL' if value is None else value}" for name, value in row.items()) + "}"
