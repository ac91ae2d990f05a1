"""OTLP bodies: decode protobuf or JSON, reject bad spans one by one (OTLP specification 1.x)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas.errors import Permanent

DAY_NS = 86_400 * 10**9
OLDEST_NS = 30 * DAY_NS
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


@dataclass(frozen=True, slots=True)
class Checked:
    """A request without its bad spans, the count kept and rejected, and the first reason."""

    request: ExportTraceServiceRequest
    kept: int
    rejected: int
    reason: str


def from_protobuf(body: bytes) -> ExportTraceServiceRequest:
    """Decode protobuf bytes. Raises Permanent."""
    try:
        return ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise Permanent(f"the body is not an ExportTraceServiceRequest: {error}") from error


def _base64_ids(value: Any, depth: int = 0) -> Any:
    """OTLP/JSON writes ids as hex, protobuf's JSON mapping reads base64: convert first."""
    if depth > 120:
        raise Permanent("the JSON is nested too deeply")
    if isinstance(value, list):
        return [_base64_ids(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        if key in _IDS and isinstance(item, str):
            try:
                result[key] = base64.b64encode(bytes.fromhex(item)).decode()
            except ValueError as error:
                raise Permanent(f"{key} {item[:40]!r} is not hexadecimal") from error
        else:
            result[key] = _base64_ids(item, depth + 1)
    return result


def from_json(body: bytes) -> ExportTraceServiceRequest:
    """Decode OTLP/JSON; unknown keys are ignored. Raises Permanent."""
    try:
        document = json.loads(body)
        if not isinstance(document, dict):
            raise Permanent("the JSON body is not an object")
        return json_format.ParseDict(
            _base64_ids(document), ExportTraceServiceRequest(), ignore_unknown_fields=True
        )
    except (Permanent, MemoryError):
        raise
    except Exception as error:
        # The parser knows no closed list of what it raises; a body decides what comes of it alone.
        raise Permanent(f"the body is not OTLP/JSON: {str(error)[:300]}") from error


def _fault(span: Any, now_ns: int) -> str:
    if len(span.trace_id) != 16 or not any(span.trace_id):
        return "trace_id must be 16 bytes and not all zero"
    if len(span.span_id) != 8 or not any(span.span_id):
        return "span_id must be 8 bytes and not all zero"
    if not now_ns - OLDEST_NS <= span.start_time_unix_nano <= now_ns + DAY_NS:
        return "start time must lie within the last 30 days and at most one day ahead"
    return ""


def check(request: ExportTraceServiceRequest, now_ns: int) -> Checked:
    """Remove spans that can never be stored; the rest of the batch is kept."""
    kept = rejected = 0
    first = ""
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            good = []
            for span in scope.spans:
                fault = _fault(span, now_ns)
                first = first or fault
                if fault:
                    rejected += 1
                else:
                    good.append(span)
            kept += len(good)
            if len(good) != len(scope.spans):
                copies = [type(s).FromString(s.SerializeToString()) for s in good]
                del scope.spans[:]
                scope.spans.extend(copies)
    return Checked(request, kept, rejected, first)


def parts(request: ExportTraceServiceRequest, most: int) -> Iterator[ExportTraceServiceRequest]:
    """Requests of at most `most` spans that together are this one, in the same order."""
    part, room = ExportTraceServiceRequest(), most
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            at = 0
            while at < len(scope.spans):
                group = part.resource_spans.add(schema_url=resource.schema_url)
                group.resource.CopyFrom(resource.resource)
                into = group.scope_spans.add(schema_url=scope.schema_url)
                into.scope.CopyFrom(scope.scope)
                into.spans.extend(scope.spans[at : at + room])
                at += len(into.spans)
                room -= len(into.spans)
                if not room:
                    yield part
                    part, room = ExportTraceServiceRequest(), most
    if room < most:
        yield part
