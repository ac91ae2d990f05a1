"""Tool calls compared: by name, and by arguments as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from schemas.models import ToolCall

NAME_KEYS = ("name", "tool", "tool_name")
ARGUMENT_KEYS = ("arguments", "args", "kwargs", "input", "parameters")


def arguments(text: str) -> Any:
    """Arguments as data; the text itself, less spacing, where it is no JSON."""
    try:
        return json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return " ".join(text.split())


def key(call: ToolCall) -> tuple[str, str]:
    """Name and arguments, without the order and the spacing of JSON."""
    return call.name, json.dumps(arguments(call.arguments), sort_keys=True)


def reference(text: str) -> list[ToolCall]:
    """The calls that should have been made: a JSON list of objects with `name` and `arguments`
    (or as tau-bench and OpenAI write them). Raises ValueError with a sentence."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("reference is not JSON") from None
    given = [given] if isinstance(given, dict) else given
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise ValueError("reference is not a list of calls")
    made = []
    for one in given:
        one = one["function"] if isinstance(one.get("function"), dict) else one
        name = next((one[k] for k in NAME_KEYS if isinstance(one.get(k), str)), "")
        said: Any = next((one[k] for k in ARGUMENT_KEYS if k in one), {})
        if not name:
            raise ValueError("a call of the reference has no name")
        made.append(ToolCall(name, said if isinstance(said, str) else json.dumps(said)))
    return made


def matched(wanted: ToolCall, given: ToolCall) -> float:
    """0 for another tool, else 1/2 and half the share of the wanted arguments that are as wanted;
    arguments that were not asked for take as much as wrong ones."""
    if wanted.name != given.name:
        return 0.0
    a, b = arguments(wanted.arguments), arguments(given.arguments)
    if not isinstance(a, dict) or not isinstance(b, dict):
        return 0.5 + 0.5 * float(a == b)
    names = {*a, *b}
    same = sum(bool(n in a and n in b and a[n] == b[n]) for n in names)
    return 0.5 + 0.5 * (same / len(names) if names else 1.0)


def aligned(wanted: Sequence[ToolCall], given: Sequence[ToolCall]) -> float:
    """The sum of `matched` over the best pairing that keeps the order of both (after
    Needleman and Wunsch 1970)."""
    row = [0.0] * (len(given) + 1)
    for one in wanted:
        before, row = row, [0.0]
        for j, other in enumerate(given):
            row.append(max(before[j] + matched(one, other), before[j + 1], row[j]))
    return row[-1]
