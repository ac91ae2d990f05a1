"""One OTLP span becomes one row, by the rules of whichever conventions it follows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import chat
from collector.chat import text
from collector.conventions.rules import Convention
from collector.keeping import days_of
from collector.pricing import cost
from collector.signals.base import project_of
from schemas.messages import parse
from schemas.models import SpanRow
from schemas.retention import Retentions

_FAILED = 2
_NO_RULE = Convention("", (), {})
_STATUS = {0: "UNSET", 1: "OK", 2: "ERROR"}
_LONG = frozenset({"input.value", "output.value", "gen_ai.input.messages", "gen_ai.output.messages",
                   "gen_ai.retrieval.documents"})  # fmt: skip
_LONG_PREFIXES = ("retrieval.documents.", "llm.input_messages.", "llm.output_messages.")
_ENVIRONMENT = ("deployment.environment.name", "deployment.environment", "langfuse.environment")
_THRESHOLD = re.compile("[0-9a-f]{1,14}")
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


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    # Most values are text, and asking a message which field is set costs more than reading one.
    return {pair.key: pair.value.string_value or plain(pair.value) for pair in pairs}


def flattened(found: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """`prefix.N.a.b` attributes as a list of {`a.b`: value} in the order of N."""
    items: dict[int, dict[str, Any]] = {}
    for key, value in found.items():
        if key.startswith(prefix):
            number, _, rest = key[len(prefix) :].partition(".")
            if number.isascii() and number.isdecimal() and len(number) < 10:
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

    def several(wanted: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(n for n in wanted if (present(n) if n.endswith(".") else n in names))

    columns = {c: tuple(n for n in wanted if n in names) for c, wanted in rule.columns.items()}
    return replace(
        rule,
        columns={column: wanted for column, wanted in columns.items() if wanted},
        kind_attribute=rule.kind_attribute if rule.kind_attribute in names else "",
        inside={c: found for c, found in (rule.inside or {}).items() if found[0] in names},
        documents=rule.documents if rule.documents in names else "",
        documents_prefix=present(rule.documents_prefix),
        messages_in=several(rule.messages_in),
        messages_out=several(rule.messages_out),
        system=several(rule.system),
        calls=several(rule.calls),
        first_token={n: unit for n, unit in (rule.first_token or {}).items() if n in names},
    )


def reading(names: tuple[str, ...], conventions: Sequence[Convention]) -> Reading:
    """Decide once for all spans that have these attribute names."""
    marked = [c for c in conventions if any(n.startswith(c.mark) for n in names)]
    marked.sort(key=lambda rule: rule.general)
    # Columns hold these whole.
    said = [each for rule in marked for each in (rule.messages_in, rule.messages_out, rule.system)]
    long = _LONG | {next((n for n in each if n in names), "") for each in said}
    return Reading(
        marked[0].name if marked else "",
        tuple(_reduced(rule, names) for rule in marked or conventions),
        tuple(n for n in names if n not in long and not n.startswith(_LONG_PREFIXES)),
    )


def _documents(found: Mapping[str, Any], rule: Convention, row: dict[str, Any]) -> None:
    if rule.documents_prefix:
        listed = [
            {name.removeprefix("document."): value for name, value in one.items()}
            for one in flattened(found, rule.documents_prefix)
        ]
    else:
        listed = parse(found.get(rule.documents, ""))
    if isinstance(listed, list):
        chat.documents(listed, row)


def _retrieved(row: dict[str, Any]) -> None:
    """A retriever's documents from its output, where nothing else holds them."""
    listed = parse(row.get("output", ""))
    if isinstance(listed, dict):
        listed = listed.get("documents")
    if isinstance(listed, list):
        chat.documents(listed, row)


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
        if row.get(column):
            continue
        for name in names:
            value = found.get(name)
            if value is not None and value != "":
                break
        else:
            continue
        if column in _TOKENS or column == "cost_usd":
            row[column] = _number(column, value)
        elif column == "finish_reason":
            several = parse(value)
            first = several[0] if isinstance(several, list) and several else value
            row[column] = chat.unwrapped(text(first))
        elif column == "tags":
            several = value if isinstance(value, list) else parse(value)
            row[column] = [text(v) for v in several] if isinstance(several, list) else [text(value)]
        else:
            row[column] = text(value)
    for column, (name, patterns) in (rule.inside or {}).items():
        members = parse(found.get(name, ""))
        if isinstance(members, dict) and not row.get(column):
            row[column] = sum(
                _number(column, value) for member, value in _members(members)
                if any(fnmatchcase(member, pattern) for pattern in patterns)
            )  # fmt: skip
    kind = text(found[rule.kind_attribute]) if rule.kind_attribute else ""
    if kind and not row.get("kind"):
        row["kind"] = kind.upper() if rule.kinds is None else rule.kinds.get(kind, "")
    if rule.documents or rule.documents_prefix:
        _documents(found, rule, row)
    if rule.messages_in or rule.messages_out or rule.system or rule.calls:
        chat.fill(found, rule, row)


def _members(members: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Members by name; those of an object within as `outer.inner`."""
    for name, value in members.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", v) for inner, v in value.items())
        else:
            yield name, value


def _error(span: Any, found: Mapping[str, Any]) -> tuple[str, str]:
    """(type, message) of an error: as the span says, else as its exception event does."""
    kind = text(found.get("error.type", ""))
    message = span.status.message
    if span.status.code == _FAILED and not (kind and message):
        for event in span.events:
            if event.name == "exception":
                said = attributes(event.attributes)
                kind = kind or text(said.get("exception.type", ""))
                message = message or text(said.get("exception.message", ""))
    return kind, message


def kept(trace_state: str) -> float:
    """The probability with which a client's sampler kept a trace, by the threshold `th` of the
    member `ot` of tracestate (OpenTelemetry: TraceState, probability sampling): up to 14 hex
    digits, filled up with zeros on the right, of 2^56. 1 where there is none, or no such."""
    for member in trace_state.split(","):
        vendor, _, value = member.strip().partition("=")
        if vendor == "ot":
            for part in value.split(";"):
                name, _, digits = part.partition(":")
                if name == "th" and _THRESHOLD.fullmatch(digits):
                    return (2**56 - int(digits.ljust(14, "0"), 16)) / 2**56
    return 1.0


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
        row["first_token_ns"] = row.get("first_token_ns") or chat.first_token(found, rule, span)
    for rule in known.rules if row.get("kind") == "TOOL" else ():
        if rule.tool and any(n in found for n in (*rule.tool.name, *rule.tool.arguments)):
            chat.tool(found, rule, span.name, row)
    if row.get("kind") == "TOOL" and not row.get("tool_names"):
        chat.tool(found, _NO_RULE, span.name, row)
    for column in ("input", "output"):
        if column in row and not row.get(f"{column}_messages"):
            row[column] = chat.unwrapped(row[column])
    if row.get("kind") == "RETRIEVER" and not row.get("documents"):
        _retrieved(row)
    row["error_type"], message = _error(span, found)
    metadata = parse(found.get("metadata", ""))
    if isinstance(metadata, dict):
        for column in ("prompt_name", "prompt_version"):
            row[column] = row.get(column) or text(metadata.get(column) or "")
    for column in _TOKENS & row.keys():
        row[column] = min(row[column], _MOST_TOKENS)
    row["cost_usd"], row["cost_source"] = cost(row, span.start_time_unix_nano)
    named = {
        name: value if type(value := found[name]) is str and value.isascii() else text(value)
        for name in known.kept
    }
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
        convention=known.convention,
        attributes=named,
        events=json.dumps(events, ensure_ascii=False) if events else "",
        links=json.dumps(links) if links else "",
        sampling_probability=kept(span.trace_state) if span.trace_state else 1.0,
        **{**base, "status_message": message, **{k: v for k, v in row.items() if v}},
    )


def resource_columns(
    resource: Any, received_ns: int, segment: str, retentions: Retentions | None = None
) -> dict[str, Any]:
    """What every row of a resource shares; project as design section 5 says."""
    project = project_of(resource)
    found = attributes(resource.attributes)
    environment = next((found[n] for n in _ENVIRONMENT if found.get(n)), "")
    return {
        "project": project,
        "retention_days": days_of(resource, project, retentions or Retentions()),
        "service": text(found.get("service.name", "")),
        "service_version": text(found.get("service.version") or found.get("langfuse.release", "")),
        "environment": text(environment),
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
