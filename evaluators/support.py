"""Whether documents support texts, by the groundedness model, for evaluators that ask it about
parts of an answer or a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.base import Resources, version_of
from evaluators.grounding import Item
from evaluators.metrics.groundedness import Groundedness, groundedness
from schemas.models import Sample


@dataclass(frozen=True, slots=True)
class Claim:
    """A text, the question that it answers ('' if none), and what should support it."""

    text: str
    documents: tuple[str, ...]
    question: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`value` in [0, 1]; `supported`: whether it reaches the model's own threshold."""

    value: float
    supported: bool


class Support:
    """Asks the groundedness model about single claims."""

    def __init__(self, model: Groundedness) -> None:
        self._model = model

    def version(self, **spec: Any) -> str:
        """The version of an evaluator of this `spec`: another model is another version."""
        return version_of({"groundedness": self._model.version, **spec})

    def each(self, claims: Sequence[Sequence[Claim]]) -> list[list[Verdict]]:
        """A verdict for each claim of each sample, in order; all are read together."""
        found = iter(self._of([claim for group in claims for claim in group]))
        return [[next(found) for _ in group] for group in claims]

    def _of(self, claims: Sequence[Claim]) -> list[Verdict]:
        """Without documents (0, False)."""
        items = [Item(c.question, c.text, c.documents) for c in claims if any(c.documents)]
        found = iter(self._model.graded(items))
        out = []
        for claim in claims:
            value, supported = next(found) if any(claim.documents) else (0.0, False)
            # Rounded, since the padding of a batch moves the last bits.
            out.append(Verdict(round(value, 4), supported))
        return out


def claims(samples: Sequence[Sample], texts: Sequence[Sequence[str]]) -> list[list[Claim]]:
    """The texts of each sample as claims on all of its documents."""
    return [
        [Claim(text, tuple(sample.documents), sample.question) for text in said]
        for sample, said in zip(samples, texts, strict=True)
    ]


def support(resources: Resources) -> Support:
    """One for all that share `resources`, so that its weights are loaded once."""
    if "support" not in resources.shared:
        resources.shared["support"] = Support(groundedness(resources))
    made = resources.shared["support"]
    assert isinstance(made, Support)
    return made
