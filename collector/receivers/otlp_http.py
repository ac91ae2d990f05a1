"""OTLP/HTTP (OTLP specification, section OTLP/HTTP): protobuf and JSON, gzip and zstd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from collector.intake import MAX_BYTES, NOT_STORED, Intake
from collector.otlp import from_json, from_protobuf
from schemas.encodings import BrokenError, TooLargeError, decode
from schemas.errors import Permanent, Retryable

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
_CODES = {400: 3, 401: 16, 405: 12, 413: 8, 415: 3, 503: 14}


def encode(message: Any, content_type: str, status: int = 200) -> Response:
    """A protobuf message in the request's own content type."""
    if content_type == PROTOBUF:
        return Response(message.SerializeToString(), status, media_type=PROTOBUF)
    return Response(json_format.MessageToJson(message, indent=None), status, media_type=JSON)


def refuse(content_type: str, status: int, text: str, delay: float = 0.0) -> Response:
    """`google.rpc.Status` with the HTTP code; Retry-After in seconds for a retryable one."""
    answer = encode(Status(code=_CODES[status], message=text[:1000]), content_type, status)
    if delay:
        answer.headers["Retry-After"] = str(max(1, round(delay)))
    return answer


def build(intake: Intake, metrics: Callable[[], str]) -> Starlette:
    """The application with /v1/*, /metrics, /healthz and /readyz."""

    async def body_of(request: Request) -> bytes:
        if int(request.headers.get("content-length") or 0) > MAX_BYTES:
            raise TooLargeError
        chunks, size = [], 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BYTES:
                raise TooLargeError
            chunks.append(chunk)
        return b"".join(chunks)

    async def receive(request: Request) -> Response:
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if request.method != "POST":
            return refuse(kind, 405, "use POST")
        if kind not in {PROTOBUF, JSON}:
            return refuse(kind, 415, f"Content-Type {kind!r}: use {PROTOBUF} or {JSON}")
        if not intake.authorised(request.headers.get("authorization", "")):
            return refuse(kind, 401, "send the ingest key as `Authorization: Bearer <key>`")
        try:
            body = await body_of(request)
            encoding = request.headers.get("content-encoding", "").strip().lower()
            if request.url.path == "/v1/traces":
                return await run_in_threadpool(_traces, intake, body, encoding, kind)
            await run_in_threadpool(decode, body, encoding, MAX_BYTES)
        except Permanent as error:
            return refuse(kind, 400, error.reason)
        except BrokenError as error:
            return refuse(kind, 400, str(error))
        except TooLargeError:
            return refuse(kind, 413, f"the body is over {MAX_BYTES} bytes after decompression")
        except Retryable as error:
            return refuse(kind, 503, error.reason, error.delay)
        logs = request.url.path == "/v1/logs"
        reply: Any = ExportLogsServiceResponse() if logs else ExportMetricsServiceResponse()
        reply.partial_success.error_message = NOT_STORED
        return encode(reply, kind)

    def health(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    def readiness(_request: Request) -> Response:
        why = intake.spool.refusal()
        return PlainTextResponse(f"{why or 'ready'}\n", 503 if why else 200)

    def prometheus(_request: Request) -> Response:
        return PlainTextResponse(metrics())

    every = ["GET", "POST", "PUT", "DELETE", "PATCH"]
    signals = ("traces", "logs", "metrics")
    return Starlette(
        routes=[
            *(Route(f"/v1/{name}", receive, methods=every) for name in signals),
            Route("/healthz", health),
            Route("/readyz", readiness),
            Route("/metrics", prometheus),
        ]
    )


def _traces(intake: Intake, packed: bytes, encoding: str, kind: str) -> Response:
    """All that blocks, in one turn of a thread: a second one costs a small request much."""
    body = decode(packed, encoding, MAX_BYTES)
    request = from_protobuf(body) if kind == PROTOBUF else from_json(body)
    return encode(intake.traces(request), kind)
