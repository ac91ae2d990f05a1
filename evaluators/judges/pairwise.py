"""Which of two answers is better: asked in both orders, since judges lean to a place.

The log-odds of the two orders are averaged, which takes the lean out of the mean; where the orders
name different winners the answer is a tie (position bias: arXiv 2306.05685, section 3.4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluators.base import Result, Usage, scored
from evaluators.judges.backend import Backend
from evaluators.judges.question import Part, Question

SYSTEM = (
    "You compare two answers to the same request. The better one does what was asked, and is right."
    " Length and style do not count. Reply with one letter: A or B."
)
ASK = "Which answer is better? Reply A or B."
LABELS = (("A", 1.0), ("B", 0.0))
SPEC = {"system": SYSTEM, "ask": ASK, "labels": LABELS, "revision": 1}
EDGE = 1e-4  # values are kept to four digits


@dataclass(frozen=True, slots=True)
class Pair:
    """A request and two answers to it."""

    question: str
    first: str
    second: str


def asked(pair: Pair, swapped: bool) -> Question:
    """The question in one of the two orders."""
    one, two = (pair.second, pair.first) if swapped else (pair.first, pair.second)
    parts = (Part("request", pair.question), Part("answer A", one), Part("answer B", two))
    return Question(SYSTEM, parts, ASK, LABELS)


def prefer(backend: Backend, pairs: Sequence[Pair]) -> list[Result]:
    """The chance that the first answer is the better one, 0.5 for a tie. An order that brings no
    verdict is the result of its pair."""
    questions = [asked(pair, swapped) for pair in pairs for swapped in (False, True)]
    told = backend.ask(questions)
    return [settled(told[2 * i], told[2 * i + 1]) for i in range(len(pairs))]


def settled(straight: Result, swapped: Result) -> Result:
    """One result of the two orders."""
    used = [each.usage for each in (straight, swapped) if each.usage is not None]
    usage = sum(used, Usage()) if used else None
    for each in (straight, swapped):
        if each.status != "scored":
            return replace(each, usage=usage)
    odds = [_log_odds(straight.value), -_log_odds(swapped.value)]
    said = f"first wins {straight.value:.3f} in place A, {1 - swapped.value:.3f} in place B"
    if odds[0] * odds[1] <= 0:
        result = scored(0.5, f"tie, the orders differ: {said}")
    else:
        result = scored(round(1 / (1 + math.exp(-sum(odds) / 2)), 4), said)
    return replace(result, model=straight.model, usage=usage)


def _log_odds(value: float) -> float:
    value = min(1 - EDGE, max(EDGE, value))
    return math.log(value / (1 - value))
