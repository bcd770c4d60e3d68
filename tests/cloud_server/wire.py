"""How BigQuery's API writes schemas, values and parameters, as the service does it; independent of the adapter's own."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from sqlglot import exp

from cloud_server.answers import Refused, Resource
from customer360.errors import ProjectError
from customer360.googlesql.bind import to_literal
from customer360.googlesql.types import BYTES, JSON, STRING, Type, array, parse, struct

_NAMES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
_STANDARD = {old: name for name, old in _NAMES.items()}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# -- schemas


def api_fields(columns: Mapping[str, str]) -> list[Resource]:
    """TableFieldSchema of each column, as in an answer."""
    return [_field(name, parse(type_)) for name, type_ in columns.items()]


def _field(name: str, type_: Type) -> Resource:
    inner = type_.element or type_
    field: Resource = {
        "name": name,
        "type": _NAMES.get(inner.name, inner.name),
        "mode": "NULLABLE" if type_.element is None else "REPEATED",
    }
    if inner.fields:
        field["fields"] = [_field(nested, nested_type) for nested, nested_type in inner.fields]
    return field


def field_type(field: Mapping[str, Any]) -> Type:
    """The GoogleSQL type of a TableFieldSchema."""
    name = _STANDARD.get(field["type"], field["type"])
    if name == "STRUCT":
        type_ = struct(tuple((inner["name"], field_type(inner)) for inner in field.get("fields", [])))
    else:
        try:
            type_ = parse(name)
        except ProjectError:
            raise Refused(501, "notImplemented", f"the contract server has no columns of type {name}") from None
    return array(type_) if field.get("mode") == "REPEATED" else type_


def columns_of(fields: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Column → GoogleSQL type."""
    return {field["name"]: str(field_type(field)) for field in fields}


def canonical(fields: Iterable[Mapping[str, Any]]) -> list[Resource]:
    """Fields as the service gives them back: types by their old names, modes said."""
    shown = []
    for given in fields:
        new = dict(given) | {"type": _NAMES.get(given["type"], given["type"]), "mode": given.get("mode", "NULLABLE")}
        if "fields" in given:
            new["fields"] = canonical(given["fields"])
        shown.append(new)
    return shown


def arrow_type(type_: pa.DataType) -> Type:
    """The type that BigQuery gives a Parquet column, lists inferred."""
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return array(arrow_type(type_.value_type))
    if pa.types.is_struct(type_):
        return struct(tuple((field.name, arrow_type(field.type)) for field in type_))
    if pa.types.is_dictionary(type_):
        return arrow_type(type_.value_type)
    checks = {
        "STRING": pa.types.is_string(type_) or pa.types.is_large_string(type_),
        "INT64": pa.types.is_integer(type_),
        "FLOAT64": pa.types.is_floating(type_),
        "BOOL": pa.types.is_boolean(type_),
        "DATE": pa.types.is_date(type_),
        "TIMESTAMP": pa.types.is_timestamp(type_) and type_.tz is not None,
        "DATETIME": pa.types.is_timestamp(type_) and type_.tz is None,
        "BYTES": pa.types.is_binary(type_) or pa.types.is_large_binary(type_),
        "NUMERIC": pa.types.is_decimal(type_) and type_.scale <= 9 and type_.precision - type_.scale <= 29,
    }
    for name, holds in checks.items():
        if holds:
            return Type(name)
    raise Refused(400, "invalid", f"Unsupported type {type_} in a Parquet file")


def loads_as(found: Type, wanted: Type) -> bool:
    """Whether a Parquet column of one type goes into a column of another without conversion."""
    if found.element is not None and wanted.element is not None:
        return loads_as(found.element, wanted.element)
    if found.fields and wanted.fields:
        inner = dict(found.fields)
        return all(name not in inner or loads_as(inner[name], type_) for name, type_ in wanted.fields)
    return found == wanted or (found == STRING and wanted in (JSON, BYTES)) or (found == BYTES and wanted == STRING)


# -- values


def rows_of(table: pa.Table, columns: Mapping[str, str], *, int64_timestamps: bool) -> list[Resource]:
    """Rows as tabledata writes them."""
    types = [parse(text) for text in columns.values()]
    values = [column.to_pylist() for column in table.columns]
    return [
        {"f": [{"v": cell(type_, value, int64_timestamps)} for type_, value in zip(types, row, strict=True)]}
        for row in zip(*values, strict=True)
    ]


def cell(type_: Type, value: Any, int64_timestamps: bool = True) -> Any:
    """A value as a cell writes it."""
    if type_.element is not None:
        return [{"v": cell(type_.element, item, int64_timestamps)} for item in value or []]
    if value is None:
        return None
    if type_.fields:
        return {"f": [{"v": cell(nested, value[name], int64_timestamps)} for name, nested in type_.fields]}
    match type_.name:
        case "BOOL":
            return str(value).lower()
        case "TIMESTAMP":
            micros = (value - _EPOCH) // timedelta(microseconds=1)
            return str(micros) if int64_timestamps else repr(micros / 1e6)
        case "BYTES":
            return base64.b64encode(value).decode()
        case "NUMERIC":
            text = f"{value:f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case "FLOAT64":
            return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(value), repr(value))
        case "DATE" | "DATETIME":
            return value.isoformat()
    return str(value)


# -- parameters


def parameter_literal(type_: Mapping[str, Any], value: Mapping[str, Any]) -> str:
    """The GoogleSQL literal of a query parameter: QueryParameterType and QueryParameterValue."""
    return _literal(_parameter_type(type_), value)


def _parameter_type(type_: Mapping[str, Any]) -> Type:
    if type_["type"] == "ARRAY":
        return array(_parameter_type(type_["arrayType"]))
    if type_["type"] == "STRUCT":
        fields = type_.get("structTypes", [])
        return struct(tuple((field.get("name", ""), _parameter_type(field["type"])) for field in fields))
    try:
        return parse(_STANDARD.get(type_["type"], type_["type"]))
    except ProjectError as error:
        raise Refused(400, "invalid", f"Invalid parameter type: {error}") from None


def _literal(type_: Type, value: Mapping[str, Any]) -> str:
    if type_.element is not None:
        items = [_literal(type_.element, item) for item in value.get("arrayValues", [])]
        return f"[{', '.join(items)}]" if items else f"CAST([] AS {type_})"
    if type_.name == "STRUCT":
        given = value.get("structValues")
        if given is None:
            return f"CAST(NULL AS {type_})"
        return f"STRUCT({', '.join(f'{_literal(inner, given[name])} AS `{name}`' for name, inner in type_.fields)})"
    text = value.get("value")
    if text is None:
        return f"CAST(NULL AS {type_})"
    try:
        return _scalar(type_, str(text))
    except (ValueError, ArithmeticError):
        raise Refused(400, "invalid", f"Invalid value for a parameter of type {type_}: {text!r}") from None


def _scalar(type_: Type, text: str) -> str:
    match type_.name:
        case "BYTES":
            return f"FROM_HEX('{base64.b64decode(text, validate=True).hex()}')"
        case "INT64":
            value: Any = int(text)
        case "BOOL":
            value = {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else int("?")
        case "NUMERIC":
            value = format(Decimal(text), "f")
        case "DATE":
            value = date.fromisoformat(text)
        case "FLOAT64":
            value = repr(float(text))
        case _:
            value = text
    literal: exp.Expression = to_literal(str(type_), value)
    return literal.sql(dialect="bigquery")
