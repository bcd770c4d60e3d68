"""HTTP over real sockets: keep-alive, bodies, answers, and connections that break where a fault says so."""

from __future__ import annotations

import os
import socket
import struct
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cloud_server.answers import Answer

if TYPE_CHECKING:
    from cloud_server.exchange import Exchange


class Reset(Exception):
    """The connection is to be reset, without an answer."""


class Front(ThreadingHTTPServer):
    """A thread per connection; `exchange` turns requests into answers."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.exchange: Exchange | None = None
        self.open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up; what is the server's own fault has been recorded by then."""

    def close_all(self) -> None:
        """Stop, and hang up on clients that keep their connections."""
        self.shutdown()
        self.server_close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Front

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _serve(self) -> None:
        exchange = self.server.exchange
        assert exchange is not None
        try:
            answer, truncated = exchange.serve(self)
        except Reset:
            self._reset()
            return
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it is recorded
            text = traceback.format_exc()
            exchange.violations.append(f"{self.command} {self.path}: {text}")
            # 501 is not tried again by Google's clients.
            answer, truncated = Answer(501, {"error": {"code": 501, "message": text}}), False
        self._send(answer, truncated)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _send(self, answer: Answer, truncated: bool) -> None:
        payload = answer.payload
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "Date": self.date_time_string(),
            **answer.headers,
        }
        if answer.status not in (204, 304):
            headers["Content-Length"] = str(len(payload))
        lines = [f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('',))[0]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        content = "\r\n".join([*lines, "", ""]).encode() + payload
        if truncated:
            content = content[: len(content) - max(1, len(payload) // 2)]
        self.connection.sendall(content)
        if truncated:
            self.close_connection = True

    def _reset(self) -> None:
        """RST instead of FIN: to linger for no time at all drops the connection."""
        self.close_connection = True
        self.server.open.discard(self.connection)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    # -- the request

    @property
    def url_path(self) -> str:
        return urlsplit(self.path).path

    @property
    def length(self) -> int:
        return int(self.headers.get("Content-Length") or 0)

    def read_part(self, size: int) -> bytes:
        """Exactly `size` bytes of the body; a client that hangs up before is a ConnectionError."""
        content = self.rfile.read(size)
        if len(content) < size:
            raise ConnectionResetError("the client hung up within its body")
        return content

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.read_part(self.length)
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.read_part(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The log is `CloudServer.log`."""
