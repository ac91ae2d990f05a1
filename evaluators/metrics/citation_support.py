"""Citation support: does each passage that the answer cites as [n] support its sentence?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from evaluators.base import Resources, Result, scored, unscored
from evaluators.evidence import split
from evaluators.support import Claim, Support, support
from schemas.models import Sample
from schemas.registry import register

MOST = 60  # cited sentences of an answer that are read
_MARK = re.compile(r"\s*[\[【](?:\^|doc(?:ument)?\s*)?(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)[\]】]", re.I)
_LOOSE = re.compile(r"([.!?])((?:\s*[\[【][^\]】]{1,20}[\]】])+)")


def cited(answer: str) -> list[tuple[str, tuple[int, ...]]]:
    """(sentence without its marks, numbers that it cites from 1) of each sentence that cites.
    Marks after a full stop belong to the sentence before it."""
    found = []
    for sentence in split(_LOOSE.sub(r"\2\1", answer)):
        numbers = [int(n) for group in _MARK.findall(sentence) for n in re.findall(r"\d+", group)]
        text = " ".join(_MARK.sub("", sentence).split())
        if numbers and any(c.isalnum() for c in text):
            found.append((text, tuple(dict.fromkeys(numbers))))
    return found


def named(documents: Sequence[str], numbers: Sequence[int]) -> tuple[str, ...]:
    """The documents of these numbers, from 1; a number without one names nothing."""
    return tuple(documents[n - 1] for n in numbers if 1 <= n <= len(documents))


class CitationSupport:
    """The mean over cited sentences of the support that the cited passages give together. A mark
    without a passage of its number supports nothing. Sentences that cite nothing do not count;
    their number stands in the explanation."""

    name = "citation_support"
    level = "trace"
    needs = ("answer", "documents")
    model = ""
    probability = 1.0
    on_demand = True

    def __init__(self, asked: Support) -> None:
        self._support = asked
        self.version = asked.version(most=MOST, revision=1)

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        found = [cited(s.answer)[:MOST] for s in samples]
        verdicts = self._support.each(
            [
                [Claim(text, named(s.documents, numbers)) for text, numbers in marks]
                for s, marks in zip(samples, found, strict=True)
            ]
        )
        out = []
        for sample, marks, given in zip(samples, found, verdicts, strict=True):
            if not marks:
                out.append(unscored("no citation"))
                continue
            told = [(v, *mark) for v, mark in zip(given, marks, strict=True)]
            bad = [
                f'unsupported by {", ".join(map(str, numbers))}: "{text[:100]}"'
                for verdict, text, numbers in told
                if not verdict.supported
            ]
            plain = len(split(sample.answer)) - len(marks)
            note = [f"{len(marks)} sentences cite, {max(0, plain)} do not", *bad[:6]]
            mean = sum(verdict.value for verdict, _, _ in told) / len(told)
            out.append(scored(round(mean, 4), "; ".join(note)))
        return out


@register("evaluator", "citation_support")
def citation_support(resources: Resources) -> CitationSupport:
    """On groundedness' own model."""
    return CitationSupport(support(resources))
