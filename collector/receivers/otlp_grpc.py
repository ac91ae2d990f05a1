"""OTLP/gRPC (OTLP specification, section OTLP/gRPC). The only module that knows grpc."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import (
    metrics_service_pb2,
    metrics_service_pb2_grpc,
)
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

from collector.intake import MAX_BYTES, NOT_STORED, Intake
from schemas.errors import Permanent, Retryable


def _abort(context: Any, code: grpc.StatusCode, text: str, delay: float = 0.0) -> None:
    status = Status(code=code.value[0], message=text[:1000])
    if delay:
        detail = AnyMessage()
        detail.Pack(RetryInfo(retry_delay=Duration(seconds=max(1, round(delay)))))
        status.details.append(detail)
    context.abort_with_status(rpc_status.to_status(status))


class _Traces(trace_service_pb2_grpc.TraceServiceServicer):  # type: ignore[misc,unused-ignore]
    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def Export(self, request: Any, context: Any) -> Any:
        """Every failure gets a mapped status: UNKNOWN is not retried by clients."""
        sent = {k: v for k, v in context.invocation_metadata() if isinstance(v, str)}
        if not self._intake.authorised(sent.get("authorization", "")):
            _abort(context, grpc.StatusCode.UNAUTHENTICATED, "send `authorization: Bearer <key>`")
        try:
            return self._intake.traces(request)
        except Retryable as error:
            _abort(context, grpc.StatusCode.UNAVAILABLE, error.reason, error.delay)
        except Permanent as error:
            _abort(context, grpc.StatusCode.INVALID_ARGUMENT, error.reason)
        except Exception as error:
            _abort(context, grpc.StatusCode.UNAVAILABLE, f"internal error: {error}", 5.0)
        return None


class _Logs(logs_service_pb2_grpc.LogsServiceServicer):  # type: ignore[misc,unused-ignore]
    def Export(self, request: Any, context: Any) -> Any:
        reply = logs_service_pb2.ExportLogsServiceResponse()
        reply.partial_success.error_message = NOT_STORED
        return reply


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):  # type: ignore[misc,unused-ignore]
    def Export(self, request: Any, context: Any) -> Any:
        reply = metrics_service_pb2.ExportMetricsServiceResponse()
        reply.partial_success.error_message = NOT_STORED
        return reply


def serve(intake: Intake, address: str) -> Any:
    """Start the server and return it; `.stop(grace)` drains. Raises RuntimeError on a busy port."""
    server = grpc.server(
        ThreadPoolExecutor(16, thread_name_prefix="grpc"),
        options=[
            ("grpc.max_receive_message_length", MAX_BYTES),
            ("grpc.so_reuseport", 0),
        ],
    )
    traces: Any = trace_service_pb2_grpc  # the generated modules carry no types
    logs: Any = logs_service_pb2_grpc
    metrics: Any = metrics_service_pb2_grpc
    traces.add_TraceServiceServicer_to_server(_Traces(intake), server)
    logs.add_LogsServiceServicer_to_server(_Logs(), server)
    metrics.add_MetricsServiceServicer_to_server(_Metrics(), server)
    if server.add_insecure_port(address) == 0:
        raise RuntimeError(f"cannot listen on {address}")
    server.start()
    return server
