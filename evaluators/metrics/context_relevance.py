"""Context relevance: do the retrieved documents speak to the question? By embeddings."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evaluators.base import Resources, Result, TextEmbedder, scored, version_of
from evaluators.evidence import documents
from evaluators.parts import nearest
from schemas.models import Sample
from schemas.registry import register

# A logistic curve over the cosine of the question and a document's nearest passage, set by hand
# before any figure was taken.
CENTRE, SLOPE = 0.45, 9.0
PASSAGES = 200  # of a document that are read


def chance(cosine: float) -> float:
    """The chance that a document is relevant, by the cosine of its nearest passage."""
    return 1 / (1 + math.exp(-SLOPE * (cosine - CENTRE)))


class ContextRelevance:
    """The mean over documents; the explanation has each document's own value."""

    name = "context_relevance"
    level = "trace"
    needs = ("question", "documents")
    probability = 1.0
    on_demand = True

    def __init__(self, embedder: TextEmbedder) -> None:
        self._embedder = embedder
        self.model = embedder.name
        self.version = version_of(
            {"model": self.model, "curve": (CENTRE, SLOPE), "passages": PASSAGES, "revision": 1}
        )

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        wanted, given, sizes = [], [], []
        for sample in samples:
            kept = [text for text in sample.documents if text.strip()]
            sizes.append(len(kept))
            for text in kept:
                wanted.append([sample.question])
                found = [p.text for p in documents([text]).passages][:PASSAGES]
                given.append([text, *found])
        near = [cosine for (cosine,) in nearest(self._embedder, wanted, given)]
        out, at = [], 0
        for size in sizes:
            values = [chance(cosine) for cosine in near[at : at + size]]
            at += size
            shown = ", ".join(f"{value:.2f}" for value in values[:50])
            out.append(scored(round(sum(values) / size, 4), f"by document: {shown}"))
        return out


@register("evaluator", "context_relevance")
def context_relevance(resources: Resources) -> ContextRelevance:
    """Share the worker's embedder."""
    return ContextRelevance(resources.embedder)
