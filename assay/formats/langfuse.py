"""Langfuse: traces, observations and scores as its API, its UI's export and its blob storage export
write them (JSON, JSON lines; names in camel or snake case)."""

from __future__ import annotations

from collections.abc import Iterator
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

_SCOPE = "assay.import.langfuse"
_TYPES = {"SPAN", "GENERATION", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR",
          "EMBEDDING", "GUARDRAIL"}  # fmt: skip
_STATUS = {True: Status.STATUS_CODE_ERROR, False: Status.STATUS_CODE_UNSET}
_SCORES = {"NUMERIC", "CATEGORICAL", "BOOLEAN"}


def _of(document: Document, name: str) -> Any:
    """A member by its camelCase name, or the same in snake_case."""
    if name in document:
        return document[name]
    return document.get("".join(f"_{c.lower()}" if c.isupper() else c for c in name))


def _observation(document: Document) -> bool:
    return str(_of(document, "type")).upper() in _TYPES and bool(_of(document, "startTime"))


def _score(document: Document) -> bool:
    kind = str(_of(document, "dataType")).upper()
    return bool(document.get("name")) and (kind in _SCORES or "value" in document)


def _recognises(_path: Path, first: Document) -> bool:
    if "observations" in first or _observation(first):
        return True
    if "id" not in first:
        return False
    about = _of(first, "traceId") is not None or isinstance(first.get("subject"), dict)
    named = any(_of(first, name) is not None for name in ("projectId", "sessionId", "userId"))
    return (about and _score(first)) or ("timestamp" in first and named)


def _attributes(span: Span, one: Document, trace: Document) -> None:
    kind = str(_of(one, "type") or "SPAN").lower()
    usage = _of(one, "usageDetails") or _of(one, "usage")
    cost = _of(one, "costDetails")
    total = _of(one, "totalCost") or _of(one, "calculatedTotalCost")
    if not cost and total:
        cost = {"total": float(total)}
    if isinstance(usage, dict):
        usage = {k: v for k, v in usage.items() if isinstance(v, int | float)}
    found = {
        "langfuse.observation.type": kind,
        "langfuse.observation.input": _text(one.get("input")),
        "langfuse.observation.output": _text(one.get("output")),
        "langfuse.observation.model.name": _of(one, "model") or _of(one, "providedModelName"),
        "langfuse.observation.model.parameters": _text(_of(one, "modelParameters")),
        "langfuse.observation.usage_details": _text(usage),
        "langfuse.observation.cost_details": _text(cost),
        "langfuse.observation.prompt.name": _of(one, "promptName"),
        "langfuse.observation.prompt.version": _of(one, "promptVersion"),
        "langfuse.observation.level": _of(one, "level"),
        "langfuse.observation.status_message": _of(one, "statusMessage"),
        "langfuse.observation.metadata": _text(one.get("metadata")),
        "langfuse.observation.completion_start_time": _iso(_of(one, "completionStartTime")),
        "langfuse.trace.name": trace.get("name") or _of(one, "traceName"),
        "langfuse.trace.tags": trace.get("tags") or one.get("tags") or None,
        "session.id": _of(trace, "sessionId") or _of(one, "sessionId"),
        "user.id": _of(trace, "userId") or _of(one, "userId"),
        "langfuse.release": trace.get("release") or one.get("release"),
        "langfuse.version": trace.get("version") or one.get("version"),
        "langfuse.environment": one.get("environment") or trace.get("environment"),
        "langfuse.original_id": str(one.get("id", "")),
    }
    for key, value in found.items():
        put(span.attributes, key, value)


def _text(value: Any) -> str | None:
    return None if value in (None, "", {}, []) else text(value)


def _iso(value: Any) -> str | None:
    return None if value is None else str(value)


def _span(one: Document, trace: Document) -> Span:
    trace_id = _of(one, "traceId") or trace.get("id")
    start = ns(_of(one, "startTime") or one.get("timestamp"))
    parent = _of(one, "parentObservationId")
    failed = str(_of(one, "level")).upper() == "ERROR"
    span = Span(
        trace_id=hexadecimal(trace_id, 16), span_id=hexadecimal(one["id"], 8),
        parent_span_id=hexadecimal(parent, 8) if parent else b"",
        name=str(one.get("name") or _of(one, "type") or "trace"), start_time_unix_nano=start,
        end_time_unix_nano=max(start, ns(_of(one, "endTime"))),
        status=Status(code=_STATUS[failed],
                      message=str(_of(one, "statusMessage") or "") if failed else ""),
    )  # fmt: skip
    _attributes(span, one, trace)
    return span


def _spans(trace: Document) -> Iterator[Span]:
    """A trace with its observations; a span of its own where none stands at its top."""
    found = [one for one in trace.get("observations") or [] if isinstance(one, dict)]
    if all(_of(one, "parentObservationId") for one in found):
        yield _span({**trace, "id": f"trace {trace['id']}", "traceId": trace["id"]}, trace)
    for one in found:
        yield _span(one, trace)


def _about(one: Document) -> tuple[str, str]:
    """(trace id, observation id) that a score is about; ("", "") for a session or an experiment."""
    subject = one.get("subject")
    if isinstance(subject, dict):
        if subject.get("kind") == "observation":
            return str(_of(subject, "traceId") or ""), str(subject.get("id") or "")
        return (str(subject.get("id") or ""), "") if subject.get("kind") == "trace" else ("", "")
    return str(_of(one, "traceId") or ""), str(_of(one, "observationId") or "")


def _result(one: Document) -> LogRecord:
    at = one.get("timestamp") or _of(one, "updatedAt") or _of(one, "createdAt")
    trace_id, about = _about(one)
    record = LogRecord(
        trace_id=hexadecimal(trace_id, 16), event_name=RESULT, time_unix_nano=ns(at),
        span_id=hexadecimal(about, 8) if about else b"",
    )  # fmt: skip
    put(record.attributes, "gen_ai.evaluation.name", one.get("name"))
    value = one.get("value")
    put(record.attributes, "gen_ai.evaluation.score.value",
        float(value) if isinstance(value, int | float) else None)  # fmt: skip
    label = _of(one, "stringValue") or (value if isinstance(value, str) else None)
    put(record.attributes, "gen_ai.evaluation.score.label", label)
    put(record.attributes, "gen_ai.evaluation.explanation", one.get("comment"))
    put(record.attributes, "assay.annotator_kind", one.get("source"))
    return record


def _read(path: Path, project: str, _traces: Traces) -> Iterator[Batch]:
    scores: list[Document] = []

    def spans() -> Iterator[Span]:
        for number, one in enumerate(documents(path), 1):
            if _observation(one):
                yield _span(one, {})
            elif _score(one):
                scores.append(one)
            elif "id" in one and (one.get("timestamp") or "observations" in one):
                yield from _spans(one)
                scores.extend(
                    {**each, "traceId": one["id"]}
                    for each in one.get("scores") or []
                    if isinstance(each, dict)
                )
            else:
                raise FormatError(
                    f"{path}: document {number} is no trace, observation or score of Langfuse"
                )

    yield from spans_of(spans(), project, _SCOPE)
    made = (_result(each) for each in scores if _about(each)[0])
    yield from results_of(made, project, _SCOPE)


@register("format", "langfuse")
def langfuse() -> Format:
    """Traces, observations and scores of Langfuse."""
    return Format("langfuse", _recognises, _read)
