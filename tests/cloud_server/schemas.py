"""A JSON value against a schema of Google's API descriptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# A parameter's value is described as text; the client sends NULL as null and FLOAT64 as a number, which is taken.
LOOSE_VALUES = {("QueryParameterValue", "value"): (str, int, float, type(None))}
# Where sources are uploaded, there are no addresses of them.
NOT_REQUIRED = {("JobConfigurationLoad", "sourceUris")}
_INTEGERS = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}


class InvalidCall(AssertionError):
    """A request or a response that the description does not allow."""


@dataclass(frozen=True)
class Schemas:
    """The schemas of one description, by name."""

    known: Mapping[str, Any]

    def check(
        self,
        schema: Mapping[str, Any],
        value: Any,
        where: str,
        *,
        request: bool,
        partial: bool = False,
        owner: str = "",
    ) -> None:
        """InvalidCall, by its place, for what does not fit. `partial`: a PATCH, whose nulls clear and whose rest stays."""
        if "$ref" in schema:
            owner = schema["$ref"]
            schema = self.known[owner]
        kind = schema.get("type")
        if kind == "object":
            self._check_object(schema, value, where, request=request, partial=partial, owner=owner)
        elif kind == "array":
            if not isinstance(value, list):
                raise InvalidCall(f"{where}: {value!r} is no array")
            for number, item in enumerate(value):
                self.check(schema["items"], item, f"{where}[{number}]", request=request, owner=owner)
        elif kind == "string":
            _check_string(schema, value, where)
        elif kind == "boolean" and not isinstance(value, bool):
            raise InvalidCall(f"{where}: {value!r} is no boolean")
        elif kind == "integer":
            _check_range(schema["format"], value, where)
        elif kind == "number" and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise InvalidCall(f"{where}: {value!r} is no number")

    def _check_object(
        self, schema: Mapping[str, Any], value: Any, where: str, *, request: bool, partial: bool, owner: str
    ) -> None:
        if not isinstance(value, dict):
            raise InvalidCall(f"{where}: {value!r} is no object")
        properties = schema.get("properties", {})
        for key, inner in value.items():
            place = f"{where}.{key}"
            described = properties.get(key) or schema.get("additionalProperties")
            if described is None:
                raise InvalidCall(f"{place}: unknown field")
            if request and described.get("readOnly"):
                raise InvalidCall(f"{place}: is output only")
            if (owner, key) in LOOSE_VALUES:
                if not isinstance(inner, LOOSE_VALUES[owner, key]):
                    raise InvalidCall(f"{place}: {inner!r} is no parameter value")
            elif inner is not None or not partial:
                # Within a PATCH's objects, labels are cleared one by one.
                self.check(described, inner, place, request=request, partial=partial and key == "labels", owner=owner)
        if request and not partial:
            for key, described in properties.items():
                required = described.get("description", "").startswith("Required") and (owner, key) not in NOT_REQUIRED
                if required and key not in value:
                    raise InvalidCall(f"{where}.{key}: is required")


def _check_string(schema: Mapping[str, Any], value: Any, where: str) -> None:
    if not isinstance(value, str):
        raise InvalidCall(f"{where}: {value!r} is no string")
    if schema.get("format") in _INTEGERS:
        if not re.fullmatch(r"-?\d+", value):
            raise InvalidCall(f"{where}: {value!r} is no {schema['format']}")
        _check_range(schema["format"], int(value), where)
    if "enum" in schema and value not in schema["enum"]:
        raise InvalidCall(f"{where}: {value!r} is none of {', '.join(schema['enum'])}")


def _check_range(format_: str, value: Any, where: str) -> None:
    least, most = _INTEGERS[format_]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidCall(f"{where}: {value!r} is no {format_}")
