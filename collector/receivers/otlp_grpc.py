"""OTLP/gRPC (OTLP specification, section OTLP/gRPC). The only module that knows grpc."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Semaphore
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from collector.access import Refusal
from collector.intake import COPIES, MAX_BYTES, Intake, readable
from collector.otlp import from_protobuf
from schemas.encodings import BrokenError, TooLargeError, decode
from schemas.errors import Permanent, Retryable
from schemas.settings import Settings

log = logging.getLogger("assay.collector")
_SERVICES = {
    "traces": "trace.v1.TraceService",
    "logs": "logs.v1.LogsService",
    "metrics": "metrics.v1.MetricsService",
}
_REFUSED = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    503: grpc.StatusCode.UNAVAILABLE,
}


def _abort(context: Any, code: grpc.StatusCode, text: str, delay: float = 0.0) -> None:
    status = Status(code=code.value[0], message=readable(text))
    if delay:
        detail = AnyMessage()
        detail.Pack(RetryInfo(retry_delay=Duration(seconds=max(1, round(delay)))))
        status.details.append(detail)
    context.abort_with_status(rpc_status.to_status(status))


def _unpacked(body: bytes) -> bytes:
    """A message as it was before compression, told by its first bytes. Raises Permanent.

    gRPC's own decompression answers a broken message with INTERNAL, so it is switched off; no
    ExportTraceServiceRequest begins with gzip's bytes, and none that an SDK makes with zlib's.
    """
    try:
        if body.startswith(b"\x1f\x8b\x08"):
            return decode(body, "gzip", MAX_BYTES)
        if body[:1] == b"\x78" and int.from_bytes(body[:2], "big") % 31 == 0:
            with suppress(BrokenError):
                return decode(body, "deflate", MAX_BYTES)
    except BrokenError as error:
        raise Permanent(str(error)) from error
    return body


def _handler(intake: Intake, decoding: Semaphore, name: str) -> Any:
    """A method that takes the message's bytes, so that a broken one is answered by us.

    Every failure gets a mapped status: neither INTERNAL, which grpc gives to a message that it
    cannot decode, nor UNKNOWN, which it gives to an exception, is retried by clients.
    """
    request = intake.lanes[name].signal.request

    def export(message: bytes, context: Any) -> Any:
        sent = {k: v for k, v in context.invocation_metadata() if isinstance(v, str)}
        grant = intake.admit(sent.get("authorization", ""))
        if isinstance(grant, Refusal):
            _abort(context, _REFUSED[grant.status], grant.text, 5.0 * (grant.status == 503))
            return None
        try:
            with intake.flight.hold() as take:
                take(len(message))
                with decoding:
                    body = _unpacked(message)
                take(COPIES * len(body))
                return intake.take(name, from_protobuf(body, request), grant, body)
        except TooLargeError:
            text = f"the message is over {MAX_BYTES} bytes after decompression"
            _abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        except Retryable as error:
            # With RetryInfo a client sends again whatever is RESOURCE_EXHAUSTED (OTLP/gRPC).
            code = "RESOURCE_EXHAUSTED" if error.quota else "UNAVAILABLE"
            _abort(context, grpc.StatusCode[code], error.reason, error.delay)
        except Permanent as error:
            _abort(context, grpc.StatusCode.INVALID_ARGUMENT, error.reason)
        except Exception as error:
            log.exception("a request failed")
            _abort(context, grpc.StatusCode.UNAVAILABLE, f"internal error: {error}", 5.0)
        return None

    return grpc.unary_unary_rpc_method_handler(
        export, response_serializer=lambda reply: reply.SerializeToString()
    )


def _credentials(settings: Settings) -> Any:
    key, chain = Path(settings.tls_key).read_bytes(), Path(settings.tls_cert).read_bytes()
    return grpc.ssl_server_credentials([(key, chain)])


def serve(intake: Intake, settings: Settings, shared: bool) -> Any:
    """Start the server and return it; `.stop(grace)` drains. `shared`: other workers listen on the
    same port. Raises RuntimeError on a busy port."""
    server = grpc.server(
        ThreadPoolExecutor(16, thread_name_prefix="grpc"),
        options=[
            ("grpc.max_receive_message_length", MAX_BYTES),
            ("grpc.so_reuseport", int(shared)),
            ("grpc.per_message_decompression", 0),
        ],
    )
    decoding = Semaphore(2)  # a small message may unfold to MAX_BYTES
    for name, service in _SERVICES.items():
        methods = {"Export": _handler(intake, decoding, name)}
        path = f"opentelemetry.proto.collector.{service}"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(path, methods),))
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.otlp_grpc_port}"
    if settings.tls_cert:
        bound = server.add_secure_port(address, _credentials(settings))
    else:
        bound = server.add_insecure_port(address)
    if bound == 0:
        raise RuntimeError(f"cannot listen on {address}")
    server.start()
    return server
