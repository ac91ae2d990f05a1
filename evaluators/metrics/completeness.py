"""Completeness: the share of the question's parts that the answer speaks to, by embeddings."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.base import Resources, Result, TextEmbedder, scored, version_of
from evaluators.evidence import split
from evaluators.parts import nearest, parts
from schemas.models import Sample
from schemas.registry import register

NEAR = 0.35  # cosine from which a sentence speaks to a part


class Completeness:
    """A part counts as addressed where a sentence of the answer, or all of it, is near to it."""

    name = "completeness"
    level = "trace"
    needs = ("question", "answer")
    probability = 1.0
    on_demand = True

    def __init__(self, embedder: TextEmbedder) -> None:
        self._embedder = embedder
        self.model = embedder.name
        self.version = version_of({"model": self.model, "near": NEAR, "revision": 1})

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        wanted = [parts(sample.question) for sample in samples]
        given = [[sample.answer, *split(sample.answer)] for sample in samples]
        return [
            self._one(asked, cosines)
            for asked, cosines in zip(wanted, nearest(self._embedder, wanted, given), strict=True)
        ]

    def _one(self, asked: Sequence[str], cosines: Sequence[float]) -> Result:
        left = [part for part, cosine in zip(asked, cosines, strict=True) if cosine < NEAR]
        said = "; ".join(f'not addressed: "{part[:120]}"' for part in left[:5])
        return scored(round(1 - len(left) / len(asked), 4), said or f"{len(asked)} of {len(asked)}")


@register("evaluator", "completeness")
def completeness(resources: Resources) -> Completeness:
    """Share the worker's embedder."""
    return Completeness(resources.embedder)
