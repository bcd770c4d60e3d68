"""HTTP requests and responses checked against Google's own description of BigQuery's API, version 2.

The description ships in the `google-api-python-client` wheel. A request must name a method that exists, with its path
and query parameters, and carry a body of its schema: no unknown or output-only field, every required field, right
types, listed values. What it cannot tell is what the service does with a valid request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

# Sent by google-cloud-bigquery and taken by the service, but not described for these methods.
UNDESCRIBED_PARAMETERS = {"bigquery.jobs.get": {"projection"}, "bigquery.jobs.cancel": {"projection"}}
# A parameter's value is described as text; the client sends NULL as null and FLOAT64 as a number, which is taken.
LOOSE_VALUES = {("QueryParameterValue", "value"): (str, float, type(None))}
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
class Call:
    """A valid request: which method, with what."""

    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any] | None = None
    media: bytes | None = field(default=None, repr=False)
    upload: bool = False


@cache
def document() -> dict[str, Any]:
    """The description."""
    folder = files("googleapiclient") / "discovery_cache" / "documents"
    return dict(json.loads((folder / "bigquery.v2.json").read_text(encoding="utf-8")))


@cache
def _methods() -> list[tuple[str, re.Pattern[str], bool, dict[str, Any]]]:
    """(HTTP method, path, whether an upload, description) of every method."""
    found = []
    waiting = [document()]
    while waiting:
        holder = waiting.pop()
        waiting.extend(holder.get("resources", {}).values())
        for method in holder.get("methods", {}).values():
            paths = [("/" + document()["servicePath"] + method["path"], False)]
            if "mediaUpload" in method:
                paths.append((method["mediaUpload"]["protocols"]["simple"]["path"], True))
            for path, upload in paths:
                pattern = re.sub(r"\{\+?(\w+)\}", r"(?P<\1>[^/]+)", path)
                found.append((method["httpMethod"], re.compile(pattern), upload, method))
    return found


def check_request(method: str, url: str, headers: Mapping[str, str | bytes], data: bytes | str | None) -> Call:
    """The call that a request makes; InvalidCall with the place for what the description does not allow."""
    parts = urlsplit(url)
    if f"{parts.scheme}://{parts.netloc}/" != document()["rootUrl"]:
        raise InvalidCall(f"{url} is not under {document()['rootUrl']}")
    match, upload, description = _method(method, parts.path)
    name = description["id"]
    query = _checked_query(name, description, parts.query, upload)
    path = {key: unquote(value) for key, value in match.groupdict().items()}
    for key, value in path.items():
        if not re.fullmatch(description["parameters"][key].get("pattern", ".*"), value):
            raise InvalidCall(f"{name}: path parameter {key} is {value!r}")
    content = data.encode() if isinstance(data, str) else data
    media = None
    if upload and query["uploadType"] == "multipart":
        content, media = split_multipart(headers, content or b"")
    elif content is not None and "application/json" not in _header(headers, "content-type"):
        raise InvalidCall(f"{name}: the body is {_header(headers, 'content-type')!r}, not application/json")
    body = json.loads(content) if content else None
    if (body is None) != ("request" not in description):
        raise InvalidCall(f"{name}: a body is {'missing' if body is None else 'not expected'}")
    if body is not None:
        check_value(description["request"], body, name, request=True, partial=method == "PATCH")
    return Call(name, path, query, body, media, upload)


def _method(verb: str, path: str) -> tuple[re.Match[str], bool, dict[str, Any]]:
    for method, pattern, upload, description in _methods():
        match = pattern.fullmatch(path)
        if match and method == verb:
            return match, upload, description
    raise InvalidCall(f"no method is called by {verb} {path}")


def check_response(call: Call, body: Any) -> None:
    """InvalidCall if the description does not allow the body as an answer to the call."""
    for _, _, _, description in _methods():
        if description["id"] == call.method:
            if "response" in description:
                check_value(description["response"], body, f"answer to {call.method}", request=False)
            elif body is not None:
                raise InvalidCall(f"{call.method} has no answer, got {body!r}")
            return


def _checked_query(name: str, description: Mapping[str, Any], text: str, upload: bool) -> dict[str, str]:
    known = {key: p for key, p in description["parameters"].items() if p["location"] == "query"}
    known |= document()["parameters"]
    given = parse_qsl(text, keep_blank_values=True)
    query = dict(given)
    if len(query) != len(given):
        raise InvalidCall(f"{name}: a query parameter is given twice: {text}")
    for key, value in query.items():
        if key in UNDESCRIBED_PARAMETERS.get(name, ()):
            continue
        if key not in known:
            raise InvalidCall(f"{name}: unknown query parameter {key}={value}")
        _check_text(known[key], value, f"{name}?{key}")
    missing = [key for key, p in known.items() if p.get("required") and key not in query]
    if missing or (upload and query.get("uploadType") not in ("multipart", "resumable")):
        raise InvalidCall(f"{name}: query parameter {(missing or ['uploadType'])[0]} is missing")
    return query


def _check_text(schema: Mapping[str, Any], value: str, where: str) -> None:
    if schema["type"] == "boolean":
        if value.lower() not in ("true", "false"):
            raise InvalidCall(f"{where}: {value!r} is no boolean")
    elif schema["type"] == "integer":
        check_value(schema, int(value), where, request=True)
    else:
        check_value(schema, value, where, request=True)


def check_value(
    schema: Mapping[str, Any], value: Any, where: str, *, request: bool, partial: bool = False, owner: str = ""
) -> None:
    """A JSON value against a schema of the description. `partial`: a PATCH, whose nulls clear and whose rest stays."""
    if "$ref" in schema:
        owner = schema["$ref"]
        schema = document()["schemas"][owner]
    kind = schema.get("type")
    if kind == "object":
        _check_object(schema, value, where, request=request, partial=partial, owner=owner)
    elif kind == "array":
        if not isinstance(value, list):
            raise InvalidCall(f"{where}: {value!r} is no array")
        for number, item in enumerate(value):
            check_value(schema["items"], item, f"{where}[{number}]", request=request, owner=owner)
    elif kind == "string":
        _check_string(schema, value, where)
    elif kind == "boolean" and not isinstance(value, bool):
        raise InvalidCall(f"{where}: {value!r} is no boolean")
    elif kind == "integer":
        _check_range(schema["format"], value, where)
    elif kind == "number" and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise InvalidCall(f"{where}: {value!r} is no number")


def _check_object(
    schema: Mapping[str, Any], value: Any, where: str, *, request: bool, partial: bool, owner: str
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
            check_value(described, inner, place, request=request, partial=partial and key == "labels", owner=owner)
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


def split_multipart(headers: Mapping[str, str | bytes], content: bytes) -> tuple[bytes, bytes]:
    """The JSON part and the media part of a multipart/related upload."""
    match = re.fullmatch(r'multipart/related; boundary="?([^"]+)"?', _header(headers, "content-type"))
    if match is None:
        raise InvalidCall(f"{_header(headers, 'content-type')!r} is not multipart/related with a boundary")
    boundary = b"--" + match[1].encode()
    before, *parts, after = content.split(boundary)
    if before.strip() or after.strip() != b"--" or len(parts) != 2:
        raise InvalidCall(f"a multipart upload has two parts and an end, found {len(parts)}")
    metadata, media = (part.removeprefix(b"\r\n").removesuffix(b"\r\n").split(b"\r\n\r\n", 1) for part in parts)
    if not metadata[0].lower().startswith(b"content-type: application/json"):
        raise InvalidCall(f"the first part is {metadata[0]!r}, not application/json")
    return metadata[1], media[1]


def _header(headers: Mapping[str, str | bytes], name: str) -> str:
    for key, value in headers.items():
        if key.lower() == name:
            return value.decode() if isinstance(value, bytes) else value
    return ""
