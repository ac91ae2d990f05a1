"""Conciseness: the share of the answer's words that stand in sentences which add something."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from evaluators.base import Resources, Result, TextEmbedder, scored, version_of
from evaluators.evidence import split
from schemas.models import Sample
from schemas.registry import register

SAME = 0.85  # cosine from which a sentence repeats an earlier one, or the question
FILLERS = (
    r"(?:great|good|excellent) question\b",
    r"(?:sure|certainly|of course|absolutely)[,!.]?(?: i(?:'d| would)? (?:can |be )?.*)?$",
    r"i(?:'d| would) be (?:happy|glad) to\b",
    r"i hope (?:this|that|it)\b.*(?:help|useful|clear|answer)",
    r"(?:please )?(?:feel free|do not hesitate|don't hesitate) to\b",
    r"let me know if\b",
    r"if you have any (?:other|more|further|additional)? ?questions\b",
    r"as an ai\b",
    r"is there anything else\b",
)
_FILLER = re.compile("|".join(f"(?:{each})" for each in FILLERS), re.IGNORECASE)


class Conciseness:
    """1 minus the share of words in sentences that are fillers, repeat an earlier sentence or
    restate the question. Length itself is not judged: a long answer may be needed."""

    name = "conciseness"
    level = "trace"
    needs = ("answer",)
    probability = 1.0
    on_demand = True

    def __init__(self, embedder: TextEmbedder) -> None:
        self._embedder = embedder
        self.model = embedder.name
        self.version = version_of(
            {"model": self.model, "same": SAME, "fillers": FILLERS, "revision": 1}
        )

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return [self._one(sample) for sample in samples]

    def _one(self, sample: Sample) -> Result:
        said = split(sample.answer) or [sample.answer]
        before = split(sample.question)
        vectors = self._embedder.embed([*before, *said])
        near = np.round(vectors @ vectors.T, 4)
        spare: list[str] = []
        words = 0
        for i, sentence in enumerate(said, len(before)):
            repeats = bool(i) and float(near[i, :i].max()) >= SAME
            if _FILLER.match(sentence) or repeats:
                spare.append(sentence)
                words += len(sentence.split())
        total = sum(len(sentence.split()) for sentence in said)
        note = "; ".join(f'adds nothing: "{sentence[:100]}"' for sentence in spare[:5])
        return scored(round(1 - words / max(1, total), 4), note)


@register("evaluator", "conciseness")
def conciseness(resources: Resources) -> Conciseness:
    """Share the worker's embedder."""
    return Conciseness(resources.embedder)
