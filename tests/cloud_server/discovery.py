"""HTTP requests and answers checked against Google's own descriptions of BigQuery v2 and of Cloud Storage's JSON API v1.

The descriptions ship in the `google-api-python-client` wheel. A request must name a method that exists, with its path
and query parameters, and carry a body of its schema: no unknown or output-only field, every required field, right
types, listed values. What they cannot tell is what the service does with a valid request. Hosts are not looked at:
requests come to an emulator's address, and the paths of the two services differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cloud_server.schemas import InvalidCall, Schemas

DOCUMENTS = ("bigquery.v2", "storage.v1")
# Sent by Google's clients and taken by the services, but not described for these methods.
UNDESCRIBED_PARAMETERS = {
    "bigquery.jobs.get": {"projection"},
    "bigquery.jobs.cancel": {"projection"},
}
# Answered by a method's own bytes, not by JSON.
_DOWNLOAD = re.compile(r"/download(/storage/v1/.*)")


@dataclass(frozen=True)
class Call:
    """A valid request: which method, with what. `media` is what an upload brings, None while it has not come, and
    `media_type` its content type."""

    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any] | None = None
    media: bytes | None = field(default=None, repr=False)
    upload: bool = False
    repeated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    media_type: str = ""


@dataclass(frozen=True)
class Method:
    """One path of a described method; an upload has a path of its own."""

    id: str
    verb: str
    path: re.Pattern[str]
    upload: bool
    description: Mapping[str, Any]
    document: Mapping[str, Any] = field(repr=False)

    @property
    def schemas(self) -> Schemas:
        return Schemas(self.document["schemas"])


@cache
def document(name: str) -> dict[str, Any]:
    """A description, such as `bigquery.v2`."""
    folder = files("googleapiclient") / "discovery_cache" / "documents"
    return dict(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")))


@cache
def methods() -> tuple[Method, ...]:
    """Every method of both services."""
    found: list[Method] = []
    for name in DOCUMENTS:
        api = document(name)
        waiting: list[Mapping[str, Any]] = [api]
        while waiting:
            holder = waiting.pop()
            waiting.extend(holder.get("resources", {}).values())
            for described in holder.get("methods", {}).values():
                paths = [("/" + api["servicePath"] + described["path"], False)]
                if "mediaUpload" in described:
                    paths.append((described["mediaUpload"]["protocols"]["simple"]["path"], True))
                for path, upload in paths:
                    pattern = _pattern(path, described)
                    found.append(Method(described["id"], described["httpMethod"], pattern, upload, described, api))
    return tuple(found)


def _pattern(path: str, described: Mapping[str, Any]) -> re.Pattern[str]:
    """`{x}` is one segment of the path; `{+x}` may be several, as its own pattern says."""

    def part(match: re.Match[str]) -> str:
        own = described["parameters"][match[2]].get("pattern", "")
        inner = own.removeprefix("^").removesuffix("$") if match[1] and "/" in own.replace("[^/]", "") else "[^/]+"
        return f"(?P<{match[2]}>{inner})"

    return re.compile(re.sub(r"\{(\+?)(\w+)\}", part, path))


def find_method(verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
    """The method that a request calls, with its path parameters; None where there is none."""
    download = _DOWNLOAD.fullmatch(path)
    if download and verb == "GET":
        path = download[1]
    for method in methods():
        match = method.path.fullmatch(path) if method.verb == verb else None
        if match:
            return method, {key: unquote(value) for key, value in match.groupdict().items()}
    return None


def check_request(verb: str, url: str, headers: Mapping[str, str | bytes], data: bytes | str | None) -> Call:
    """The call that a request makes; InvalidCall with the place for what the description does not allow."""
    parts = urlsplit(url)
    found = find_method(verb, parts.path)
    if found is None:
        raise InvalidCall(f"no method is called by {verb} {parts.path}")
    method, path = found
    repeated = _checked_query(method, parts.query)
    query = {key: values[-1] for key, values in repeated.items()}
    for key, value in path.items():
        if not re.fullmatch(method.description["parameters"][key].get("pattern", ".*"), value, re.DOTALL):
            raise InvalidCall(f"{method.id}: path parameter {key} is {value!r}")
    content = data.encode() if isinstance(data, str) else data
    if method.upload and query["uploadType"] == "media":
        media_type = header(headers, "content-type")
        return Call(method.id, path, query, None, content or b"", True, repeated, media_type)
    media, media_type = None, header(headers, "x-upload-content-type")
    if method.upload and query["uploadType"] == "multipart":
        content, media, media_type = split_multipart(headers, content or b"")
    elif content and "application/json" not in header(headers, "content-type"):
        raise InvalidCall(f"{method.id}: the body is {header(headers, 'content-type')!r}, not application/json")
    body = _checked_body(method, content)
    return Call(method.id, path, query, body, media, method.upload, repeated, media_type)


def _checked_body(method: Method, content: bytes | None) -> dict[str, Any] | None:
    try:
        body = json.loads(content) if content else None
    except ValueError as error:
        raise InvalidCall(f"{method.id}: the body is no JSON: {error}") from None
    if (body is None) != ("request" not in method.description):
        raise InvalidCall(f"{method.id}: a body is {'missing' if body is None else 'not expected'}")
    if body is not None:
        partial = method.verb == "PATCH"
        method.schemas.check(method.description["request"], body, method.id, request=True, partial=partial)
    return body  # type: ignore[no-any-return]


def check_answer(call: Call, body: Any) -> None:
    """InvalidCall if the description does not allow the JSON body as an answer to the call."""
    method = next(method for method in methods() if method.id == call.method)
    if call.query.get("alt") == "media":
        return
    if "response" in method.description:
        fields = "fields" in call.query
        if body is None and not fields:
            raise InvalidCall(f"{call.method} has an answer, got none")
        method.schemas.check(method.description["response"], body, f"answer to {call.method}", request=False)
    elif body is not None:
        raise InvalidCall(f"{call.method} has no answer, got {body!r}")


def _checked_query(method: Method, text: str) -> dict[str, tuple[str, ...]]:
    known = {key: p for key, p in method.description.get("parameters", {}).items() if p["location"] == "query"}
    known |= method.document["parameters"]
    given = {key: tuple(values) for key, values in parse_qs(text, keep_blank_values=True).items()}
    for key, values in given.items():
        if key in UNDESCRIBED_PARAMETERS.get(method.id, ()):
            continue
        if key not in known:
            raise InvalidCall(f"{method.id}: unknown query parameter {key}={values[0]}")
        if len(values) > 1 and not known[key].get("repeated"):
            raise InvalidCall(f"{method.id}: a query parameter is given twice: {text}")
        for value in values:
            _check_text(method.schemas, known[key], value, f"{method.id}?{key}")
    missing = [key for key, p in known.items() if p.get("required") and key not in given]
    kinds = {"bigquery": ("multipart", "resumable")}.get(method.document["name"], ("media", "multipart", "resumable"))
    if missing or (method.upload and given.get("uploadType", ("",))[-1] not in kinds):
        raise InvalidCall(f"{method.id}: query parameter {(missing or ['uploadType'])[0]} is missing")
    return given


def _check_text(schemas: Schemas, schema: Mapping[str, Any], value: str, where: str) -> None:
    if schema["type"] == "boolean":
        if value.lower() not in ("true", "false"):
            raise InvalidCall(f"{where}: {value!r} is no boolean")
    elif schema["type"] == "integer":
        if not re.fullmatch(r"-?\d+", value):
            raise InvalidCall(f"{where}: {value!r} is no {schema['format']}")
        schemas.check(schema, int(value), where, request=True)
    else:
        schemas.check(schema, value, where, request=True)


def split_multipart(headers: Mapping[str, str | bytes], content: bytes) -> tuple[bytes, bytes, str]:
    """The JSON part of a multipart/related upload, the media part, and its type."""
    match = re.fullmatch(r"""multipart/related; boundary=(['"]?)([^'"]+)\1""", header(headers, "content-type"))
    if match is None:
        raise InvalidCall(f"{header(headers, 'content-type')!r} is not multipart/related with a boundary")
    boundary = b"--" + match[2].encode()
    before, *parts, after = content.split(boundary)
    if before.strip() or after.strip() != b"--" or len(parts) != 2:
        raise InvalidCall(f"a multipart upload has two parts and an end, found {len(parts)}")
    metadata, media = (part.removeprefix(b"\r\n").removesuffix(b"\r\n").split(b"\r\n\r\n", 1) for part in parts)
    if not metadata[0].lower().startswith(b"content-type: application/json"):
        raise InvalidCall(f"the first part is {metadata[0]!r}, not application/json")
    kind = re.search(rb"(?im)^content-type: *([^\r\n]*)", media[0])
    return metadata[1], media[1], kind[1].decode() if kind else ""


def header(headers: Mapping[str, str | bytes], name: str) -> str:
    """A header's text, whatever the case of its name; empty where there is none."""
    for key, value in headers.items():
        if key.lower() == name:
            return value.decode() if isinstance(value, bytes) else value
    return ""
