"""OTLP traces: spans with bad ids or impossible times are refused one by one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from collector.conventions.rules import Convention
from collector.normalise import Readings, rows
from collector.signals.base import Checked, Signal, check_items, time_fault
from schemas.models import SpanRow

MOST_READINGS = 1000


def _fault(now_ns: int, span: Any) -> str:
    if len(span.trace_id) != 16 or not any(span.trace_id):
        return "trace_id must be 16 bytes and not all zero"
    if len(span.span_id) != 8 or not any(span.span_id):
        return "span_id must be 8 bytes and not all zero"
    return time_fault(span.start_time_unix_nano, now_ns, "start time")


def check(request: ExportTraceServiceRequest, now_ns: int) -> Checked:
    """Remove spans that can never be stored; the rest of the batch is kept."""
    return check_items(request, partial(_fault, now_ns))


def _answer(rejected: int, reason: str) -> ExportTraceServiceResponse:
    response = ExportTraceServiceResponse()
    if rejected:
        response.partial_success.rejected_spans = rejected
        response.partial_success.error_message = reason
    return response


def traces(conventions: Sequence[Convention]) -> Signal:
    """The signal, with the conventions that fill its columns."""

    readings: Readings = {}

    def make(request: Any, received_ns: int, token: str) -> list[Any]:
        if len(readings) > MOST_READINGS:  # names are the sender's: they may never repeat
            readings.clear()
        return list(rows(request, conventions, received_ns, token, readings))

    return Signal("traces", ExportTraceServiceRequest, SpanRow, check, make, _answer)
