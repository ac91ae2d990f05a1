"""OTLP/HTTP (OTLP specification, section OTLP/HTTP): protobuf and JSON, gzip and zstd."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Semaphore
from typing import Any

from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from collector.access import Grant, Refusal
from collector.intake import COPIES, MAX_BYTES, Intake, Piece, readable
from collector.lanes import Lane
from collector.otlp import from_json, from_protobuf
from collector.spool import refused
from schemas.encodings import BrokenError, TooLargeError, decode
from schemas.errors import Permanent, Retryable

log = logging.getLogger("assay.collector")
Take = Callable[[int], None]
SMALL = 16 * 2**10  # bytes of a body that is taken without a turn of a thread
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
_CODES = {400: 3, 401: 16, 403: 7, 405: 12, 413: 8, 415: 3, 429: 8, 503: 14}
LANGFUSE = "/api/public/otel/v1"  # where Langfuse's SDK sends, and its documents tell others to


def encode(message: Any, content_type: str, status: int = 200) -> Response:
    """A protobuf message in the request's own content type."""
    if content_type == PROTOBUF:
        return Response(message.SerializeToString(), status, media_type=PROTOBUF)
    return Response(json_format.MessageToJson(message, indent=None), status, media_type=JSON)


def refuse(content_type: str, status: int, text: str, delay: float = 0.0) -> Response:
    """`google.rpc.Status` with the HTTP code; Retry-After in seconds for a retryable one."""
    answer = encode(Status(code=_CODES[status], message=readable(text)), content_type, status)
    if delay:
        answer.headers["Retry-After"] = str(max(1, round(delay)))
    return answer


async def _read(request: Request, take: Take) -> bytes:
    """The body as it came; `take` counts bytes in flight. Raises TooLargeError, Retryable."""
    if int(request.headers.get("content-length") or 0) > MAX_BYTES:
        raise TooLargeError
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BYTES:
            raise TooLargeError
        take(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)


async def _stored(lane: Lane, piece: Piece) -> None:
    """Returns once a piece is on disk and counted. Raises Retryable."""
    loop = asyncio.get_running_loop()
    safe: asyncio.Future[str] = loop.create_future()

    def settle(error: str) -> None:
        if not safe.done():
            safe.set_result(error)

    def tell(error: str) -> None:
        # Counted here and not after the wait: a request that is cut off by then is stored too.
        if not error:
            lane.ledger.add("received", piece.counts)
        with suppress(RuntimeError):  # the loop has ended, and nobody waits for this
            loop.call_soon_threadsafe(settle, error)

    if not lane.spool.offer(piece.data, piece.total, tell):
        await run_in_threadpool(lane.spool.append, piece.data, piece.total)
        lane.ledger.add("received", piece.counts)
    elif error := await safe:
        raise refused(error)


def build(intake: Intake, metrics: Callable[[], str], origins: Sequence[str] = ()) -> Any:
    """The application with /v1/*, /metrics, /healthz and /readyz; CORS for `origins` only."""
    decoding = Semaphore(2)  # a small body may unfold to MAX_BYTES

    def answer(
        name: str, packed: bytes, encoding: str, kind: str, take: Take, grant: Grant
    ) -> Response:
        """All that blocks, in one turn of a thread: a second one costs a small request much."""
        body = packed
        if encoding not in {"", "identity"}:
            with decoding:
                body = decode(packed, encoding, MAX_BYTES)
            take(len(body))
        take(COPIES * len(body))
        message = intake.lanes[name].signal.request
        if kind == PROTOBUF:
            return encode(intake.take(name, from_protobuf(body, message), grant, body), kind)
        return encode(intake.take(name, from_json(body, message), grant), kind)

    async def small(name: str, body: bytes, kind: str, take: Take, grant: Grant) -> Response:
        """As `answer`, on the loop: a turn of a thread costs more than a small request does."""
        take(COPIES * len(body))
        binary = kind == PROTOBUF
        message = intake.lanes[name].signal.request
        request = (from_protobuf if binary else from_json)(body, message)
        prepared = intake.prepare(name, request, grant, body if binary else b"")
        for piece in prepared.pieces:
            await _stored(prepared.lane, piece)
        if prepared.refused:
            return encode(await run_in_threadpool(intake.answer, prepared), kind)
        return encode(intake.answer(prepared), kind)

    async def receive(request: Request) -> Response:
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if request.method != "POST":
            return refuse(kind, 405, "use POST")
        if kind not in {PROTOBUF, JSON}:
            return refuse(kind, 415, f"Content-Type {kind!r}: use {PROTOBUF} or {JSON}")
        grant = intake.admit(request.headers.get("authorization", ""))
        if isinstance(grant, Refusal):
            return refuse(kind, grant.status, grant.text, 5.0 * (grant.status == 503))
        name = request.url.path.rpartition("/")[2]
        try:
            with intake.flight.hold() as take:
                body = await _read(request, take)
                encoding = request.headers.get("content-encoding", "").strip().lower()
                plain = encoding in {"", "identity"}
                if plain and len(body) <= SMALL and intake.redaction.quick:
                    return await small(name, body, kind, take, grant)
                return await run_in_threadpool(answer, name, body, encoding, kind, take, grant)
        except Permanent as error:
            return refuse(kind, 400, error.reason)
        except BrokenError as error:
            return refuse(kind, 400, str(error))
        except TooLargeError:
            return refuse(kind, 413, f"the body is over {MAX_BYTES} bytes after decompression")
        except Retryable as error:
            return refuse(kind, 429 if error.quota else 503, error.reason, error.delay)
        except ClientDisconnect:
            return refuse(kind, 400, "the body was cut off")  # nobody reads this
        except Exception:
            # 500 is not retried by clients: what a defect of ours refuses would be lost.
            log.exception("a request failed")
            return refuse(kind, 503, "internal error, see the collector's log", 5.0)

    def health(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    def readiness(_request: Request) -> Response:
        why = intake.refusal()
        return PlainTextResponse(f"{why or 'ready'}\n", 503 if why else 200)

    def prometheus(_request: Request) -> Response:
        return PlainTextResponse(metrics())

    every = ["GET", "POST", "PUT", "DELETE", "PATCH"]
    app = Starlette(
        routes=[
            *(Route(f"/v1/{name}", receive, methods=every) for name in intake.lanes),
            *(Route(f"{LANGFUSE}/{name}", receive, methods=every) for name in intake.lanes),
            Route("/healthz", health),
            Route("/readyz", readiness),
            Route("/metrics", prometheus),
        ]
    )
    if not origins:
        return app
    headers = ["content-type", "content-encoding", "authorization"]
    return CORSMiddleware(app, allow_origins=list(origins), allow_methods=["POST"],
                          allow_headers=headers)  # fmt: skip
