"""LLM judge for groundedness: a small instruction model, on a sample of the traces."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from evaluators.base import Resources, Result, version_of
from evaluators.judges import prompt, torch_lm
from schemas.models import Sample
from schemas.registry import register

log = logging.getLogger(__name__)


class LlmJudge:
    """Yes or no from `judges.torch_lm`; sampled by hash of the trace id, since it is slow on CPU.

    The version does not hold the sampling share: it changes who is judged, not how.
    """

    name = "llm_judge"
    level = "trace"
    needs = ("answer", "documents")
    model = torch_lm.MODEL

    probability = 0.02

    def __init__(self, judge: torch_lm.TorchJudge) -> None:
        self._judge = judge
        self.version = version_of(
            {
                "model": torch_lm.MODEL,
                "prompt": prompt.SPEC,
                "tokens": [torch_lm.MAX_TOKENS, torch_lm.MAX_ANSWER_TOKENS],
                "floor": torch_lm.LABEL_MASS_FLOOR,
            }
        )

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return self._judge.verdicts([("\n".join(s.documents), s.answer) for s in samples])


@register("evaluator", "llm_judge")
def llm_judge(resources: Resources) -> LlmJudge | None:
    """None, said once in the log, where the model's package is not installed."""
    path = torch_lm.model_file()
    if path is None:
        log.info("llm_judge is left out: package %s is not installed", torch_lm.PACKAGE)
        return None
    return LlmJudge(torch_lm.TorchJudge(path))
