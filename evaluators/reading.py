"""A row of a file as evaluators see it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from schemas.models import Sample, ToolCall

_TEXTS = ("question", "answer", "claim", "reference", "answer_a", "answer_b")


def sample(row: Mapping[str, Any], number: int) -> Sample:
    """A row as evaluators see it. Raises ValueError with a sentence that names the field."""
    texts = {name: _text(row, name) for name in _TEXTS}
    answer = texts["answer"] or texts["claim"] or texts["answer_a"]
    context = row.get("context", row.get("documents", row.get("contexts")))
    if context is None:
        context = []
    if isinstance(context, str):
        context = [context]
    if not isinstance(context, list) or not all(isinstance(part, str) for part in context):
        raise ValueError("context is neither a text nor a list of texts")
    return Sample("", f"row-{number}", "", "", 0, texts["question"], answer, tuple(context),
                  reference=texts["reference"], rival=texts["answer_b"],
                  tools=_tools(row.get("tools")))  # fmt: skip


def _tools(given: Any) -> tuple[ToolCall, ...]:
    """Calls as [{"name": ..., "arguments": a text or JSON, "failed": false, "schema": JSON}]."""
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(call, dict) for call in given):
        raise ValueError("tools is not a list of objects")
    made = []
    for call in given:
        texts = [call.get(name, "") for name in ("arguments", "schema")]
        said, schema = (v if isinstance(v, str) else json.dumps(v) for v in texts)
        made.append(ToolCall(str(call.get("name", "")), said, call.get("failed") is True, schema))
    return tuple(made)


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")
    return value
