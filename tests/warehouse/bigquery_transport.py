"""A test transport for the BigQuery client: it proves requests, it is no engine.

Every request is checked against Google's description (discovery.py), recorded, and answered by the dictionaries of
bigquery_service.py; every answer is checked too. A fault makes a call fail, or lets it happen and loses the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import requests

from warehouse.bigquery_service import PROJECT, Refused, Service, reference
from warehouse.discovery import Call, check_request, check_response

__all__ = ["PROJECT", "Fault", "Refused", "Transport", "reference"]


@dataclass
class Fault:
    """The next calls of a method go wrong: refused with an error, or done but the answer lost."""

    method: str
    error: BaseException
    after: bool = False
    times: int = 1
    when: Callable[[Call], bool] = lambda _: True

    def takes(self, call: Call) -> bool:
        """Whether this call goes wrong; counts it."""
        taken = call.method == f"bigquery.{self.method}" and self.times > 0 and self.when(call)
        self.times -= taken
        return taken


@dataclass
class Transport(Service):
    """Stands where the client expects an authorised `requests.Session`."""

    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    is_mtls: bool = False
    closed: bool = False
    _uploads: dict[str, tuple[Call, bytes]] = field(default_factory=dict)

    def sent(self, method: str) -> list[Call]:
        """The recorded calls of a method such as `jobs.insert`."""
        return [call for call in self.calls if call.method == f"bigquery.{method}"]

    def request(self, method: str, url: str, data: Any = None, headers: Any = None, **_: Any) -> requests.Response:
        if url.startswith("https://upload.test/"):
            return self._finish_upload(url, data, headers)
        call = check_request(method, url, headers or {}, data)
        self.calls.append(call)
        fault = next((fault for fault in self.faults if fault.takes(call)), None)
        try:
            if fault and not fault.after:
                raise fault.error
            if call.query.get("uploadType") == "resumable":
                address = f"https://upload.test/{len(self._uploads)}"
                self._uploads[address] = (call, b"")
                return _response(200, None, {"location": address})
            body = self.answer(call, headers or {})
            if fault:
                raise fault.error
        except Refused as error:
            return _error(error)
        check_response(call, body)
        return _response(200 if body is not None else 204, body)

    def _finish_upload(self, address: str, data: Any, headers: Mapping[str, Any]) -> requests.Response:
        call, before = self._uploads[address]
        content = before + data
        total = headers["content-range"].rpartition("/")[2]
        if total in ("*", b"*") or int(total) > len(content):
            self._uploads[address] = (call, content)
            return _response(308, None, {"range": f"bytes=0-{len(content) - 1}"})
        assert call.body is not None
        try:
            body = self.insert_job(call.body, content)
        except Refused as error:
            return _error(error)
        check_response(call, body)
        return _response(200, body)

    def close(self) -> None:
        self.closed = True

    @property
    def _auth_request(self) -> Any:
        """Where an authorised session keeps the session that refreshes credentials; the client closes that too."""
        return SimpleNamespace(session=self)


def _response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers.update({"content-type": "application/json", **(headers or {})})
    response._content = b"" if body is None else json.dumps(body).encode()
    response.request = requests.Request("POST", "https://bigquery.googleapis.com/").prepare()
    return response


def _error(error: Refused) -> requests.Response:
    detail = {"reason": error.reason, "message": error.message, "domain": "global"}
    return _response(error.status, {"error": {"code": error.status, "message": error.message, "errors": [detail]}})
