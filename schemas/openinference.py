"""Stored spans as OTLP again, their columns under OpenInference's names, which other tools read.

Attributes that were kept as they came stay; they come back as text, which is how they are kept.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from schemas.messages import Message
from schemas.otlp import put

_STATUS = {"OK": 1, "ERROR": 2}
_COLUMNS = {
    "kind": "openinference.span.kind", "input": "input.value", "output": "output.value",
    "provider": "llm.provider", "session_id": "session.id", "user_id": "user.id",
    "prompt_name": "llm.prompt_template.name", "prompt_version": "llm.prompt_template.version",
    "document_source": "document.source", "finish_reason": "llm.finish_reason",
    "input_tokens": "llm.token_count.prompt", "output_tokens": "llm.token_count.completion",
    "cache_read_tokens": "llm.token_count.prompt_details.cache_read",
    "cache_write_tokens": "llm.token_count.prompt_details.cache_write",
    "reasoning_tokens": "llm.token_count.completion_details.reasoning",
    "error_type": "error.type",
}  # fmt: skip
_MODELS = {"EMBEDDING": "embedding.model_name", "RERANKER": "reranker.model_name"}


def request(rows: Iterable[Mapping[str, Any]]) -> ExportTraceServiceRequest:
    """Rows as `schemas.queries.export.spans_between` gives them, one resource after the other."""
    made = ExportTraceServiceRequest()
    groups: dict[str, Any] = {}
    for row in rows:
        resource = dict(row["resource"])
        key = json.dumps([row["project"], resource], sort_keys=True)
        if key not in groups:
            group = made.resource_spans.add()
            resource.setdefault("service.name", row["service"])
            for name, value in {**resource, "openinference.project.name": row["project"]}.items():
                put(group.resource.attributes, name, value)
            scope = group.scope_spans.add()
            scope.scope.name = "assay.export"
            groups[key] = scope.spans
        groups[key].append(span(row))
    return made


def span(row: Mapping[str, Any]) -> Span:
    """One row as a span."""
    parent = str(row["parent_span_id"])
    made = Span(
        trace_id=bytes.fromhex(row["trace_id"]), span_id=bytes.fromhex(row["span_id"]),
        parent_span_id=bytes.fromhex(parent), name=row["name"],
        start_time_unix_nano=row["start_ns"],
        end_time_unix_nano=row["start_ns"] + row["duration_ns"],
    )  # fmt: skip
    made.status.code = _STATUS.get(row["status"], 0)  # type: ignore[assignment]
    made.status.message = row["status_message"]
    for name, value in {**row["attributes"], **dict(_known(row))}.items():
        put(made.attributes, name, value)
    for event in json.loads(row["events"]) if row["events"] else []:
        added = made.events.add(name=event["name"], time_unix_nano=event["time"])
        for name, value in event["attributes"].items():
            put(added.attributes, name, value)
    for link in json.loads(row["links"]) if row["links"] else []:
        made.links.add(
            trace_id=bytes.fromhex(link["trace_id"]), span_id=bytes.fromhex(link["span_id"])
        )
    return made


def _known(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for column, name in _COLUMNS.items():
        if row[column]:
            yield name, row[column]
    if row["model"]:
        yield _MODELS.get(row["kind"], "llm.model_name"), row["model"]
    if row["tags"]:
        yield "tag.tags", list(row["tags"])
    if row["cost_source"] == "span":
        yield "llm.cost.total", row["cost_usd"]
    if row["first_token_ns"]:
        yield "assay.first_token_ns", row["first_token_ns"]
    if row["kind"] == "TOOL" and row["tool_names"]:
        yield "tool.name", row["tool_names"][0]
        yield "tool.id", (row["tool_ids"] or [""])[0]
    for column, prefix in (("input_messages", "llm.input_messages"),
                           ("output_messages", "llm.output_messages")):  # fmt: skip
        for number, one in enumerate(json.loads(row[column] or "[]")):
            yield from _message(one, f"{prefix}.{number}.message")
    for number, document in enumerate(row["documents"]):
        yield from _document(row, number, document)


def _message(one: Message, prefix: str) -> Iterator[tuple[str, Any]]:
    yield f"{prefix}.role", one["role"]
    thought = one.get("reasoning")
    if thought:
        yield f"{prefix}.contents.0.message_content.type", "reasoning"
        yield f"{prefix}.contents.0.message_content.text", thought
    yield f"{prefix}.content", one["content"]
    for name in ("tool_call_id", "name"):
        yield f"{prefix}.{name}", one.get(name)
    for number, call in enumerate(one.get("tool_calls", ())):
        inner = f"{prefix}.tool_calls.{number}.tool_call"
        yield f"{inner}.id", call["id"]
        yield f"{inner}.function.name", call["name"]
        yield f"{inner}.function.arguments", call["arguments"]


def _document(row: Mapping[str, Any], number: int, document: str) -> Iterator[tuple[str, Any]]:
    prefix = f"retrieval.documents.{number}.document"
    yield f"{prefix}.content", document
    scores, sources = row["document_scores"], row["document_sources"]
    yield f"{prefix}.id", row["document_ids"][number] if row["document_ids"] else None
    if scores and math.isfinite(scores[number]):
        yield f"{prefix}.score", float(scores[number])
    if sources and sources[number]:
        yield f"{prefix}.metadata", json.dumps({"source": sources[number]}, ensure_ascii=False)
