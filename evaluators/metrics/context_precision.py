"""Context precision: do the documents that a right answer needs come first? By a reference, or
without one by the answer itself."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.base import Resources, Result, scored
from evaluators.evidence import split
from evaluators.support import Claim, Support, support
from schemas.models import Sample
from schemas.registry import register

MOST = 30  # documents of a trace that are looked at
SENTENCES = 10  # of the reference or answer


def average_precision(relevant: Sequence[bool]) -> float:
    """The mean of precision@k over the ranks k of relevant documents; 0 where none is (the measure
    of RAGAS' context precision, arXiv 2309.15217)."""
    hits, total = 0, 0.0
    for rank, good in enumerate(relevant, 1):
        hits += good
        total += hits / rank if good else 0.0
    return total / hits if hits else 0.0


class ContextPrecision:
    """Average precision of the ranking; a document is relevant where it supports a sentence of
    `against`, the reference or the answer."""

    level = "trace"
    model = ""
    probability = 1.0
    on_demand = True

    def __init__(self, name: str, against: str, asked: Support) -> None:
        self.name = name
        self.needs = ("documents", against)
        self._against = against
        self._support = asked
        self.version = asked.version(against=against, most=MOST, sentences=SENTENCES, revision=1)

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        claims: list[list[Claim]] = []
        shapes = []
        for sample in samples:
            text = getattr(sample, self._against)
            said = (split(text) or [text])[:SENTENCES]
            held = sample.documents[:MOST]
            shapes.append(len(held))
            claims += [[Claim(part, (doc,), sample.question) for part in said] for doc in held]
        verdicts = iter(self._support.each(claims))
        out = []
        for ranks in shapes:
            relevant = [any(v.supported for v in next(verdicts)) for _ in range(ranks)]
            told = ", ".join(str(rank) for rank, good in enumerate(relevant, 1) if good) or "none"
            out.append(scored(round(average_precision(relevant), 4), f"relevant: {told}"))
        return out


@register("evaluator", "context_precision")
def context_precision(resources: Resources) -> ContextPrecision:
    """Against a reference."""
    return ContextPrecision("context_precision", "reference", support(resources))


@register("evaluator", "context_utilization")
def context_utilization(resources: Resources) -> ContextPrecision:
    """Without a reference: against the answer that was given."""
    return ContextPrecision("context_utilization", "answer", support(resources))
