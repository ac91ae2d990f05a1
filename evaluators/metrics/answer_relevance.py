"""Answer relevance: is the answer about what was asked? Cosine of question and answer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evaluators.base import Resources, Result, TextEmbedder, scored, version_of
from schemas.models import Sample
from schemas.registry import register

# Unrelated question and answer pairs have a MiniLM cosine near 0.05, related ones near 0.55:
# the logistic curve puts 0.5 half-way between them.
CENTRE = 0.30
SLOPE = 10.0


class AnswerRelevance:
    """Sigmoid of the embeddings' cosine; says nothing about whether the answer is true."""

    name = "answer_relevance"
    level = "trace"
    needs = ("question", "answer")
    probability = 1.0

    def __init__(self, embedder: TextEmbedder) -> None:
        self._embedder = embedder
        self.model = embedder.name
        self.version = version_of({"model": self.model, "centre": CENTRE, "slope": SLOPE})

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        vectors = self._embedder.embed([s.question for s in samples] + [s.answer for s in samples])
        cosines = (vectors[: len(samples)] * vectors[len(samples) :]).sum(axis=1)
        # Rounded, since the padding of a batch moves the last bits of a vector.
        return [
            scored(round(1 / (1 + math.exp(-SLOPE * (float(c) - CENTRE))), 4), f"cosine {c:.3f}")
            for c in cosines
        ]


@register("evaluator", "answer_relevance")
def answer_relevance(resources: Resources) -> AnswerRelevance:
    """Share the worker's embedder, so that each text is embedded once."""
    return AnswerRelevance(resources.embedder)
