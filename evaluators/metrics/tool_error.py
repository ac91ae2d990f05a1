"""Tool error: the share of a trace's tool calls that failed."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.base import Resources, Result, scored, version_of
from schemas.models import Sample
from schemas.registry import register


class ToolError:
    """0 where no call failed, 1 where all did; the explanation names the tools that failed."""

    name = "tool_error"
    level = "trace"
    needs = ("tools",)
    model = ""
    probability = 1.0
    on_demand = True
    version = version_of({"measure": "failed calls / calls", "revision": 1})

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return [self._one(sample) for sample in samples]

    def _one(self, sample: Sample) -> Result:
        failed = [call.name for call in sample.tools if call.failed]
        note = f"failed: {', '.join(dict.fromkeys(failed))}"[:300] if failed else ""
        return scored(round(len(failed) / len(sample.tools), 4), note)


@register("evaluator", "tool_error")
def tool_error(resources: Resources) -> ToolError:
    """Counting calls needs no resources."""
    return ToolError()
