"""Resumable uploads, the same protocol in both services.

https://cloud.google.com/storage/docs/performing-resumable-uploads: a POST begins a session, PUTs bring chunks in
multiples of 256 KiB, a 308 says what has arrived, `Content-Range: bytes */N` asks. Bytes that have arrived before are
passed over; once all are there, the same answer is given again to whoever asks.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from threading import RLock

from cloud_server.answers import Answer, Refused
from cloud_server.discovery import Call
from cloud_server.faults import Fault

_UNIT = 256 * 1024
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+|\*)|\*)/(\d+|\*)")


@dataclass
class Session:
    """An upload under way. `call` began it, `fault` is the one that its job is to suffer."""

    call: Call
    fault: Fault | None = None
    content: bytearray = field(default_factory=bytearray)
    answer: Answer | None = None
    lock: RLock = field(default_factory=RLock)

    def receive(self, content_range: str, data: bytes) -> bool:
        """Take a chunk in; whether all has arrived."""
        match = _RANGE.fullmatch(content_range)
        if match is None:
            raise Refused(400, "invalid", f"Content-Range {content_range!r} is not bytes FIRST-LAST/TOTAL")
        first, last, total = match.groups()
        if first is None:
            return total != "*" and int(total) == len(self.content)
        at = int(first)
        if last != "*" and int(last) - at + 1 != len(data):
            raise Refused(400, "invalid", f"Content-Range {content_range!r} with {len(data)} bytes")
        if at > len(self.content):
            raise Refused(503, "backendError", f"the chunk begins at {at}, {len(self.content)} bytes have arrived")
        finished = total != "*" and at + len(data) == int(total)
        if not finished and len(data) % _UNIT:
            raise Refused(400, "invalid", f"a chunk of {len(data)} bytes is no multiple of 256 KiB")
        del self.content[at:]
        self.content += data
        return finished

    @property
    def progress(self) -> Answer:
        """308: go on."""
        headers = {"Range": f"bytes=0-{len(self.content) - 1}"} if self.content else {}
        return Answer(308, headers=headers)


class Uploads:
    """Sessions by their id."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}

    def begin(self, call: Call, url: str, fault: Fault | None) -> Answer:
        upload_id = uuid.uuid4().hex
        self.sessions[upload_id] = Session(call, fault)
        separator = "&" if "?" in url else "?"
        address = f"{url}{separator}upload_id={upload_id}"
        return Answer(200, content=b"", headers={"Location": address, "X-GUploader-UploadID": upload_id})

    def find(self, upload_id: str) -> Session:
        if upload_id not in self.sessions:
            raise Refused(404, "notFound", f"Upload session {upload_id} is not known")
        return self.sessions[upload_id]
