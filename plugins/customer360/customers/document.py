"""A person as a JSON document: the same keys for the command line and the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any


def to_document(value: Any) -> Any:
    """Records as objects, in JSON's types. Exact decimals (money, scores) are texts such as "12.5", dates 2024-06-30,
    times 2024-06-30T12:00:00+00:00; what is not known is null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_document(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): to_document(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_document(item) for item in value]
    if isinstance(value, Decimal):
        return _plain(value)
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _plain(number: Decimal) -> str:
    """Without the zeros that fill up nine decimals."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
