"""Pairwise preference: is the first of two answers better than the second?"""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.asking import Asking, packaged
from evaluators.base import Resources, Result
from evaluators.judges import pairwise
from evaluators.judges.backend import Backend
from schemas.models import Sample
from schemas.registry import register


class Pairwise(Asking):
    """1: the answer is better than its rival, 0: worse, 0.5: a tie. On demand: traces have no
    rival, rows of a file have (answer_a, answer_b)."""

    name = "pairwise"
    needs = ("question", "answer", "rival")
    probability = 1.0

    def __init__(self, judge: Backend) -> None:
        super().__init__(judge, pairwise.SPEC)

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        pairs = [pairwise.Pair(s.question, s.answer, s.rival) for s in samples]
        return pairwise.prefer(self.backend, pairs)

    def label(self, value: float) -> str:
        return "tie" if value == 0.5 else "a" if value > 0.5 else "b"


@register("evaluator", "pairwise")
def preference(resources: Resources) -> Pairwise | None:
    """On torch, where the model's package is installed."""
    judge = packaged("pairwise")
    return Pairwise(judge) if judge is not None else None
