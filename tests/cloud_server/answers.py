"""What the server answers with: a body, bytes, or an error in Google's format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Resource = dict[str, Any]

# The canonical code beside the HTTP status, as Google's front end adds it.
_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}
# https://cloud.google.com/bigquery/docs/error-messages: the HTTP status that goes with a reason.
_STATUSES = {
    "accessDenied": 403,
    "backendError": 503,
    "billingNotEnabled": 403,
    "blocked": 403,
    "duplicate": 409,
    "internalError": 500,
    "notFound": 404,
    "notImplemented": 501,
    "quotaExceeded": 403,
    "rateLimitExceeded": 403,
    "responseTooLarge": 403,
    "stopped": 499,
}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `body` is sent as JSON; `content` as it is."""

    status: int = 200
    body: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def payload(self) -> bytes:
        if self.content is not None:
            return self.content
        return b"" if self.body is None else json.dumps(self.body).encode()


class Refused(Exception):
    """An HTTP error to answer with."""

    def __init__(self, status: int, reason: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.reason, self.message = status, reason, message
        self.headers = dict(headers or {})
        super().__init__(message)

    @classmethod
    def because(cls, reason: str, message: str) -> Refused:
        """With the status that Google documents for the reason."""
        return cls(_STATUSES.get(reason, 400), reason, message)

    @property
    def problem(self) -> Resource:
        """As a job tells it."""
        return {"reason": self.reason, "message": self.message}

    @property
    def answer(self) -> Answer:
        detail = {"reason": self.reason, "message": self.message, "domain": "global"}
        error: Resource = {"code": self.status, "message": self.message, "errors": [detail]}
        if self.status in _CODES:
            error["status"] = _CODES[self.status]
        return Answer(self.status, {"error": error}, headers=self.headers)


def partial(body: Any, fields: str) -> Any:
    """A partial response: `fields=a,b(c,d),e/f` keeps those alone. https://developers.google.com/discovery/v1/performance"""
    return _select(body, _selection(fields))


def _selection(text: str) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    depth, item = 0, ""
    for sign in text + ",":
        depth += (sign == "(") - (sign == ")")
        if sign != "," or depth:
            item += sign
            continue
        name, _, inner = item.strip().partition("/") if "/" in item.partition("(")[0] else item.strip().partition("(")
        wanted[name] = _selection(inner.removesuffix(")") if "(" not in inner else inner) if inner else None
        item = ""
    return wanted


def _select(body: Any, wanted: dict[str, Any] | None) -> Any:
    if wanted is None or "*" in wanted:
        return body
    if isinstance(body, list):
        return [_select(item, wanted) for item in body]
    if not isinstance(body, dict):
        return body
    return {key: _select(value, wanted[key]) for key, value in body.items() if key in wanted}
