"""What a span says as a chat: messages, tool calls, documents, the time to the first token."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from collector.conventions.rules import Convention, Tool
from schemas.messages import Message, answered, asked, flattened, instructions, messages, parse
from schemas.messages import text as plain_text

_encode = json.JSONEncoder(ensure_ascii=False).encode
MOST_NS = 86_400 * 10**9  # a time to the first token that is longer is a mistake


def text(value: Any) -> str:
    """A value as a column holds it: text as it is, the rest as JSON.

    JSON inside an attribute can spell half a surrogate pair, which no UTF-8 column takes.
    """
    if type(value) is int:  # most that is no text: counts
        return str(value)
    found = value if isinstance(value, str) else _encode(value)
    return found if found.isascii() else found.encode("utf-8", "replace").decode()


def said(found: Mapping[str, Any], names: tuple[str, ...], role: str) -> list[Message]:
    """The messages of the first attribute that holds any; names that end in a dot are prefixes."""
    for name in names:
        made = flattened(found, name) if name.endswith(".") else messages(found.get(name), role)
        if made:
            return made
    return []


def fill(found: Mapping[str, Any], rule: Convention, row: dict[str, Any]) -> None:
    """Messages, and from them input, output and tool calls, where the row has none yet."""
    if not row.get("input_messages"):
        into = said(found, rule.messages_in, "user")
        system = [m for name in rule.system if name in found for m in instructions(found[name])]
        if system and not any(m["role"] == "system" for m in into):
            into = system + into
        if into:
            row["input_messages"] = text(into)
            row["input"] = text(asked(into)) or row.get("input", "")
            results = [m for m in into if m["role"] == "tool" and m.get("tool_call_id")]
            row["tool_result_ids"] = [text(m["tool_call_id"]) for m in results]
            row["tool_results"] = [text(m["content"]) for m in results]
    if not row.get("output_messages"):
        out = said(found, rule.messages_out, "assistant")
        calls = [m for name in rule.calls if name in found for m in messages(found[name])]
        if calls:
            out = out + calls
        if out:
            row["output_messages"] = text(out)
            row["output"] = text(answered(out)) or row.get("output", "")
            asked_for = [call for m in out for call in m.get("tool_calls", ())]
            row["tool_ids"] = [text(call["id"]) for call in asked_for]
            row["tool_names"] = [text(call["name"]) for call in asked_for]
            row["tool_arguments"] = [text(call["arguments"]) for call in asked_for]


def tool(found: Mapping[str, Any], rule: Convention, name: str, row: dict[str, Any]) -> None:
    """A span that is a tool call, as one call with its result."""
    given = rule.tool or Tool()

    def first(names: tuple[str, ...], fallback: str) -> str:
        return next((text(found[n]) for n in names if found.get(n) not in (None, "")), fallback)

    if row.get("kind") != "TOOL" or row.get("tool_names"):
        return
    ident = first(given.id, "")
    row["tool_names"] = [first(given.name, name)]
    row["tool_ids"] = row["tool_result_ids"] = [ident]
    row["tool_arguments"] = [first(given.arguments, row.get("input", ""))]
    row["tool_results"] = [first(given.result, row.get("output", ""))]


def unwrapped(value: str) -> str:
    """What decorators of functions record: `{"args": [x], "kwargs": {}}` and `"x"` become x."""
    if value[:1] == '"':
        try:
            inner = json.loads(value)
        except ValueError:
            return value
        return text(inner)
    if value[:8] != '{"args":':
        return value
    given = parse(value)
    if not isinstance(given, dict) or given.keys() != {"args", "kwargs"}:
        return value
    args, kwargs = given["args"], given["kwargs"]
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        return value
    several = [*args, *kwargs.values()]
    only = [one for one in several if isinstance(one, str)]
    return text(only[0]) if len(several) == len(only) == 1 else value


def documents(listed: list[Any], row: dict[str, Any]) -> None:
    """Texts, ids, scores (NaN where there is none) and sources of documents, side by side."""
    if row.get("documents"):
        return
    kept = [d for d in listed if isinstance(d, dict) and _content(d) is not None]
    row["documents"] = [text(_content(d)) for d in kept]
    row["document_ids"] = [text(d.get("id") or "") for d in kept]
    row["document_scores"] = [_score(d.get("score")) for d in kept]
    row["document_sources"] = [_source(d) for d in kept]
    if kept and not row.get("document_source"):
        row["document_source"] = row["document_sources"][0]


def _content(given: Mapping[str, Any]) -> Any:
    return next((given[n] for n in ("content", "page_content", "text") if given.get(n) is not None),
                None)  # fmt: skip


def _source(given: Mapping[str, Any]) -> str:
    metadata = parse(given.get("metadata", ""))
    inside = metadata.get("source", "") if isinstance(metadata, dict) else ""
    source = inside or given.get("metadata.source")  # Phoenix gives metadata back flattened
    return text(source or "")


def _score(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if abs(number) < 1e38 else math.nan


def first_token(found: Mapping[str, Any], rule: Convention, span: Any) -> int:
    """Nanoseconds from a span's start to the first token; 0 where it does not say."""
    for name, unit in (rule.first_token or {}).items():
        value = found.get(name)
        if value in (None, ""):
            continue
        try:
            took = _since(value, span.start_time_unix_nano) if unit == 0 else float(value) * unit
        except (TypeError, ValueError, OverflowError):
            continue
        if 0 < took < MOST_NS:
            return int(took)
    for event in span.events:
        if event.name in rule.first_token_events:
            return int(min(max(0, event.time_unix_nano - span.start_time_unix_nano), MOST_NS))
    return 0


def _since(value: Any, start_ns: int) -> float:
    moment = datetime.fromisoformat(plain_text(value).strip('"'))
    whole = int(moment.replace(microsecond=0).timestamp())  # a float has no room for nanoseconds
    return whole * 10**9 + moment.microsecond * 1000 - start_ns
