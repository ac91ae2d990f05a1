"""Context recall: do the documents hold what a right answer says? By a reference, or without one
by the parts of the question."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.base import Resources, Result, TextEmbedder, scored, version_of
from evaluators.evidence import documents, split
from evaluators.parts import nearest, parts
from evaluators.support import Support, claims, support
from schemas.models import Sample
from schemas.registry import register

MOST = 30  # sentences of a reference
PASSAGES = 400  # of a trace's documents
NEAR = 0.45  # cosine from which a passage speaks to a part of the question


class ContextRecall:
    """The share of the reference's sentences that the documents support."""

    name = "context_recall"
    level = "trace"
    needs = ("documents", "reference")
    model = ""
    probability = 1.0
    on_demand = True

    def __init__(self, asked: Support) -> None:
        self._support = asked
        self.version = asked.version(most=MOST, revision=1)

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        texts = [(split(s.reference) or [s.reference])[:MOST] for s in samples]
        verdicts = self._support.each(claims(samples, texts))
        out = []
        for said, found in zip(texts, verdicts, strict=True):
            absent = [t for t, verdict in zip(said, found, strict=True) if not verdict.supported]
            note = "; ".join(f'not in the documents: "{text[:120]}"' for text in absent[:6])
            out.append(scored(round(1 - len(absent) / len(said), 4), note))
        return out


class ContextCoverage:
    """The share of the question's parts that some passage is near to. That a passage speaks of
    something does not mean that it holds the answer."""

    name = "context_coverage"
    level = "trace"
    needs = ("question", "documents")
    probability = 1.0
    on_demand = True

    def __init__(self, embedder: TextEmbedder) -> None:
        self._embedder = embedder
        self.model = embedder.name
        self.version = version_of(
            {"model": self.model, "near": NEAR, "passages": PASSAGES, "revision": 1}
        )

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        wanted = [parts(sample.question) for sample in samples]
        given = [[p.text for p in documents(s.documents).passages][:PASSAGES] for s in samples]
        out = []
        found = nearest(self._embedder, wanted, given)
        for asked, cosines in zip(wanted, found, strict=True):
            left = [part for part, c in zip(asked, cosines, strict=True) if c < NEAR]
            note = "; ".join(f'no passage: "{part[:120]}"' for part in left[:5])
            out.append(scored(round(1 - len(left) / len(asked), 4), note))
        return out


@register("evaluator", "context_recall")
def context_recall(resources: Resources) -> ContextRecall:
    """Against a reference."""
    return ContextRecall(support(resources))


@register("evaluator", "context_coverage")
def context_coverage(resources: Resources) -> ContextCoverage:
    """Without a reference."""
    return ContextCoverage(resources.embedder)
