"""Refusal: did the application decline to answer? 1 = refused, by patterns over the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evaluators.base import Resources, Result, scored, version_of
from schemas.models import Sample
from schemas.registry import register

HEAD = 300  # characters: a refusal comes first; later text may quote one
_CANNOT = r"(?:can't|cannot|can not|unable|not able|won't|will not|don't|do not|couldn't)"
_DO = r"(?:help|assist|answer|provide|comply|fulfil|do that|discuss|share|support|create|generate)"
PATTERNS = (
    rf"\bi(?:'m| am) (?:\w+ )?(?:sorry|afraid)\b.{{0,80}}\b{_CANNOT}\b",
    rf"\bi (?:am )?{_CANNOT} (?:to )?(?:\w+ )?{_DO}",
    r"\bi(?:'m| am) (?:unable|not able|not allowed|not permitted) to\b",
    r"\bi (?:do not|don't) have (?:enough |any |the |that |sufficient )?"
    r"(?:information|knowledge|data|access)",
    r"\bi (?:do not|don't) know(?: the answer)?[.,!]",
    rf"\bas an ai\b.{{0,80}}\b{_CANNOT}\b",
    rf"\bunable to {_DO}",
    r"\b(?:request|question) (?:can ?not|can't) be (?:answered|fulfilled|completed)",
    r"\bagainst (?:my|our) (?:policy|policies|guidelines)\b",
    r"\bno (?:relevant )?(?:information|answer) (?:was |is )?(?:found|available)\b",
)


class Refusal:
    """1 where a refusal pattern stands in the first HEAD characters, else 0."""

    name = "refusal"
    level = "trace"
    needs = ("answer",)
    model = ""
    probability = 1.0

    def __init__(self) -> None:
        self.version = version_of({"patterns": PATTERNS, "head": HEAD})
        self._pattern = re.compile("|".join(PATTERNS), re.IGNORECASE | re.DOTALL)

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return [self._one(sample.answer) for sample in samples]

    def _one(self, answer: str) -> Result:
        found = self._pattern.search(answer[:HEAD].replace("’", "'"))
        return scored(1.0, f"matched: {found.group(0)}") if found else scored(0.0)


@register("evaluator", "refusal")
def refusal(resources: Resources) -> Refusal:
    """Rules need no resources."""
    return Refusal()
