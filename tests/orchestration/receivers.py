"""Real receivers of alerts on this machine: an HTTP server that can misbehave, and an SMTP server."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Webhook:
    """What was posted: path, headers (lower case), and the JSON document. `status` is answered; `hang` answers never."""

    url: str = ""
    status: int = 200
    hang: threading.Event | None = None
    posts: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)


@contextmanager
def webhook(status: int = 200, *, hang: bool = False) -> Iterator[Webhook]:
    received = Webhook(status=status, hang=threading.Event() if hang else None)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            received.posts.append((self.path, headers, json.loads(body)))
            if received.hang:
                received.hang.wait(30)
            self.send_response(received.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield received
    finally:
        if received.hang:
            received.hang.set()
        server.shutdown()
        server.server_close()


@dataclass
class Mailbox:
    """Messages that an SMTP server took: envelope recipients and the message. `refuse` answers 550 to every sender."""

    port: int = 0
    refuse: bool = False
    messages: list[tuple[list[str], EmailMessage]] = field(default_factory=list)


@contextmanager
def mailbox(*, refuse: bool = False) -> Iterator[Mailbox]:
    """The part of RFC 5321 that a client without TLS and login needs."""
    box = Mailbox(refuse=refuse)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            recipients: list[str] = []
            self.say("220 test")
            while line := self.rfile.readline().decode().strip():
                verb = line.split(":")[0].upper()
                if verb == "MAIL FROM" and box.refuse:
                    self.say("550 not you")
                elif verb == "RCPT TO":
                    recipients.append(line.split("<")[1].split(">")[0])
                    self.say("250 ok")
                elif verb == "DATA":
                    self.say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    body = b"".join(each.removeprefix(b".") if each.startswith(b"..") else each for each in lines)
                    box.messages.append((recipients, message_from_bytes(body, policy=policy.default)))  # type: ignore[arg-type]
                    self.say("250 taken")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    box.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
