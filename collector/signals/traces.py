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
from collector.keeping import Fixed, Keeping, Naming
from collector.normalise import Readings, rows
from collector.signals.admission import Admission, admission
from collector.signals.base import Checked, Signal, check_items
from schemas.models import SpanRow

MOST_READINGS = 1000


def _fault(rules: Admission, span: Any) -> str:
    if len(span.trace_id) != 16 or not any(span.trace_id):
        return "trace_id must be 16 bytes and not all zero"
    if len(span.span_id) != 8 or not any(span.span_id):
        return "span_id must be 8 bytes and not all zero"
    return rules.fault(span, span.start_time_unix_nano, "start time")


def check(
    keeping: Keeping, naming: Naming, request: ExportTraceServiceRequest, now_ns: int
) -> Checked:
    """Remove spans that can never be stored; the rest of the batch is kept."""
    return check_items(
        request, lambda resource: partial(_fault, admission(keeping, naming, now_ns, resource))
    )


def _answer(rejected: int, reason: str) -> ExportTraceServiceResponse:
    response = ExportTraceServiceResponse()
    if rejected:
        response.partial_success.rejected_spans = rejected
        response.partial_success.error_message = reason
    return response


def naming(conventions: Sequence[Convention]) -> Naming:
    """How the conventions name sessions and users."""

    def listed(column: str) -> tuple[str, ...]:
        found = (name for rule in conventions for name in rule.columns.get(column, ()))
        return tuple(dict.fromkeys(found))

    return Naming(listed("session_id"), listed("user_id"))


def traces(conventions: Sequence[Convention], keeping: Keeping | None = None) -> Signal:
    """The signal, with the conventions that fill its columns, and what may be kept."""

    readings: Readings = {}
    keeping = keeping or Fixed()
    names = naming(conventions)

    def make(request: Any, received_ns: int, token: str) -> list[Any]:
        if len(readings) > MOST_READINGS:  # names are the sender's: they may never repeat
            readings.clear()
        days = keeping.now().retentions
        return list(rows(request, conventions, received_ns, token, readings, days))

    return Signal("traces", ExportTraceServiceRequest, SpanRow, partial(check, keeping, names),
                  make, _answer, keeping, names)  # fmt: skip
