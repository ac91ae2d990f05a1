"""Chat messages in one form, whichever API or SDK wrote them.

A message is {"role", "content"} with text content, and where it has them "tool_calls"
[{"id", "name", "arguments"}], "tool_call_id" (of the call that it answers), "name" and "reasoning".
Read are OpenAI's chat and responses APIs, Anthropic's, the parts of OpenTelemetry's GenAI
conventions, the AI SDK of Vercel, LangChain's, and OpenInference's flattened attributes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Message = dict[str, Any]
_TEXTS = ("text", "content", "output_text", "input_text")
_CALLS = {"tool_call", "tool_use", "tool-call", "function_call", "server_tool_use"}
_RESULTS = {"tool_call_response", "tool_result", "tool-result", "function_call_output"}
_THOUGHTS = {"reasoning", "thinking"}
_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "function": "tool",
          "developer": "system"}  # fmt: skip
_MARKS = {"role", "parts", "tool_calls", "kwargs"}  # what else has content is a document
_TYPES = _CALLS | _RESULTS | _THOUGHTS
MOST = 1000  # messages of one span that are read


def parse(value: Any) -> Any:
    """JSON text of a list or an object as such, None for other text, all else as it is."""
    if not isinstance(value, str):
        return value
    if value.lstrip()[:1] not in {"[", "{"}:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def text(value: Any) -> str:
    """Text as it is, nothing as "", the rest as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def messages(value: Any, role: str = "") -> list[Message]:
    """Messages of a list, of an object that holds one, or of JSON text; [] where it is neither.
    `role` is that of a message which names none."""
    found = parse(value)
    if isinstance(found, dict):
        for name in ("messages", "input", "prompt"):
            if isinstance(found.get(name), list | str):
                listed = found[name]
                inner = [{"role": "user", "content": listed}] if isinstance(listed, str) else listed
                system = found.get("system") or found.get("instructions")
                return (instructions(system) if system else []) + messages(inner, role)
        found = [found] if "role" in found or "parts" in found else []
    if not isinstance(found, list):
        return []
    made: list[Message] = []
    for one in found[:MOST]:
        if isinstance(one, list):  # LangChain sends a list of conversations
            made += messages(one, role)
        elif isinstance(one, dict) and (_MARKS & one.keys() or one.get("type") in _TYPES):
            made += _message(one, role)
    return made


def instructions(value: Any) -> list[Message]:
    """A system prompt as text, as a list of parts, or as JSON of one."""
    found = parse(value) if isinstance(value, str) else value
    parts = found if isinstance(found, list) else [value]
    said = "\n".join(filter(None, map(_text, parts)))
    return [{"role": "system", "content": said}] if said else []


def flattened(found: Mapping[str, Any], prefix: str) -> list[Message]:
    """OpenInference: `prefix.N.message.content`, with tool calls and contents below it; and as
    OpenLLMetry wrote them at first, `prefix.N.content`."""
    items: dict[int, dict[str, Any]] = {}
    for key, value in found.items():
        if key.startswith(prefix):
            number, _, rest = key[len(prefix) :].partition(".")
            if number.isdecimal() and number.isascii() and len(number) < 5:
                items.setdefault(int(number), {})[rest.removeprefix("message.")] = value
    return [made for n in sorted(items)[:MOST] if (made := _flat(items[n]))]


def _flat(given: Mapping[str, Any]) -> Message:
    calls: dict[str, dict[str, str]] = {}
    parts: dict[str, str] = {}
    thoughts: list[str] = []
    for key, value in given.items():
        head, _, rest = key.partition(".")
        number, _, name = rest.partition(".")
        if head == "tool_calls":
            kind = name.rpartition(".")[2]
            if kind in {"id", "name", "arguments"}:
                call = calls.setdefault(number, {"id": "", "name": "", "arguments": ""})
                call[kind] = text(value)
        elif head == "contents" and name == "message_content.text":
            parts[number] = text(value)
        elif head == "contents" and name == "message_content.type" and value in _THOUGHTS:
            thoughts.append(number)
    thought = "\n".join(parts.pop(n) for n in sorted(thoughts, key=_order) if n in parts)
    said = text(given.get("content", "")) or "\n".join(parts[n] for n in sorted(parts, key=_order))
    made: Message = {"role": _role(given.get("role"), "assistant"), "content": said}
    if thought:
        made["reasoning"] = thought
    if calls:
        made["tool_calls"] = [calls[n] for n in sorted(calls, key=_order)]
    for name in ("tool_call_id", "name"):
        if given.get(name):
            made[name] = text(given[name])
    return made


def _order(number: str) -> int:
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 5 else 0


def _role(given: Any, fallback: str) -> str:
    named = given if isinstance(given, str) and given else fallback
    return _ROLES.get(named, named)


def _message(given: Mapping[str, Any], role: str) -> list[Message]:
    """One message; several where it holds the results of several tools."""
    kwargs = given.get("kwargs") or given.get("data")
    if isinstance(kwargs, dict) and "content" in kwargs:  # LangChain's serialised form
        named = given.get("id")
        kind = str(named[-1]) if isinstance(named, list) and named else str(given.get("type", ""))
        return _message({**kwargs, "role": kind.removesuffix("Chunk").removesuffix("Message")
                         .lower()}, role)  # fmt: skip
    if given.get("type") in _CALLS | _RESULTS | _THOUGHTS and "role" not in given:
        given = {"role": "tool" if given["type"] in _RESULTS else "assistant", "parts": [given]}
    made: Message = {"role": _role(given.get("role"), role or "user"), "content": ""}
    calls = [_call(c) for c in given.get("tool_calls") or [] if isinstance(c, dict)]
    parts = given.get("parts", given.get("content"))
    said: list[str] = []
    thoughts: list[str] = []
    results: list[Message] = []
    for part in parts if isinstance(parts, list) else [parts]:
        kind = part.get("type", "") if isinstance(part, dict) else ""
        if kind in _CALLS:
            calls.append(_call(part))
        elif kind in _RESULTS:
            results.append(_result(part))
        elif kind in _THOUGHTS:
            thoughts.append(_text(part))
        else:
            said.append(_text(part))
    made["content"] = "\n".join(filter(None, said))
    if any(thoughts):
        made["reasoning"] = "\n".join(filter(None, thoughts))
    if calls:
        made["tool_calls"] = calls
    answered = given.get("tool_call_id") or (given.get("id") if made["role"] == "tool" else "")
    if answered and not results:
        made["tool_call_id"] = text(answered)
    if results and not (made["content"] or calls):
        return results
    return [*results, made] if results else [made]


def _text(part: Any) -> str:
    if isinstance(part, dict):
        for name in (*_TEXTS, "thinking", "refusal"):
            if isinstance(part.get(name), str):
                return str(part[name])
        return "" if not part else f"[{part.get('type', 'part')}]"
    return text(part)


def _call(given: Mapping[str, Any]) -> dict[str, str]:
    inner = given.get("function") if isinstance(given.get("function"), dict) else given
    named = next((inner[n] for n in ("name", "toolName", "tool_name") if inner.get(n)), "")  # type: ignore[index,union-attr]
    said = next(
        (inner[n] for n in ("arguments", "input", "args") if inner.get(n) is not None),  # type: ignore[index,union-attr]
        "",
    )
    ident = next((given[n] for n in ("call_id", "toolCallId", "id") if given.get(n)), "")
    return {"id": text(ident), "name": text(named), "arguments": text(said)}


def _result(given: Mapping[str, Any]) -> Message:
    said = next((given[n] for n in ("response", "result", "output", "content")
                 if given.get(n) is not None), "")  # fmt: skip
    if isinstance(said, dict) and "value" in said:  # Vercel: {"type": "text", "value": ...}
        said = said["value"]
    if isinstance(said, list):
        said = "\n".join(filter(None, map(_text, said)))
    ident = next((given[n] for n in ("tool_call_id", "tool_use_id", "toolCallId", "call_id", "id")
                  if given.get(n)), "")  # fmt: skip
    made: Message = {"role": "tool", "content": text(said)}
    if ident:
        made["tool_call_id"] = text(ident)
    return made


def asked(said: Sequence[Message]) -> str:
    """The text of the last message by a user; of the last one where no user spoke."""
    for one in reversed(said):
        if one["role"] == "user" and one["content"]:
            return str(one["content"])
    return str(said[-1]["content"]) if said else ""


def answered(said: Iterable[Message]) -> str:
    """The texts of the messages; where there are none, the tool calls in words."""
    listed = list(said)
    spoken = "\n".join(str(m["content"]) for m in listed if m["content"])
    return spoken or "\n".join(
        f"{call['name']}({call['arguments']})" for m in listed for call in m.get("tool_calls", ())
    )
