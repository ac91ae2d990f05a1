"""Hallucinated sentences: how many of the answer's sentences do its documents not support?"""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.base import Resources, Result, scored, version_of
from evaluators.evidence import split
from evaluators.support import Claim, Support, support
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
        self.version = version_of({"groundedness": asked.version, "most": MOST, "revision": 1})

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        texts = [(split(s.answer) or [s.answer])[:MOST] for s in samples]
        claims = [
            Claim(text, tuple(s.documents), s.question)
            for s, said in zip(samples, texts, strict=True)
            for text in said
        ]
        verdicts = iter(self._support.of(claims))
        return [self._one(said, [next(verdicts).supported for _ in said]) for said in texts]

    def _one(self, said: Sequence[str], supported: Sequence[bool]) -> Result:
        bad = [text for text, fine in zip(said, supported, strict=True) if not fine]
        told = [f"{len(bad)} of {len(said)} sentences", *(f'"{text[:120]}"' for text in bad[:6])]
        return scored(round(len(bad) / len(said), 4), "; ".join(told))


@register("evaluator", "hallucinated_sentences")
def hallucinated_sentences(resources: Resources) -> HallucinatedSentences:
    """On groundedness' own model."""
    return HallucinatedSentences(support())
