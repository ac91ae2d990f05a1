"""Groundedness: does the answer stand in the retrieved documents? 1 = supported, no key, CPU."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from evaluators.base import Resources, Result, scored, version_of
from evaluators.features import NAMES, compare
from schemas.models import Sample
from schemas.registry import register

FEATURES_REVISION = 1  # raise it when evaluators/features.py changes a value


class Groundedness:
    """Logistic regression over `evaluators.features`; weights in groundedness.json, made by
    bench/train_groundedness.py. The explanation lists words that no document holds."""

    name = "groundedness"
    level = "trace"
    needs = ("answer", "documents")
    model = ""
    probability = 1.0

    def __init__(self, spec: dict[str, Any]) -> None:
        self.version = version_of({**spec, "features": FEATURES_REVISION})
        self._weights = [float(spec["weights"][name]) for name in NAMES]
        self._intercept = float(spec["intercept"])
        self._idf: dict[str, float] = spec["idf"]

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return [self._one(sample) for sample in samples]

    def _one(self, sample: Sample) -> Result:
        found = compare(sample.answer, sample.documents, self._idf)
        z = self._intercept + sum(
            weight * value for weight, value in zip(self._weights, found.values, strict=True)
        )
        absent = ", ".join(found.missing[:12])
        note = f"not in the documents: {absent}" if absent else ""
        return scored(1 / (1 + math.exp(-z)), note)


@register("evaluator", "groundedness")
def groundedness(resources: Resources) -> Groundedness:
    """Read the shipped weights."""
    text = files("evaluators.metrics").joinpath("groundedness.json").read_text()
    return Groundedness(json.loads(text))
