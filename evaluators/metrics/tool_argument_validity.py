"""Tool-argument validity: do the arguments of tool calls keep to the tools' own schemas?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from jsonschema import SchemaError
from jsonschema.validators import validator_for

from evaluators.base import Resources, Result, scored, version_of
from schemas.models import Sample, ToolCall
from schemas.registry import register


def _schema(text: str) -> Any:
    """The schema of the arguments, from a tool's definition in any of the usual wrappings; None
    where there is none."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for _ in range(3):
        inner = None
        if isinstance(given, dict):
            inner = next(
                (given[k] for k in ("function", "parameters", "input_schema", "inputSchema")
                 if isinstance(given.get(k), dict)), None,
            )  # fmt: skip
        if inner is None:
            break
        given = inner
    return given if isinstance(given, dict) and given else None


def wrong(call: ToolCall) -> str:
    """What is wrong with a call's arguments, '' where nothing is. Without a schema they must only
    be a JSON object, or nothing."""
    text = call.arguments.strip()
    try:
        given = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return "not JSON"
    if not isinstance(given, dict):
        return "not an object"
    schema = _schema(call.schema) if call.schema else None
    if schema is None:
        return ""
    kind = validator_for(schema)
    try:
        kind.check_schema(schema)
    except SchemaError:
        return ""  # the definition is at fault, not the call
    first = next(iter(kind(schema).iter_errors(given)), None)
    return f"{first.json_path}: {first.message[:120]}" if first else ""


class ToolArgumentValidity:
    """The share of a trace's calls whose arguments are valid."""

    name = "tool_argument_validity"
    level = "trace"
    needs = ("tools",)
    model = ""
    probability = 1.0
    on_demand = True
    version = version_of({"measure": "valid calls / calls", "revision": 1})

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return [self._one(sample) for sample in samples]

    def _one(self, sample: Sample) -> Result:
        found = [(call.name, wrong(call)) for call in sample.tools]
        bad = [f"{name}: {why}" for name, why in found if why]
        known = sum(bool(call.schema) for call in sample.tools)
        note = [f"{known} of {len(found)} calls had a schema", *bad[:5]]
        return scored(round(1 - len(bad) / len(found), 4), "; ".join(note)[:600])


@register("evaluator", "tool_argument_validity")
def tool_argument_validity(resources: Resources) -> ToolArgumentValidity:
    """Checking schemas needs no resources."""
    return ToolArgumentValidity()
