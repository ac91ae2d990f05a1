"""Which fields that an SDK sent are in Assay's columns, which it never sent, which are lost.

A recording is read as the collector does; log events are joined to their spans as the explorer and
the evaluators do. A field is 'absent' where nothing planted for it is anywhere in the recording.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.sdks import planted as p
from bench.sdks.recording import BEGIN, signal_of
from collector.signals.standard import standard
from schemas.gen_ai_events import read
from schemas.messages import messages
from schemas.models import SpanRow

PRESENT, ABSENT, LOST = "yes", "not sent", "LOST"
_BASE64 = {"traceId", "spanId", "parentSpanId"}
Test = Callable[[SpanRow], bool]


@dataclass(frozen=True, slots=True)
class Field:
    """A field by name: whether a row holds it, and a pattern that a recording matches if it was
    sent."""

    name: str
    held: Test
    sent: str


def _system(row: SpanRow) -> bool:
    said = messages(row.input_messages)
    return any(m["role"] == "system" and p.SYSTEM in m["content"] for m in said)


def _result(row: SpanRow) -> bool:
    return any(p.RESULT in result for result in row.tool_results)


def _error(row: SpanRow) -> bool:
    return row.status == "ERROR" and p.BROKEN in row.status_message


FIELDS = (
    Field("model", lambda r: r.model in {p.ANSWERED_BY, p.MODEL, p.CLAUDE}, "gpt-4o-mini|claude"),
    Field("provider", lambda r: r.provider.split(".")[0] in {"openai", "anthropic"},
          r'(provider|system)[^"]*", "value": \{"stringValue": "(openai|anthropic)'),
    Field("messages in", lambda r: p.QUESTION in r.input_messages, re.escape(p.QUESTION)),
    Field("messages out", lambda r: p.ANSWER in r.output_messages
          or (r.kind == "LLM" and r.output == p.ANSWER), re.escape(p.ANSWER)),
    Field("input text", lambda r: r.input == p.QUESTION, re.escape(p.QUESTION)),
    Field("output text", lambda r: r.output == p.ANSWER, re.escape(p.ANSWER)),
    Field("system prompt", _system, re.escape(p.SYSTEM)),
    Field("tool calls", lambda r: p.TOOL in r.tool_names
          and any(p.ARGUMENT in a for a in r.tool_arguments), re.escape(p.ARGUMENT)),
    Field("tool results", _result, re.escape(p.RESULT)),
    Field("documents", lambda r: r.kind == "RETRIEVER" and p.DOCUMENT in r.documents,
          re.escape(p.DOCUMENT)),
    Field("document source", lambda r: p.SOURCE in r.document_sources, re.escape(p.SOURCE)),
    Field("input tokens", lambda r: r.input_tokens == p.INPUT_TOKENS, rf"\b{p.INPUT_TOKENS}\b"),
    Field("output tokens", lambda r: r.output_tokens == p.OUTPUT_TOKENS, rf"\b{p.OUTPUT_TOKENS}\b"),
    Field("cached tokens", lambda r: r.cache_read_tokens == p.CACHED_TOKENS,
          rf"\b{p.CACHED_TOKENS}\b"),
    Field("reasoning tokens", lambda r: r.reasoning_tokens == p.REASONING_TOKENS,
          rf"\b{p.REASONING_TOKENS}\b"),
    Field("time to first token", lambda r: r.first_token_ns > 0,
          "(?i)first_?token|first_?chunk|completion_start_time|completion.chunk"),
    Field("finish reason", lambda r: r.finish_reason in {"stop", "end_turn", "tool_calls",
                                                         "tool_call", "tool-calls", "tool_use"},
          r"(?i)finish_?reason|stop_?reason"),
    Field("session", lambda r: r.session_id == p.SESSION, re.escape(p.SESSION)),
    Field("user", lambda r: r.user_id == p.USER, re.escape(p.USER)),
    Field("tags", lambda r: p.TAG in r.tags, re.escape(p.TAG)),
    Field("prompt name", lambda r: r.prompt_name == p.PROMPT, re.escape(p.PROMPT) + r"\b(?!-)"),
    Field("prompt version", lambda r: r.prompt_version == p.PROMPT_VERSION,
          rf"\b{p.PROMPT_VERSION}\b"),
    Field("service version", lambda r: r.service_version == p.VERSION, re.escape(p.VERSION)),
    Field("environment", lambda r: r.environment == p.ENVIRONMENT, re.escape(p.ENVIRONMENT)),
    Field("errors", _error, re.escape(p.BROKEN)),
    Field("error type", lambda r: bool(r.error_type), r'"(error\.type|exception\.type)"'),
)  # fmt: skip


def _decoded(value: Any) -> Any:
    """A recording's ids are hex, JSON of protobuf wants base64."""
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: json_format.base64.b64encode(bytes.fromhex(item)).decode()  # type: ignore[attr-defined]
        if key in _BASE64 and item else _decoded(item)
        for key, item in value.items()
    }  # fmt: skip


def requests(recording: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """(signal, OTLP request) as they arrived."""
    found = []
    for each in recording["requests"]:
        signal = signal_of(each["path"])
        made = ExportTraceServiceRequest() if signal == "traces" else ExportLogsServiceRequest()
        json_format.ParseDict(_decoded(each["body"]), made)
        found.append((signal, made))
    return found


def rows(recording: Mapping[str, Any]) -> list[SpanRow]:
    """Every span as its row, with what log events add to it."""
    signals = standard()
    spans: list[SpanRow] = []
    records: list[dict[str, Any]] = []
    for signal, request in requests(recording):
        made = signals[signal].rows(request, BEGIN, "token")
        if signal == "traces":
            spans += made
        else:
            records += [{n: getattr(r, n) for n in ("span_id", "event_name", "body", "attributes")}
                        for r in made]  # fmt: skip
    said = read(records)
    return [_joined(row, said[row.span_id]) if row.span_id in said else row for row in spans]


def _joined(row: SpanRow, said: Any) -> SpanRow:
    calls = [c for m in said.messages_out for c in m.get("tool_calls", ())]
    results = [m for m in said.messages_in if m["role"] == "tool"]
    return replace(
        row,
        input=row.input or said.input, output=row.output or said.output,
        input_messages=row.input_messages or json.dumps(said.messages_in),
        output_messages=row.output_messages or json.dumps(said.messages_out),
        tool_names=row.tool_names or [c["name"] for c in calls],
        tool_arguments=row.tool_arguments or [c["arguments"] for c in calls],
        tool_results=row.tool_results or [m["content"] for m in results],
        finish_reason=row.finish_reason or said.finish_reason,
    )  # fmt: skip


def table(recording: Mapping[str, Any]) -> dict[str, str]:
    """Field to PRESENT, ABSENT or LOST."""
    made = rows(recording)
    text = json.dumps(recording["requests"], ensure_ascii=False)
    return {field.name: _state(field, made, text) for field in FIELDS}


def _state(field: Field, made: Sequence[SpanRow], text: str) -> str:
    if any(field.held(row) for row in made):
        return PRESENT
    return LOST if re.search(field.sent, text) else ABSENT
