"""Groundedness: does the answer stand in the retrieved documents? 1 = supported, no key, CPU."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from evaluators.base import Resources, Result, scored, version_of
from evaluators.grounding import NAMES, Item, Part, Reading, read
from evaluators.judges.encoder import Encoder
from schemas.models import Sample
from schemas.registry import register

REVISION = 6  # raise it when features, passages or their reading change a value
SHOWN = 160  # characters of a sentence or passage in an explanation
SENTENCES = 12  # told of in an explanation, the least supported first
LEFT = 3  # passages that were left out, told of behind them


class Groundedness:
    """Logistic regression over `evaluators.grounding` (weights in groundedness.json, made by
    bench/train_groundedness.py). The explanation names the sentences that are not supported, and
    for each other one the passage that supports it. Model card: docs/models/groundedness.md."""

    name = "groundedness"
    level = "trace"
    needs = ("answer", "documents")
    model = ""
    probability = 1.0

    def __init__(self, spec: dict[str, Any], idf: dict[str, float], encoder: Encoder) -> None:
        self._encoder = encoder
        self._idf = idf
        self._weights = [float(spec["weights"][name]) for name in NAMES]
        self._intercept = float(spec["intercept"])
        self._threshold = float(spec["threshold"])
        self.version = version_of(
            {**spec, "idf": idf, "revision": REVISION, "encoder": encoder.revision}
        )

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        items = [Item(s.question, s.answer, tuple(s.documents)) for s in samples]
        readings = read(items, self._encoder, self._idf)
        return [scored(self.probability_of(r.whole), self._told(r)) for r in readings]

    def graded(self, items: Sequence[Item]) -> list[tuple[float, bool]]:
        """(support, whether each sentence reaches the threshold) of each item, in order."""
        return [
            (self.probability_of(found.whole), all(map(self._supported, found.sentences)))
            for found in read(items, self._encoder, self._idf)
        ]

    def _supported(self, part: Part) -> bool:
        return part.passage is not None and self.probability_of(part) >= self._threshold

    def probability_of(self, part: Part) -> float:
        """The chance that the answer, or the sentence, is supported; 0 without any passage."""
        if part.passage is None:
            return 0.0
        z = self._intercept + sum(
            weight * value for weight, value in zip(self._weights, part.values, strict=True)
        )
        return 1 / (1 + math.exp(-z))

    def _told(self, reading: Reading) -> str:
        """One line per sentence, the least supported first."""
        graded = sorted(((self.probability_of(s), i) for i, s in enumerate(reading.sentences)))
        left = [
            f'left out, {why}: document {each.document + 1}: "{each.text[:SHOWN]}"'
            for each, why in reading.left_out[:LEFT]
        ]
        told = [self._line(p, reading.sentences[i]) for p, i in graded[:SENTENCES]]
        return "\n".join([*told, *left])

    def _line(self, p: float, part: Part) -> str:
        absent = ", ".join(part.missing[:8])
        words = f"; not in the documents: {absent}" if absent else ""
        said = f'"{part.text[:SHOWN]}" ({p:.2f}{words})'
        near = part.passage
        if near is None or not self._supported(part):
            return f"unsupported: {said}"
        return f'supported: {said} by document {near.document + 1}: "{near.text[:SHOWN]}"'


@register("evaluator", "groundedness")
def groundedness(resources: Resources) -> Groundedness:
    """Read the shipped weights."""
    folder = files("evaluators.metrics")
    spec = json.loads(folder.joinpath("groundedness.json").read_text())
    idf = json.loads(folder.joinpath("rarity.json").read_text())
    return Groundedness(spec, idf, Encoder())
