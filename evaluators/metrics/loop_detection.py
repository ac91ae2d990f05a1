"""Loop detection: does an agent call a tool again and again with the same arguments?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from evaluators.base import Resources, Result, scored, version_of
from evaluators.calls import key
from schemas.models import Sample
from schemas.registry import register

REPEATS = 3  # the same call so many times is a loop; twice may be a retry


class LoopDetection:
    """1 where one call with the same arguments comes REPEATS times or more in a trace, else 0."""

    name = "loop_detection"
    level = "trace"
    needs = ("tools",)
    model = ""
    probability = 1.0
    on_demand = True
    version = version_of({"repeats": REPEATS, "revision": 1})

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return [self._one(sample) for sample in samples]

    def _one(self, sample: Sample) -> Result:
        (name, given), most = Counter(key(call) for call in sample.tools).most_common(1)[0]
        if most < REPEATS:
            return scored(0.0)
        return scored(1.0, f"{most} times {name} {given}"[:300])


@register("evaluator", "loop_detection")
def loop_detection(resources: Resources) -> LoopDetection:
    """Counting calls needs no resources."""
    return LoopDetection()
