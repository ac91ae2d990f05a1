"""One OTLP span becomes one row, by the rules of whichever conventions it follows."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.conventions.rules import Convention
from collector.keeping import days_of
from collector.pricing import cost
from collector.signals.base import project_of
from schemas.models import SpanRow
from schemas.retention import Retentions

_STATUS = {0: "UNSET", 1: "OK", 2: "ERROR"}
_LONG = frozenset({"input.value", "output.value", "gen_ai.input.messages", "gen_ai.output.messages",
                   "gen_ai.retrieval.documents"})  # fmt: skip
_LONG_PREFIXES = ("retrieval.documents.", "llm.input_messages.", "llm.output_messages.")
_MOST_TOKENS = 2**32 - 1  # of a column
_TOKENS = frozenset({"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
                     "reasoning_tokens"})  # fmt: skip


def plain(value: Any, depth: int = 0) -> Any:
    """An OTLP AnyValue as a Python value; bytes as hex."""
    which = value.WhichOneof("value")
    if which == "array_value":
        return [plain(v, depth + 1) for v in value.array_value.values]
    if which == "kvlist_value":
        return {kv.key: plain(kv.value, depth + 1) for kv in value.kvlist_value.values}
    if which == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, which) if which else ""


def text(value: Any) -> str:
    """A value as a column holds it: text as it is, the rest as JSON.

    JSON inside an attribute can spell half a surrogate pair, which no UTF-8 column takes.
    """
    found = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found if found.isascii() else found.encode("utf-8", "replace").decode()


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    # Most values are text, and asking a message which field is set costs more than reading one.
    return {pair.key: pair.value.string_value or plain(pair.value) for pair in pairs}


def _parsed(value: Any) -> Any:
    """JSON text of a list or an object as such, None for other text, all else as it is."""
    if not isinstance(value, str):
        return value
    if value.lstrip()[:1] not in {"[", "{"}:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def message_text(value: Any) -> str:
    """The last message's text from GenAI messages; the value as text where it is none."""
    messages = _parsed(value)
    if not isinstance(messages, list) or not messages or not isinstance(messages[-1], dict):
        return text(value)
    last = messages[-1]
    parts = last.get("parts")
    if isinstance(parts, list):
        found = [str(p["content"]) for p in parts if isinstance(p, dict) and "content" in p]
        return text("\n".join(found)) if found else text(value)
    content = last.get("content")
    return text(content if isinstance(content, str) else value)


def flattened(found: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """`prefix.N.a.b` attributes as a list of {`a.b`: value} in the order of N."""
    items: dict[int, dict[str, Any]] = {}
    for key, value in found.items():
        if key.startswith(prefix):
            number, _, rest = key[len(prefix) :].partition(".")
            if number.isdecimal() and len(number) < 10:
                items.setdefault(int(number), {})[rest] = value
    return [items[n] for n in sorted(items)]


@dataclass(frozen=True, slots=True)
class Reading:
    """How spans with one set of attribute names are read: the rules, less what cannot match."""

    convention: str
    rules: tuple[Convention, ...]
    kept: tuple[str, ...]  # names that stay attributes


Readings = dict[tuple[str, ...], Reading]


def _reduced(rule: Convention, names: Collection[str]) -> Convention:
    """A rule without the names and prefixes that no attribute has."""

    def present(prefix: str) -> str:
        return prefix if prefix and any(name.startswith(prefix) for name in names) else ""

    columns = {c: tuple(n for n in wanted if n in names) for c, wanted in rule.columns.items()}
    return replace(
        rule,
        columns={column: wanted for column, wanted in columns.items() if wanted},
        kind_attribute=rule.kind_attribute if rule.kind_attribute in names else "",
        inside={c: found for c, found in (rule.inside or {}).items() if found[0] in names},
        documents=rule.documents if rule.documents in names else "",
        documents_prefix=present(rule.documents_prefix),
        messages_in=present(rule.messages_in),
        messages_out=present(rule.messages_out),
    )


def reading(names: tuple[str, ...], conventions: Sequence[Convention]) -> Reading:
    """Decide once for all spans that have these attribute names."""
    marked = [c for c in conventions if any(n.startswith(c.mark) for n in names)]
    return Reading(
        marked[0].name if marked else "",
        tuple(_reduced(rule, names) for rule in marked or conventions),
        tuple(n for n in names if n not in _LONG and not n.startswith(_LONG_PREFIXES)),
    )


def _documents(found: Mapping[str, Any], rule: Convention) -> tuple[list[str], str]:
    """(texts, source of the first document)."""
    if rule.documents_prefix:
        flat = flattened(found, rule.documents_prefix)
        texts = [text(d["document.content"]) for d in flat if "document.content" in d]
        metadata = _parsed(flat[0].get("document.metadata", "")) if flat else None
    else:
        listed = _parsed(found.get(rule.documents, ""))
        flat = [d for d in listed if isinstance(d, dict)] if isinstance(listed, list) else []
        texts = [text(d["content"]) for d in flat if "content" in d]
        metadata = flat[0].get("metadata") if flat else None
    source = metadata.get("source", "") if isinstance(metadata, dict) else ""
    return texts, text(source)


def _number(column: str, value: Any) -> float | int:
    """A number as its column takes it; 0 for what is none, NaN among them."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0
    if not math.isfinite(number):
        return 0
    return int(min(max(number, 0), _MOST_TOKENS)) if column in _TOKENS else number


def _apply(found: Mapping[str, Any], rule: Convention, row: dict[str, Any]) -> None:
    """Fill what is still empty in `row` from one convention."""
    for column, names in rule.columns.items():
        value = next((found[n] for n in names if found.get(n) not in (None, "")), None)
        if value is None or row.get(column):
            continue
        if column in _TOKENS or column == "cost_usd":
            row[column] = _number(column, value)
        elif column == "finish_reason":
            several = _parsed(value)
            row[column] = text(several[0] if isinstance(several, list) and several else value)
        elif column in {"input", "output"} and rule.name == "gen_ai":
            row[column] = message_text(value)
        else:
            row[column] = text(value)
    for column, (name, patterns) in (rule.inside or {}).items():
        members = _parsed(found.get(name, ""))
        if isinstance(members, dict) and not row.get(column):
            row[column] = sum(
                _number(column, value) for member, value in members.items()
                if any(fnmatchcase(member, pattern) for pattern in patterns)
            )  # fmt: skip
    kind = text(found[rule.kind_attribute]) if rule.kind_attribute else ""
    if kind and not row.get("kind"):
        row["kind"] = kind.upper() if rule.kinds is None else rule.kinds.get(kind, "")
    if rule.documents or rule.documents_prefix:
        texts, source = _documents(found, rule)
        row["documents"] = row.get("documents") or texts
        row["document_source"] = row.get("document_source") or source
    for column, prefix in (("input", rule.messages_in), ("output", rule.messages_out)):
        if prefix and not row.get(column):
            messages = flattened(found, prefix)
            if messages:
                row[column] = json.dumps(
                    [{"role": text(m.get("message.role", "")),
                      "content": text(m.get("message.content", ""))} for m in messages],
                    ensure_ascii=False,
                )  # fmt: skip


def _span(
    span: Any, conventions: Sequence[Convention], readings: Readings, base: dict[str, Any]
) -> SpanRow:
    found = attributes(span.attributes)
    row: dict[str, Any] = {}
    names = tuple(found)
    known = readings.get(names)
    if known is None:
        known = readings[names] = reading(names, conventions)
    for rule in known.rules:
        _apply(found, rule, row)
    metadata = _parsed(found.get("metadata", ""))
    if isinstance(metadata, dict) and not row.get("prompt_version"):
        row["prompt_version"] = text(metadata.get("prompt_version", ""))
    for column in _TOKENS & row.keys():
        row[column] = min(row[column], _MOST_TOKENS)
    row["cost_usd"], row["cost_source"] = cost(row, span.start_time_unix_nano)
    kept = {name: text(found[name]) for name in known.kept}
    events = [
        {"name": e.name, "time": e.time_unix_nano, "attributes": attributes(e.attributes)}
        for e in span.events
    ]
    links = [{"trace_id": e.trace_id.hex(), "span_id": e.span_id.hex()} for e in span.links]
    return SpanRow(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex(),
        start_time=span.start_time_unix_nano,
        duration_ns=max(0, span.end_time_unix_nano - span.start_time_unix_nano),
        name=span.name,
        status=_STATUS.get(span.status.code, "UNSET"),
        status_message=span.status.message,
        convention=known.convention,
        attributes=kept,
        events=json.dumps(events, ensure_ascii=False) if events else "",
        links=json.dumps(links) if links else "",
        **{**base, **{k: v for k, v in row.items() if v}},
    )


def resource_columns(
    resource: Any, received_ns: int, segment: str, retentions: Retentions | None = None
) -> dict[str, Any]:
    """What every row of a resource shares; project as design section 5 says."""
    project = project_of(resource)
    found = attributes(resource.attributes)
    environment = found.get("deployment.environment.name") or found.get("deployment.environment")
    return {
        "project": project,
        "retention_days": days_of(resource, project, retentions or Retentions()),
        "service": text(found.get("service.name", "")),
        "service_version": text(found.get("service.version", "")),
        "environment": text(environment or ""),
        "resource": {k: text(v) for k, v in found.items()},
        "ingested_at": received_ns // 10**6,
        "segment": segment,
    }


def rows(
    request: ExportTraceServiceRequest,
    conventions: Sequence[Convention],
    received_ns: int,
    segment: str,
    readings: Readings | None = None,
    retentions: Retentions | None = None,
) -> list[SpanRow]:
    """Every span of a request as a row. Calls may share `readings`, which this function fills."""
    result = []
    readings = {} if readings is None else readings
    for group in request.resource_spans:
        base = resource_columns(group.resource, received_ns, segment, retentions)
        for scope in group.scope_spans:
            result += [_span(span, conventions, readings, base) for span in scope.spans]
    return result
