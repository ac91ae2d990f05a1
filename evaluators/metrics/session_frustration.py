"""Session frustration: does a user repeat a question, or say that something is wrong?"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from evaluators.base import Resources, Result, TextEmbedder, scored, version_of
from schemas.models import Sample
from schemas.registry import register

AGAIN = 0.82  # cosine from which a turn asks again what an earlier one asked
TURNS = 60
SIGNS = (
    r"(?:that|this|it)(?:'s| is| was)? (?:still )?(?:not|isn't|wasn't) (?:what|right|correct|help|"
    r"work|true|answer)",
    r"(?:doesn't|does not|didn't|did not) (?:work|help|answer)",
    r"\bi (?:already|just) (?:said|told|asked|gave|explained|tried)",
    r"\bas i (?:said|told you)",
    r"\byou (?:don't|do not|didn't|did not|aren't|are not) (?:understand|listen|answer|help|read)",
    r"\b(?:frustrat|annoy|ridiculous|useless|terrible|horrible|unacceptable|disappoint|pathetic)",
    r"\b(?:speak|talk|connect|transfer)\w* (?:me )?(?:to|with) (?:a |an )?(?:\w+ )?"
    r"(?:human|person|agent|manager|supervisor|representative)",
    r"\b(?:wtf|ffs|for the (?:last|third|second) time|waste of (?:my )?time|give up|forget it)\b",
    r"\b(?:are you|is this) (?:kidding|a joke|serious)",
    r"[!?]{3,}",
)
_SIGN = re.compile("|".join(f"(?:{each})" for each in SIGNS), re.IGNORECASE)


class SessionFrustration:
    """The share of a user's turns that repeat an earlier one or hold a sign of anger. A turn
    is a block of the question between empty lines; a session's question has those of all its
    traces."""

    name = "session_frustration"
    level = "session"
    needs = ("question",)
    probability = 1.0
    on_demand = True

    def __init__(self, embedder: TextEmbedder) -> None:
        self._embedder = embedder
        self.model = embedder.name
        self.version = version_of(
            {"model": self.model, "again": AGAIN, "signs": SIGNS, "turns": TURNS, "revision": 1}
        )

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return [self._one(sample.question) for sample in samples]

    def _one(self, asked: str) -> Result:
        turns = [t.strip() for t in re.split(r"\n\s*\n|\n(?=user:)", asked, flags=re.I)]
        turns = [t for t in turns if t][:TURNS]
        vectors = self._embedder.embed(turns)
        near = np.round(vectors @ vectors.T, 4)
        told = []
        for i, turn in enumerate(turns):
            said = _SIGN.search(turn.replace("’", "'"))
            if said:
                told.append(f'turn {i + 1} says "{said[0][:60]}"')
            elif i and float(near[i, :i].max()) >= AGAIN and len(turn.split()) > 2:
                told.append(f"turn {i + 1} asks again")
        return scored(round(len(told) / len(turns), 4), "; ".join(told[:6]))


@register("evaluator", "session_frustration")
def session_frustration(resources: Resources) -> SessionFrustration:
    """Share the worker's embedder."""
    return SessionFrustration(resources.embedder)
