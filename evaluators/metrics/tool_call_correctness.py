"""Tool-call correctness: were the calls of a reference made, in their order, and no others?"""

from __future__ import annotations

from collections.abc import Sequence

from evaluators import calls
from evaluators.base import Resources, Result, failed, scored, version_of
from schemas.models import Sample
from schemas.registry import register

MOST = 300  # calls of a trace that are compared


class ToolCallCorrectness:
    """F1 of the calls against those of the reference, paired in order; a pair counts by name and
    arguments. Recall stands in the explanation: other calls may only have looked things up."""

    name = "tool_call_correctness"
    level = "trace"
    needs = ("tools", "reference")
    model = ""
    probability = 1.0
    on_demand = True  # a trace has no reference
    version = version_of({"measure": "F1 of calls aligned in order", "revision": 1})

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return [self._one(sample) for sample in samples]

    def _one(self, sample: Sample) -> Result:
        try:
            wanted = calls.reference(sample.reference)
        except ValueError as error:
            return failed(f"unparsable: {error}")
        if not wanted:
            return failed("unparsable: reference has no calls")
        given = sample.tools[:MOST]
        common = calls.aligned(wanted[:MOST], given)
        recall, precision = common / len(wanted), common / len(given)
        f1 = 2 * recall * precision / (recall + precision) if common else 0.0
        return scored(round(f1, 4), f"recall {recall:.3f}, precision {precision:.3f}")


@register("evaluator", "tool_call_correctness")
def tool_call_correctness(resources: Resources) -> ToolCallCorrectness:
    """Comparing calls needs no resources."""
    return ToolCallCorrectness()
