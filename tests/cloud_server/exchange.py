"""A request on its way: recorded, checked against Google's description, made to fail where a fault says so, answered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from cloud_server.answers import Answer, Refused
from cloud_server.discovery import Call, InvalidCall, check_answer, check_request, find_method, header
from cloud_server.faults import Entry, Fault
from cloud_server.http_front import Handler, Reset
from cloud_server.routes import Routes
from cloud_server.tokens import Tokens, unauthorized
from cloud_server.uploads import Session, Uploads

# A request may have one fault of each sort: of itself, of the job that it starts, of what it creates.
_SORTS = {"job_error": 1, "slow": 1, "cancelled": 1, "not_found_after": 2}


class Exchange:
    """What stands between the sockets and the services."""

    def __init__(self, routes: Routes, tokens: Tokens, violations: list[str], *, require_token: bool) -> None:
        self.routes, self.tokens, self.violations, self.require_token = routes, tokens, violations, require_token
        self.uploads = Uploads()
        self.log: list[Entry] = []
        self.faults: list[Fault] = []
        self._hidden: dict[str, int] = {}
        self._lock = Lock()

    def forget(self) -> None:
        self.uploads.sessions.clear()
        self.log.clear()
        self.faults.clear()
        self._hidden.clear()

    def serve(self, handler: Handler) -> tuple[Answer, bool]:
        """The answer, and whether it is to end early. Raises Reset for none at all."""
        if handler.url_path == "/token":
            return self._token(handler)
        headers = dict(handler.headers.items())
        entry = self._entry(handler)
        broken = self._broken_upload(handler, entry, headers)
        content = handler.read_body() if broken is None else broken
        with self._lock:
            self.log.append(entry)
        if broken is not None:
            raise Reset
        try:
            call, session = self._checked(handler, entry, headers, content)
        except Refused as error:
            return self._sent(entry, error.answer), False
        except InvalidCall as error:
            self.violations.append(str(error))
            return self._sent(entry, Refused(400, "invalid", str(error)).answer), False
        faults = self._taken(entry)
        entry.fault = next((fault for fault in faults if fault is not None), None)
        return self._answered(handler, entry, call, session, content, headers, faults)

    def _token(self, handler: Handler) -> tuple[Answer, bool]:
        """The token endpoint, which knows faults too; its errors are not in the format of Google's APIs."""
        body = handler.read_body()
        entry = Entry(time.time(), "oauth2.token", {}, {})
        with self._lock:
            self.log.append(entry)
        fault = entry.fault = self._taken(entry)[0]
        if fault is not None and fault.kind in ("status", "unauthorized"):
            status, reason = (401, "invalid_client") if fault.kind == "unauthorized" else (fault.status, fault.reason)
            if status >= 500:  # the front end's page: the endpoint itself has said nothing
                page = f"<!DOCTYPE html><html><title>Error {status}</title>{fault.text}</html>".encode()
                return self._sent(entry, Answer(status, content=page, headers={"Content-Type": "text/html"})), False
            return self._sent(entry, Answer(status, {"error": reason, "error_description": fault.text})), False
        self._before(fault)
        answer = self.tokens.answer(body)
        if fault is not None and fault.kind == "reset_after":
            raise Reset
        return self._sent(entry, answer), fault is not None and fault.kind == "truncated"

    # -- reading

    def _entry(self, handler: Handler) -> Entry:
        """What is known before the body is read."""
        query = {key: values[-1] for key, values in parse_qs(urlsplit(handler.path).query).items()}
        session = self.uploads.sessions.get(query.get("upload_id", ""))
        if session is not None and handler.command == "PUT":
            call = session.call
            return Entry(time.time(), f"{call.method}.chunk", call.path, query, call.body, upload=True)
        found = find_method(handler.command, handler.url_path)
        if found is None:
            return Entry(time.time(), f"{handler.command} {handler.url_path}", {}, query)
        method, path = found
        return Entry(time.time(), method.id, path, query, upload=method.upload)

    def _broken_upload(self, handler: Handler, entry: Entry, headers: Mapping[str, str]) -> bytes | None:
        """Half of the body, if the connection is to break there."""
        waiting = [fault for fault in self.faults if fault.kind == "broken_upload"]
        if not entry.upload or not waiting:
            return None
        half = handler.read_part(handler.length // 2)
        if entry.query.get("uploadType") == "multipart":  # the job stands before the content
            rest = handler.read_part(handler.length - len(half))
            try:
                entry.body = check_request(handler.command, handler.path, headers, half + rest).body
            except InvalidCall:
                entry.body = None
        else:
            rest = b""
        for fault in waiting:
            with self._lock:
                taken = fault.takes(entry)
            if taken:
                entry.fault = fault
                return half
        handler.rfile = _Again(half + (rest or handler.read_part(handler.length - len(half))), handler.rfile)
        return None

    def _checked(
        self, handler: Handler, entry: Entry, headers: Mapping[str, str], content: bytes
    ) -> tuple[Call, Session | None]:
        """The call and, for a chunk, the upload that it belongs to."""
        if entry.method.endswith(".chunk"):
            session = self.uploads.find(entry.query["upload_id"])
            return session.call, session
        if handler.command == "PUT" and "upload_id" in entry.query:
            raise Refused(404, "notFound", f"Upload session {entry.query['upload_id']} is not known")
        call = check_request(handler.command, handler.path, headers, content)
        entry.path, entry.query, entry.body, entry.media = call.path, call.query, call.body, call.media
        return call, None

    # -- faults

    def _taken(self, entry: Entry) -> list[Fault | None]:
        """The first fault of each sort that fits."""
        found: list[Fault | None] = [None, None, None]
        with self._lock:
            for fault in self.faults:
                sort = _SORTS.get(fault.kind, 0)
                if found[sort] is None and fault.kind != "broken_upload" and fault.takes(entry):
                    found[sort] = fault
        return found

    def _before(self, fault: Fault | None) -> None:
        if fault is None:
            return
        if fault.kind == "delay":
            time.sleep(fault.seconds)
        elif fault.kind == "reset_before":
            raise Reset
        elif fault.kind == "unauthorized":
            raise unauthorized(fault.message)
        elif fault.kind == "status":
            headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
            raise Refused(fault.status, fault.reason, fault.text, headers)

    def _hide(self, fault: Fault | None, call: Call, answer: Answer) -> None:
        """What was created answers 404 for a while."""
        if fault is None or not isinstance(answer.body, dict):
            return
        body = answer.body
        name = (
            body.get("jobReference", {}).get("jobId")
            or body.get("tableReference", {}).get("tableId")
            or body.get("datasetReference", {}).get("datasetId")
            or body.get("name")
        )
        service, kind, *_ = call.method.split(".")
        with self._lock:
            self._hidden[f"{service}.{kind}:{name}"] = max(1, fault.polls)

    def _check_hidden(self, call: Call) -> None:
        service, kind, verb = call.method.split(".")
        if verb not in ("get", "getQueryResults"):
            return
        last = {"jobs": "jobId", "tables": "tableId", "datasets": "datasetId", "objects": "object", "buckets": "bucket"}
        name = f"{service}.{kind}:{call.path.get(last.get(kind, ''), '')}"
        with self._lock:
            left = self._hidden.get(name, 0)
            if left:
                self._hidden[name] = left - 1
        if left:
            raise Refused(404, "notFound", f"Not found: {name} (it was created just now)")

    # -- answering

    def _answered(
        self,
        handler: Handler,
        entry: Entry,
        call: Call,
        session: Session | None,
        content: bytes,
        headers: Mapping[str, str],
        faults: list[Fault | None],
    ) -> tuple[Answer, bool]:
        fault, job_fault, hiding = faults
        try:
            if self.require_token:
                self.tokens.check(headers)
            self._before(fault)
            self._check_hidden(call)
            if session is not None:
                answer = self._chunk(session, entry, header(headers, "content-range"), content)
            elif call.upload and call.query["uploadType"] == "resumable":
                answer = self.uploads.begin(call, f"{self.tokens.url}{handler.path}", job_fault)
            else:
                answer = self._done(call, headers, entry, job_fault)
            self._hide(hiding, call, answer)
        except Refused as error:
            answer = error.answer
        if fault is not None and fault.kind == "reset_after":
            raise Reset
        return self._sent(entry, answer), fault is not None and fault.kind == "truncated"

    def _done(self, call: Call, headers: Mapping[str, str], entry: Entry, fault: Fault | None) -> Answer:
        answer = self.routes.answer(call, headers, entry, fault)
        try:
            check_answer(call, answer.body)
        except InvalidCall as error:
            self.violations.append(str(error))
        return answer

    def _chunk(self, session: Session, entry: Entry, content_range: str, content: bytes) -> Answer:
        with session.lock:
            if session.answer is None:
                if not session.receive(content_range, content):
                    return session.progress
                call = replace(session.call, media=bytes(session.content))
                entry.media = call.media
                session.answer = self._done(call, {}, entry, session.fault)
                session.content.clear()
            return session.answer

    @staticmethod
    def _sent(entry: Entry, answer: Answer) -> Answer:
        entry.status = answer.status
        return answer


class _Again:
    """A stream whose first bytes were read before."""

    def __init__(self, content: bytes, stream: object) -> None:
        self._content, self._stream = content, stream

    def read(self, size: int) -> bytes:
        content, self._content = self._content[:size], self._content[size:]
        return content + self._stream.read(size - len(content)) if len(content) < size else content  # type: ignore[attr-defined,no-any-return]

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)
