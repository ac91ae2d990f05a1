"""Phoenix: spans as its client and REST interface give them (JSON, JSON lines) or as its data frame
stands in Parquet, and annotations of spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from assay.formats.base import (
    RESULT,
    Batch,
    Document,
    Format,
    FormatError,
    Traces,
    documents,
    hexadecimal,
    ns,
    put,
    results_of,
    spans_of,
    text,
)
from schemas.registry import register

_STATUS: dict[str, Any] = {"OK": Status.STATUS_CODE_OK, "ERROR": Status.STATUS_CODE_ERROR}
_SCOPE = "assay.import.phoenix"


def _context(document: Document, name: str) -> Any:
    """`context.trace_id`, nested or as a column."""
    inner = document.get("context")
    if isinstance(inner, Mapping):
        return inner.get(name)
    return document.get(f"context.{name}")


def _recognises(_path: Path, first: Document) -> bool:
    return bool(_context(first, "span_id")) or ("span_id" in first and "result" in first)


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested values under OpenInference's dotted names; lists of scalars stay lists."""
    if isinstance(value, Mapping) and not prefix.endswith(("metadata", "json_schema")):
        for key, inner in value.items():
            yield from flat(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, inner in enumerate(value):
            yield from flat(inner, f"{prefix}.{number}")
    elif value is not None:
        yield prefix, value


def _attributes(document: Document) -> dict[str, Any]:
    found = dict(flat(document.get("attributes") or {}))
    for key, value in document.items():
        if key.startswith("attributes."):
            found.update(flat(value, key.removeprefix("attributes.")))
    if document.get("span_kind") and not found.get("openinference.span.kind"):
        found["openinference.span.kind"] = document["span_kind"]
    return found


def _span(document: Document) -> Span:
    trace_id = hexadecimal(_context(document, "trace_id"), 16)
    parent = document.get("parent_id")
    start = ns(document.get("start_time"))
    span = Span(
        trace_id=trace_id, span_id=hexadecimal(_context(document, "span_id"), 8),
        parent_span_id=hexadecimal(parent, 8) if parent else b"",
        name=str(document.get("name") or ""), start_time_unix_nano=start,
        end_time_unix_nano=max(start, ns(document.get("end_time"))),
        status=Status(code=_STATUS.get(str(document.get("status_code")).upper(), 0),
                      message=str(document.get("status_message") or "")),
    )  # fmt: skip
    for key, value in _attributes(document).items():
        put(span.attributes, key, value)
    events = document.get("events")
    for event in events if isinstance(events, list) else []:
        if isinstance(event, Mapping):
            made = span.events.add(
                name=str(event.get("name") or ""), time_unix_nano=ns(event.get("timestamp"))
            )
            for key, value in flat(event.get("attributes") or {}):
                put(made.attributes, key, value)
    return span


def _result(document: Document, trace_id: bytes) -> LogRecord:
    """An annotation as OpenTelemetry's evaluation result."""
    result = document.get("result") or {}
    at = ns(document.get("updated_at") or document.get("created_at"))
    record = LogRecord(
        trace_id=trace_id, span_id=hexadecimal(document["span_id"], 8), event_name=RESULT,
        time_unix_nano=at,
    )  # fmt: skip
    put(record.attributes, "gen_ai.evaluation.name", document.get("name"))
    for name, key in (("score", "score.value"), ("label", "score.label")):
        put(record.attributes, f"gen_ai.evaluation.{key}", result.get(name))
    put(record.attributes, "gen_ai.evaluation.explanation", result.get("explanation"))
    put(record.attributes, "assay.annotator_kind", document.get("annotator_kind"))
    put(record.attributes, "metadata", text(document.get("metadata") or {}))
    return record


def _read(path: Path, project: str, traces: Traces) -> Iterator[Batch]:
    annotations: list[Document] = []

    def spans() -> Iterator[Span]:
        for document in documents(path):
            if "result" in document and not _context(document, "span_id"):
                annotations.append(document)
                continue
            made = _span(document)
            traces[str(_context(document, "span_id"))] = made.trace_id
            annotations.extend(
                {**each, "span_id": _context(document, "span_id")}
                for each in document.get("annotations") or []
            )
            yield made

    yield from spans_of(spans(), project, _SCOPE)
    unknown = [each for each in annotations if str(each["span_id"]) not in traces]
    if unknown:
        raise FormatError(
            f"{path}: {len(unknown)} annotations are of spans that this run did not read, and do"
            " not say their trace; name the file with the spans before it"
        )
    results = (_result(each, traces[str(each["span_id"])]) for each in annotations)
    yield from results_of(results, project, _SCOPE)


@register("format", "phoenix")
def phoenix() -> Format:
    """Spans and annotations of Phoenix."""
    return Format("phoenix", _recognises, _read)
