"""OTLP logs: every record is kept under its own time, joined to spans when it is read."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from collector.chat import text
from collector.keeping import Fixed, Keeping, Naming
from collector.normalise import attributes, plain, resource_columns
from collector.signals.admission import Admission, admission
from collector.signals.base import Checked, Signal, check_items
from schemas.models import LogRow


def _time(record: Any) -> int:
    return int(record.time_unix_nano or record.observed_time_unix_nano)


def _fault(rules: Admission, record: Any) -> str:
    if len(record.trace_id) not in {0, 16}:
        return "trace_id must be empty or 16 bytes"
    if len(record.span_id) not in {0, 8}:
        return "span_id must be empty or 8 bytes"
    # The data model allows both times to be missing: it then happened when it was received.
    return rules.fault(record, _time(record) or rules.now_ns, "time")


def check(
    keeping: Keeping, naming: Naming, request: ExportLogsServiceRequest, now_ns: int
) -> Checked:
    """Remove records that can never be stored; the rest of the batch is kept."""
    return check_items(
        request, lambda resource: partial(_fault, admission(keeping, naming, now_ns, resource))
    )


def _hex(value: bytes) -> str:
    return value.hex() if any(value) else ""


def _row(record: Any, scope: str, base: dict[str, Any], received_ns: int) -> LogRow:
    found = attributes(record.attributes)
    body = text(plain(record.body))
    event = record.event_name or text(found.get("event.name", ""))
    said = [record.time_unix_nano, _hex(record.trace_id), _hex(record.span_id),
            record.severity_number, event, body, scope, base["service"], found]  # fmt: skip
    name = hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()
    return LogRow(
        time=_time(record) or received_ns,
        log_id=name[:32],
        trace_id=_hex(record.trace_id),
        span_id=_hex(record.span_id),
        severity=min(max(record.severity_number, 0), 255),
        severity_text=record.severity_text,
        event_name=event,
        body=body,
        scope=scope,
        attributes={k: text(v) for k, v in found.items()},
        **base,
    )


def rows(keeping: Keeping, request: Any, received_ns: int, token: str) -> list[Any]:
    """Every log record of a request as a LogRow."""
    days = keeping.now().retentions
    result = []
    for group in request.resource_logs:
        base = resource_columns(group.resource, received_ns, token, days)
        for scope in group.scope_logs:
            for record in scope.log_records:
                result.append(_row(record, scope.scope.name, base, received_ns))
    return result


def _answer(rejected: int, reason: str) -> ExportLogsServiceResponse:
    response = ExportLogsServiceResponse()
    if rejected:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = reason
    return response


def logs(keeping: Keeping | None = None, naming: Naming | None = None) -> Signal:
    kept, names = keeping or Fixed(), naming or Naming()
    return Signal("logs", ExportLogsServiceRequest, LogRow, partial(check, kept, names),
                  partial(rows, kept), _answer, kept, names)  # fmt: skip
