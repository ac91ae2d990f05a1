"""An OpenAI-compatible endpoint that misbehaves on demand: a real HTTP server on loopback."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = Callable[["Fake", dict[str, Any]], "Reply"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: JSON or raw bytes; `how` may be drop, hang, or drip (a byte at a time)."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    how: str = ""


@dataclass(slots=True)
class Fake:
    """Counts and keeps what was asked; `script` decides what is answered."""

    script: Script
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)


def says(
    text: str, model: str = "judge-1", chances: Sequence[tuple[str, float]] | None = None,
    finish: str = "stop", refusal: str | None = None, tokens: tuple[int, int] = (100, 10),
) -> Reply:  # fmt: skip
    """A chat completion; with `chances` also the log probabilities of its first token."""
    logprobs = None
    if chances is not None:
        top = [{"token": t, "logprob": math.log(p) if p else -9999.0} for t, p in chances]
        logprobs = {"content": [{**top[0], "top_logprobs": top}]}
    message = {"role": "assistant", "content": text, "refusal": refusal}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": logprobs}
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
    return Reply(200, {"model": model, "choices": [choice], "usage": usage})


def error(status: int, message: str, code: str = "", **headers: str) -> Reply:
    """An error in OpenAI's shape; underscores in header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"error": {"message": message, "code": code}}, named)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: Fake

    def do_POST(self) -> None:
        fake = self.fake
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with fake.lock:
            fake.asked.append(body)
            fake.headers.append({k.lower(): v for k, v in self.headers.items()})
            fake.times.append(time.monotonic())
            fake.at_once += 1
            fake.most_at_once = max(fake.most_at_once, fake.at_once)
        try:
            self._answer(fake.script(fake, body))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with fake.lock:
                fake.at_once -= 1

    def _answer(self, reply: Reply) -> None:
        raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        if reply.how == "hang":
            self.fake.ended.wait(30)
        if reply.how in {"hang", "drop"}:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if reply.how != "drip":
            self.wfile.write(raw)
            return
        for byte in raw:
            self.wfile.write(bytes([byte]))
            if self.fake.ended.wait(0.02):
                return

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""


@contextmanager
def serving(script: Script) -> Iterator[Fake]:
    """A fake that answers by `script` until the block ends."""
    fake = Fake(script)
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        fake.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def in_turn(*replies: Reply) -> Script:
    """The replies one after the other, the last one for ever."""
    left = list(replies)
    lock = threading.Lock()

    def script(_fake: Fake, _body: dict[str, Any]) -> Reply:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return script
