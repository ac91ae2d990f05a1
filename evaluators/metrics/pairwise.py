"""Pairwise preference: is the first of two answers better than the second?"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from evaluators.base import Resources, Result, version_of
from evaluators.judges import loading, pairwise, torch_lm
from evaluators.judges.backend import Backend
from schemas.models import Sample
from schemas.registry import register

log = logging.getLogger(__name__)


class Pairwise:
    """1: the answer is better than its rival, 0: worse, 0.5: a tie. On demand: traces have no
    rival, rows of a file have (answer_a, answer_b)."""

    name = "pairwise"
    level = "trace"
    needs = ("question", "answer", "rival")
    probability = 1.0
    on_demand = True

    def __init__(self, judge: Backend) -> None:
        self.backend = judge
        self.model = judge.model
        self.judge = judge.name
        self.batch = judge.per_call
        self.version = version_of({"prompt": pairwise.SPEC, "backend": dict(judge.spec)})

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        pairs = [pairwise.Pair(s.question, s.answer, s.rival) for s in samples]
        return pairwise.prefer(self.backend, pairs)

    def label(self, value: float) -> str:
        return "tie" if value == 0.5 else "a" if value > 0.5 else "b"


@register("evaluator", "pairwise")
def preference(resources: Resources) -> Pairwise | None:
    """On torch. None, said once in the log, where the model's package is not installed."""
    path = loading.packaged()
    if path is None:
        log.info("pairwise is left out: package %s is not installed", loading.PACKAGE)
        return None
    return Pairwise(torch_lm.TorchJudge(path))
