"""The HTTP answer to one call: status and headers when they are known, then rows as they come."""

from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from inspect import GEN_CLOSED, getgeneratorstate
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync
from starlette.types import Message, Receive, Scope, Send

from schemas.store.call import Call, Progress
from schemas.store.compression import Encoder, encoder
from schemas.store.engine import Engine
from schemas.store.errors import EngineError
from schemas.store.execution import Executor
from schemas.store.request import Delivery

T = TypeVar("T")
# A client that waits longer than this gets its headers with the rows there are.
_PATIENCE = 0.1
_PIECE = 2**20
_TEXT = "text/plain; charset=UTF-8"
_TYPES = {
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tsv": "text/tab-separated-values; charset=UTF-8",
    "csv": "text/csv; charset=UTF-8; header=absent",
    "csvwithnames": "text/csv; charset=UTF-8; header=present",
    "json": "application/json; charset=UTF-8",
    "jsoncompact": "application/json; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
}


def exception_block(tag: str, text: str) -> bytes:
    """An exception behind rows that are already sent, as ClickHouse marks it since 25.11."""
    message = text.encode() + b"\n"
    mark = tag.encode()
    size = str(len(message)).encode()
    return (
        b"\r\n__exception__\r\n" + mark + b"\r\n" + message
        + size + b" " + mark + b"\r\n__exception__\r\n"
    )  # fmt: skip


class QueryAnswer:
    """An ASGI response that runs its call while it answers; stops reading if the client goes."""

    def __init__(
        self, engine: Engine, executor: Executor, call: Call, delivery: Delivery,
        threads: anyio.CapacityLimiter,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._executor = executor
        self._call = call
        self._delivery = delivery
        self._threads = threads
        self._tag = "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, receive)
            await self._respond(send)
            group.cancel_scope.cancel()

    async def _watch(self, receive: Receive) -> None:
        message: Message = {"type": ""}
        while message["type"] != "http.disconnect":
            message = await receive()
        while True:
            # Again and again: the statement may not have begun when the client went.
            with suppress(EngineError):
                await run_sync(self._engine.cancel_reading, self._call.query_id)
            await anyio.sleep(0.2)

    async def _respond(self, send: Send) -> None:
        progress = Progress()
        running = self._executor.run(self._call, progress)
        try:
            pieces: Iterator[bytes] = running
            try:
                if self._delivery.whole:
                    pieces = await self._step(self._collected, running)
                first, more = await self._step(gather, pieces, self._delivery.buffer)
            except EngineError as error:
                await refuse(send, error, self._call.query_id)
                return
            form = encoder(self._delivery.encodings if progress.shape else ())
            await send(_start(200, self._headers(progress, form.name)))
            await self._stream(send, first, more, pieces, form)
        finally:
            if getgeneratorstate(running) != GEN_CLOSED:
                with anyio.CancelScope(shield=True):
                    await self._step(running.close)

    async def _stream(
        self, send: Send, data: bytes, more: bool, pieces: Iterator[bytes], form: Encoder
    ) -> None:
        """Send rows until there are no more, or an exception in their place."""
        failed = False
        while True:
            body = await self._step(form.add, data) if data and form.name else data
            body += b"" if more else form.end()
            # A connection that breaks off tells every client that these rows are not all.
            await send({"type": "http.response.body", "body": body, "more_body": more or failed})
            if not more:
                return
            try:
                data, more = await self._step(gather, pieces, _PIECE)
            except EngineError as error:
                data, more, failed = exception_block(self._tag, str(error)), False, True

    def _collected(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The same pieces, once all of them are there: on disk if they are many."""
        spool = self._engine.spool()
        for piece in pieces:
            spool.write(piece)
        spool.seek(0)
        return iter(lambda: spool.read(_PIECE), b"")

    async def _step(self, function: Callable[..., T], *values: object) -> T:
        return await run_sync(function, *values, limiter=self._threads)

    def _headers(self, progress: Progress, encoding: str) -> dict[str, str]:
        counts = {name: str(value) for name, value in progress.counts.items()}
        found = {
            "X-ClickHouse-Summary": json.dumps(counts, separators=(",", ":")),
            "X-ClickHouse-Query-Id": self._call.query_id,
            "X-ClickHouse-Server-Display-Name": self._engine.host,
            "X-ClickHouse-Timezone": self._call.settings.get("session_timezone")
            or self._engine.timezone,
            "X-ClickHouse-Exception-Tag": self._tag,
            "Content-Type": _TEXT,
        }
        if progress.shape:
            found["X-ClickHouse-Format"] = progress.shape
            found["Content-Type"] = _TYPES.get(progress.shape.lower(), "application/octet-stream")
        if encoding:
            found["Content-Encoding"] = encoding
        return found


def gather(pieces: Iterator[bytes], size: int) -> tuple[bytes, bool]:
    """At least `size` bytes, or what came in time; and whether there may be more."""
    found: list[bytes] = []
    held, deadline = 0, time.monotonic() + _PATIENCE
    for piece in pieces:
        found.append(piece)
        held += len(piece)
        if held > size or time.monotonic() > deadline:
            return b"".join(found), True
    return b"".join(found), False


def _start(status: int, headers: dict[str, str]) -> Message:
    raw = [(k.lower().encode(), v.encode("utf-8")) for k, v in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": raw}


async def refuse(send: Send, error: EngineError, query_id: str = "") -> None:
    """Answer with an error before any row: its status, its code, its text."""
    headers = {"X-ClickHouse-Exception-Code": str(error.code), "Content-Type": _TEXT}
    if query_id:
        headers["X-ClickHouse-Query-Id"] = query_id
    await send(_start(error.status, headers))
    await send({"type": "http.response.body", "body": f"{error}\n".encode()})
