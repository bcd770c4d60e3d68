"""Values written as GoogleSQL literals."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from customer360.googlesql import types
from customer360.googlesql.types import Type, struct
from reference.canonical import canonical


def literal(value: Any, type_: Type) -> str:
    """A constant expression of exactly this type and value."""
    if value is None:
        return f"CAST(NULL AS {type_})"
    return _typed(canonical(value, type_), type_)


def _typed(value: Any, type_: Type) -> str:
    if value is None:
        return "NULL"
    if type_.element is not None:
        return f"{type_}[{', '.join(_typed(item, type_.element) for item in value)}]"
    if type_.name == "STRUCT":
        items = zip(value.values(), type_.fields, strict=True)
        return f"{type_}({', '.join(_typed(item, field) for item, (_, field) in items)})"
    match type_.name:
        case "STRING":
            return _quoted(value)
        case "INT64":
            return str(value) if value >= 0 else f"({value})"
        case "NUMERIC":
            return f"NUMERIC '{value:f}'"
        case "FLOAT64":
            return f"CAST('{value!r}' AS FLOAT64)"
        case "BOOL":
            return str(value).upper()
        case "BYTES":
            return "b'" + "".join(f"\\x{byte:02x}" for byte in base64.b64decode(value)) + "'"
        case "JSON":
            return f"JSON {_quoted(json.dumps(value))}"
        case "TIMESTAMP":
            return f"TIMESTAMP '{value.replace('T', ' ').removesuffix('Z')}+00'"
        case "DATETIME":
            return f"DATETIME '{value.replace('T', ' ')}'"
    return f"{type_.name} '{value}'"


def _quoted(text: str) -> str:
    # JSON's escapes are a subset of GoogleSQL's, but for characters beyond the first plane: those stand for themselves.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


def rows_as_query(schema: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A SELECT that yields these rows with exactly these column types; columns a row does not name are NULL."""
    row_type = struct(tuple((name, types.parse(text)) for name, text in schema.items()))
    quoted = ", ".join(f"`{name}` {type_}" for name, type_ in row_type.fields)
    listed = []
    for row in rows:
        unknown = {str(name).lower() for name in row} - {name.lower() for name in schema}
        if unknown:
            raise ValueError(f"no such column: {', '.join(sorted(unknown))}; there are {', '.join(schema)}")
        given = {str(name).lower(): value for name, value in row.items()}
        # (x) alone would be x, not a row.
        row_of = "STRUCT" if len(schema) == 1 else ""
        listed.append(
            f"{row_of}({', '.join(_stored(given.get(name.lower()), type_) for name, type_ in row_type.fields)})"
        )
    typed = f"ARRAY<STRUCT<{quoted}>>[{', '.join(listed)}]"
    return f"SELECT given_row.* FROM UNNEST({typed}) AS given_row"


def _stored(value: Any, type_: Type) -> str:
    # As BigQuery stores it: an array in a table is never NULL.
    return "NULL" if value is None and type_.element is None else _typed(canonical(value, type_), type_)
