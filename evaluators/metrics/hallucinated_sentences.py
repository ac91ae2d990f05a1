"""Hallucinated sentences: how many of the answer's sentences do its documents not support?"""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.base import Resources, Result, scored
from evaluators.evidence import split
from evaluators.support import Support, Verdict, claims, support
from schemas.models import Sample
from schemas.registry import register

MOST = 60  # sentences of an answer that are read


class HallucinatedSentences:
    """The share of sentences that groundedness calls unsupported; their number is in the
    explanation."""

    name = "hallucinated_sentences"
    level = "trace"
    needs = ("answer", "documents")
    model = ""
    probability = 1.0
    on_demand = True

    def __init__(self, asked: Support) -> None:
        self._support = asked
        self.version = asked.version(most=MOST, revision=1)

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        texts = [(split(s.answer) or [s.answer])[:MOST] for s in samples]
        verdicts = self._support.each(claims(samples, texts))
        return [self._one(said, found) for said, found in zip(texts, verdicts, strict=True)]

    def _one(self, said: Sequence[str], found: Sequence[Verdict]) -> Result:
        bad = [text for text, verdict in zip(said, found, strict=True) if not verdict.supported]
        told = [f"{len(bad)} of {len(said)} sentences", *(f'"{text[:120]}"' for text in bad[:6])]
        return scored(round(len(bad) / len(said), 4), "; ".join(told))


@register("evaluator", "hallucinated_sentences")
def hallucinated_sentences(resources: Resources) -> HallucinatedSentences:
    """On groundedness' own model."""
    return HallucinatedSentences(support(resources))
