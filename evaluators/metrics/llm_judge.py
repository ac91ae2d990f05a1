"""LLM judge for groundedness: a judge's yes or no, on a sample of the traces."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from evaluators.base import Resources, Result, version_of
from evaluators.judges import loading, prompt, torch_lm
from evaluators.judges.backend import Backend
from schemas.models import Sample
from schemas.registry import register

log = logging.getLogger(__name__)


class LlmJudge:
    """Asks a backend; sampled by hash of the trace id, since it is slow on CPU or costs money. On
    demand: with the packaged model its verdicts are no better than chance (docs/benchmarks.md).

    The version does not hold the sampling share: it changes who is judged, not how.
    """

    name = "llm_judge"
    level = "trace"
    needs = ("answer", "documents")
    probability = 0.02
    on_demand = True

    def __init__(self, judge: Backend) -> None:
        self.backend = judge
        self.model = judge.model
        self.judge = judge.name
        self.batch = judge.per_call
        self.version = version_of({"prompt": prompt.SPEC, "backend": dict(judge.spec)})

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return self.backend.ask([prompt.question(sample) for sample in samples])


@register("evaluator", "llm_judge")
def llm_judge(resources: Resources) -> LlmJudge | None:
    """On torch. None, said once in the log, where the model's package is not installed."""
    path = loading.packaged()
    if path is None:
        log.info("llm_judge is left out: package %s is not installed", loading.PACKAGE)
        return None
    return LlmJudge(torch_lm.TorchJudge(path))
