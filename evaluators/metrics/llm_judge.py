"""LLM judge for groundedness: a judge's yes or no, on a sample of the traces."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.asking import Asking, packaged
from evaluators.base import Resources, Result
from evaluators.judges import prompt
from evaluators.judges.backend import Backend
from schemas.models import Sample
from schemas.registry import register


class LlmJudge(Asking):
    """Asks a backend; sampled by hash of the trace id, since it is slow on CPU or costs money. On
    demand: with the packaged model its verdicts are no better than chance (docs/benchmarks.md).

    The version does not hold the sampling share: it changes who is judged, not how.
    """

    name = "llm_judge"
    needs = ("answer", "documents")
    probability = 0.02

    def __init__(self, judge: Backend) -> None:
        super().__init__(judge, prompt.SPEC)

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return self.backend.ask([prompt.question(sample) for sample in samples])


@register("evaluator", "llm_judge")
def llm_judge(resources: Resources) -> LlmJudge | None:
    """On torch, where the model's package is installed."""
    judge = packaged("llm_judge")
    return LlmJudge(judge) if judge is not None else None
