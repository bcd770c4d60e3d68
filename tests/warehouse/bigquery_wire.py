"""How BigQuery's API writes schemas and values, as the service does it; independent of the adapter's own writing."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from customer360.googlesql.types import Type, parse

_NAMES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}


def api_fields(columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """TableFieldSchema of each column, as in an answer."""
    return [_field(name, parse(type_)) for name, type_ in columns.items()]


def _field(name: str, type_: Type) -> dict[str, Any]:
    inner = type_.element or type_
    field: dict[str, Any] = {
        "name": name,
        "type": _NAMES.get(inner.name, inner.name),
        "mode": "NULLABLE" if type_.element is None else "REPEATED",
    }
    if inner.fields:
        field["fields"] = [_field(nested, nested_type) for nested, nested_type in inner.fields]
    return field


def type_texts(fields: list[dict[str, Any]]) -> dict[str, str]:
    """Name → type and mode, nested ones within."""
    return {f["name"]: f"{f['mode']} {f['type']} {type_texts(f.get('fields', []))}" for f in fields}


def canonical(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fields as the service gives them back: types by their old names, modes said."""
    shown = []
    for given in fields:
        new = given | {"type": _NAMES.get(given["type"], given["type"]), "mode": given.get("mode", "NULLABLE")}
        if "fields" in given:
            new["fields"] = canonical(given["fields"])
        shown.append(new)
    return shown


def cells(type_: Type, value: Any) -> Any:
    """A value as tabledata cells write it."""
    if type_.element is not None:
        return [{"v": cells(type_.element, item)} for item in value or []]
    if value is None:
        return None
    if type_.fields:
        return {"f": [{"v": cells(nested, value[name])} for name, nested in type_.fields]}
    if isinstance(value, bool):
        return str(value).lower()
    if type_.name == "TIMESTAMP":
        return str((value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
