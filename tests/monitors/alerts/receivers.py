"""Receivers of alerts on the loopback interface: HTTP, with or without TLS, and SMTP."""

from __future__ import annotations

import base64
import contextlib
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from monitors.alerts.destination import Destination
from monitors.alerts.message import FIRING, Message
from tests.conftest import free_port

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
OLDER = "whsec_" + base64.b64encode(b"o" * 32).decode()


def destination(
    sink: str,
    url: str,
    *,
    secrets: tuple[str, ...] = (),
    to: tuple[str, ...] = ("ops@example.org",),
    allow_private: bool = True,
) -> Destination:
    return Destination("on-call", sink, url, secrets, to, "", allow_private)


def message(state: str = FIRING, **changes: object) -> Message:
    """An alert with everything an alert can have."""
    whole: dict[str, object] = {
        "message_id": "f1-on-call",
        "key": "f1",
        "type": f"assay.finding.{state}",
        "state": state,
        "title": "groundedness fell for prompt_version=v7",
        "severity": "critical",
        "project": "shop",
        "signal": "groundedness",
        "summary": "groundedness fell from 0.80 to 0.59 for <v7> & others",
        "segment": {"prompt_version": "v7"},
        "onset": "2026-11-20T09:00:00+00:00",
        "sent_at": "2026-11-20T11:00:00+00:00",
        "effect": -0.21,
        "effect_interval": (-0.26, -0.16),
        "p_value": 0.001,
        "share_explained": 0.94,
        "examples": ({"trace_id": "a" * 32, "url": "http://ui/trace?project=shop&trace=aaa"},),
        "related": ("answer_relevance fell as well",),
        "url": "http://ui/findings?project=shop",
        "owner": "team-rag",
        "runbook": "https://wiki/runbook",
        "finding_id": "f1",
    }
    return Message(**{**whole, **changes})  # type: ignore[arg-type]


@dataclass
class Received:
    """A request: path, headers with names in small letters, body."""

    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Target:
    """An HTTP receiver that answers with `answers` in turn, then 204: a code, headers, body."""

    url: str = ""
    port: int = 0
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)  # of TLS greetings
    trickle: float = 0.0  # seconds between the bytes of an answer


def _handler(target: Target) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            headers = {k.lower(): v for k, v in self.headers.items()}
            target.requests.append(Received(self.path, headers, body))
            code, more, text = target.answers.pop(0) if target.answers else (204, {}, "")
            if target.trickle:
                self._slowly()
                return
            self.send_response(code)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def _slowly(self) -> None:
            with contextlib.suppress(OSError):
                for letter in b"HTTP/1.1 200 OK\r\nx-" + b"y" * 10_000:
                    self.wfile.write(bytes([letter]))
                    self.wfile.flush()
                    time.sleep(target.trickle)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler


@contextlib.contextmanager
def http_target(certificate: Path | None = None, port: int = 0) -> Iterator[Target]:
    """A receiver, with TLS where a certificate (with its key) is given."""
    target = Target()
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(target))
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.sni_callback = lambda _socket, name, _context: target.names.append(name)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    target.port = server.server_port
    target.url = f"http{'s' if certificate else ''}://127.0.0.1:{target.port}/hook"
    try:
        yield target
    finally:
        server.shutdown()
        server.server_close()


def certificate(folder: Path, name: str) -> Path:
    """A PEM with a key and a certificate for `name` that signs itself."""
    path = folder / f"{name}.pem"
    key = folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", str(key), "-out", str(path), "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{name}"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + key.read_text())
    return path


@dataclass
class Mailbox:
    """An SMTP server's memory: `refuse` answers DATA with that code."""

    port: int
    mails: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    refuse: int = 0


@contextlib.contextmanager
def smtp_target(pem: Path | None = None) -> Iterator[Mailbox]:
    """An SMTP server; with a certificate it offers STARTTLS, and a login under it."""
    box = Mailbox(free_port())

    class Handler(socketserver.StreamRequestHandler):
        def _say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")
            self.wfile.flush()

        def handle(self) -> None:
            safe = False
            self._say("220 test")
            while line := self.rfile.readline():
                verb = line.decode().strip().upper()
                if verb.startswith("EHLO"):
                    offer = ["250-test"] + ([] if safe or pem is None else ["250-STARTTLS"])
                    self._say("\r\n".join([*offer, *(["250-AUTH PLAIN"] if safe else [])]))
                    self._say("250 OK")
                elif verb == "STARTTLS" and pem is not None:
                    self._say("220 go")
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(pem)
                    self.request = context.wrap_socket(self.request, server_side=True)
                    self.rfile = self.request.makefile("rb")
                    self.wfile = self.request.makefile("wb")
                    safe = True
                elif verb.startswith("AUTH"):
                    box.logins.append(base64.b64decode(line.split()[-1]).decode())
                    self._say("235 OK")
                elif verb == "DATA":
                    self._say("354 go")
                    self._data(safe)
                elif verb == "QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 OK")

        def _data(self, safe: bool) -> None:
            lines = []
            while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                lines.append(line.decode())
            if box.refuse:
                self._say(f"{box.refuse} not now")
                return
            box.mails.append("".join(lines))
            box.encrypted.append(safe)
            self._say("250 OK")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that distrusts the certificate hangs up."""

    server = Server(("127.0.0.1", box.port), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
