"""OTLP files: JSON (one request, or one a line as the OpenTelemetry Collector writes it) and
protobuf (one request, or many behind their lengths in four bytes)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from assay.formats.base import Batch, Document, Format, FormatError, Traces, documents, kind, opened
from collector.otlp import from_json
from schemas.errors import Permanent
from schemas.registry import register

_REQUESTS: dict[str, tuple[str, Any]] = {
    "traces": ("resourceSpans", ExportTraceServiceRequest),
    "logs": ("resourceLogs", ExportLogsServiceRequest),
    "metrics": ("resourceMetrics", ExportMetricsServiceRequest),
}
_PROTOBUF = {".pb", ".proto", ".bin", ".protobuf", ".otlp"}


def _recognises(path: Path, first: Document) -> bool:
    return kind(path) in _PROTOBUF or any(key in first for key, _ in _REQUESTS.values())


def _json(path: Path) -> Iterator[Batch]:
    for number, document in enumerate(documents(path), 1):
        for signal, (key, message) in _REQUESTS.items():
            if key in document:
                body = json.dumps({key: document[key]}).encode()
                try:
                    yield signal, from_json(body, message)
                except Permanent as error:
                    raise FormatError(f"{path}, request {number}: {error.reason}") from error


def _messages(data: bytes) -> list[bytes]:
    """The requests behind their lengths; the whole where the lengths do not add up."""
    found, at = [], 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if not size or at + 4 + size > len(data):
            return [data]
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found if at == len(data) and found else [data]


def _protobuf(path: Path) -> Iterator[Batch]:
    for number, body in enumerate(_messages(opened(path)), 1):
        for signal, (_, message) in _REQUESTS.items():
            try:
                request = message.FromString(body)
            except DecodeError:
                continue
            # The three requests share field numbers: only the right one leaves nothing unknown.
            if request.ByteSize() == len(body) and _known(request):
                yield signal, request
                break
        else:
            raise FormatError(f"{path}, request {number}, is no OTLP request of any signal")


def _known(request: Any) -> bool:
    """True where every span, record or metric has what its kind always has."""
    try:
        json_format.MessageToDict(request)
    except (json_format.Error, UnicodeDecodeError):
        return False
    for group in (item for _, groups in request.ListFields() for item in groups):
        for name, needed in (("scope_spans", "spans"), ("scope_logs", "log_records"),
                             ("scope_metrics", "metrics")):  # fmt: skip
            for scope in getattr(group, name, ()):
                for item in getattr(scope, needed):
                    if not _whole(item, needed):
                        return False
    return True


def _whole(item: Any, kind: str) -> bool:
    if kind == "spans":
        return len(item.trace_id) == 16 and len(item.span_id) == 8 and item.start_time_unix_nano > 0
    if kind == "metrics":
        return bool(item.name) and item.WhichOneof("data") is not None
    return len(item.trace_id) in {0, 16} and len(item.span_id) in {0, 8}


def _read(path: Path, _project: str, _traces: Traces) -> Iterator[Batch]:
    yield from _protobuf(path) if kind(path) in _PROTOBUF else _json(path)


@register("format", "otlp")
def otlp() -> Format:
    """OTLP as JSON or protobuf."""
    return Format("otlp", _recognises, _read)
