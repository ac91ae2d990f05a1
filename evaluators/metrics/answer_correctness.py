"""Answer correctness: do the words of a reference stand in the answer? No model is asked."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from evaluators.base import Resources, Result, scored, version_of
from schemas.models import Sample
from schemas.registry import register

_WORD = re.compile(r"\w+")
SKIPPED = frozenset({"a", "an", "the"})  # as SQuAD's scorer does (arXiv 1606.05250)
SPEC = {"measure": "recall", "skipped": sorted(SKIPPED), "folded": "NFKD, case", "revision": 1}


def tokens(text: str) -> list[str]:
    """Words without case, accents and articles."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    words = _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))
    return [word for word in words if word not in SKIPPED] or words


def compare(answer: str, reference: str) -> tuple[float, float, bool]:
    """(recall, F1, exact) of the reference's tokens in the answer."""
    given, wanted = tokens(answer), tokens(reference)
    common = sum((Counter(given) & Counter(wanted)).values())
    if not common:
        return 0.0, 0.0, given == wanted
    recall, precision = common / len(wanted), common / len(given)
    return recall, 2 * recall * precision / (recall + precision), given == wanted


class AnswerCorrectness:
    """Share of the reference's tokens that the answer holds: a long answer may say more, and is
    not punished for it as F1 would. F1 and equality stand in the explanation."""

    name = "answer_correctness"
    level = "trace"
    needs = ("answer", "reference")
    model = ""
    probability = 1.0
    on_demand = True  # a trace has no reference
    version = version_of(SPEC)

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return [self._one(sample) for sample in samples]

    def _one(self, sample: Sample) -> Result:
        recall, f1, exact = compare(sample.answer, sample.reference)
        return scored(round(recall, 4), f"F1 {f1:.3f}" + (", exact" if exact else ""))


@register("evaluator", "answer_correctness")
def answer_correctness(resources: Resources) -> AnswerCorrectness:
    """Counting words needs no resources."""
    return AnswerCorrectness()
