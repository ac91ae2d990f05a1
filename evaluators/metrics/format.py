"""Format: does the answer have the form that was asked for? JSON Schema, a pattern, or any JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import SchemaError
from jsonschema.validators import validator_for

from evaluators.base import Resources, Result, scored, version_of
from schemas.models import Sample
from schemas.registry import register

NAMES = ("schema", "pattern", "full")
_FENCE = re.compile(r"^```[a-zA-Z]*\n(.*)\n```$", re.DOTALL)
LONGEST = 200_000  # characters that a pattern is matched against


class Format:
    """1 where the answer has the form, else 0, with the first reasons. Without options any JSON
    will do. Options: `schema` (JSON Schema), `pattern` (Python's re; anywhere in the answer, or
    all of it with `full: true`). A code fence around JSON is taken off.

    Raises ValueError for options that cannot be used.
    """

    name = "format"
    level = "trace"
    needs = ("answer",)
    model = ""
    probability = 1.0
    on_demand = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        if unknown := sorted(set(options) - set(NAMES)):
            raise ValueError(f"format: {unknown[0]} is not known; there are: {', '.join(NAMES)}")
        pattern, schema = options.get("pattern"), options.get("schema")
        try:
            self._pattern = re.compile(pattern, re.DOTALL) if pattern is not None else None
        except (re.error, TypeError) as error:
            raise ValueError(f"format: pattern cannot be used: {error}") from None
        self._full = options.get("full") is True
        self._validator = _validator(schema) if schema is not None else None
        self._json = self._validator is not None or self._pattern is None
        self.version = version_of({**options, "revision": 1})

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return [self._one(sample.answer.strip()) for sample in samples]

    def _one(self, answer: str) -> Result:
        wrong: list[str] = []
        if self._pattern is not None:
            match = self._pattern.fullmatch if self._full else self._pattern.search
            if not match(answer[:LONGEST]):
                wrong.append("the pattern does not match")
        if self._json:
            wrong += self._wrong(answer)
        return scored(float(not wrong), "; ".join(wrong)[:500])

    def _wrong(self, answer: str) -> list[str]:
        fenced = _FENCE.match(answer)
        try:
            given = json.loads(fenced[1] if fenced else answer)
        except ValueError as error:
            return [f"not JSON: {error}"]
        except RecursionError:
            return ["not JSON: nested too deep"]
        if self._validator is None:
            return []
        errors = sorted(self._validator.iter_errors(given), key=lambda e: list(map(str, e.path)))
        return [f"{e.json_path}: {e.message[:150]}" for e in errors[:5]]


def _validator(schema: Any) -> Any:
    if not isinstance(schema, dict | bool):
        raise ValueError("format: schema must be a JSON Schema, an object")
    kind = validator_for(schema)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"format: schema cannot be used: {error.message}") from None
    return kind(schema)


@register("evaluator", "format")
def format_of(resources: Resources) -> Format:
    """Options come from assay.yaml or `assay eval --option`."""
    return Format(resources.options)
