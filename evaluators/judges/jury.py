"""Several judges as one: each is asked, and where they differ is kept.

A panel of unlike judges errs less than one of them alone where their errors are not the same
(arXiv 2404.18796); how far they differ says more about an item than their mean.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from evaluators.base import Result, Usage, failed, scored, unscored
from evaluators.judges.backend import Backend
from evaluators.judges.question import Question


class Jury:
    """The mean of its members' values. At least half of them must have scored an item; what
    became of each is in the explanation."""

    def __init__(self, name: str, members: Sequence[tuple[str, Backend]]) -> None:
        self.name = name
        self.members = list(members)
        self.model = " + ".join(backend.model for _, backend in members)
        self.per_call = min(backend.per_call for _, backend in members)

    @property
    def spec(self) -> Mapping[str, Any]:
        return {"jury": {name: dict(backend.spec) for name, backend in self.members}}

    def ask(self, questions: Sequence[Question]) -> list[Result]:
        """A result per question, in order; members are asked side by side."""
        with ThreadPoolExecutor(len(self.members)) as pool:
            given = list(pool.map(lambda each: _asked(each[1], questions), self.members))
        return [
            combined([(name, told[i]) for (name, _), told in zip(self.members, given, strict=True)])
            for i in range(len(questions))
        ]


def _asked(backend: Backend, questions: Sequence[Question]) -> list[Result]:
    """A member that breaks leaves the others their verdicts."""
    try:
        return backend.ask(questions)
    except Exception as error:
        return [failed(f"{type(error).__name__}: {error}"[:200])] * len(questions)


def combined(votes: Sequence[tuple[str, Result]]) -> Result:
    """One result of (member, result); agreement is that all are on one side of 0.5."""
    values = [vote.value for _, vote in votes if vote.status == "scored"]
    told = ", ".join(
        f"{name} {vote.value:.3f}"
        if vote.status == "scored"
        else f"{name} {vote.status}: {vote.reason}"
        for name, vote in votes
    )
    used = [vote.usage for _, vote in votes if vote.usage is not None]
    usage = sum(used, Usage()) if used else None
    if not values or len(values) * 2 < len(votes):
        lost = [vote for _, vote in votes if vote.status != "scored"]
        same = all(vote.status == "unscored" for vote in lost) and not values
        result = unscored(lost[0].reason) if same else failed(f"no_quorum: {told}"[:300])
        return Result(result.status, result.value, result.reason, "", "", usage)
    sides = {value >= 0.5 for value in values}
    said = "agree" if len(sides) == 1 else "disagree"
    spread = max(values) - min(values)
    found = scored(round(statistics.fmean(values), 4), f"{said}, spread {spread:.3f}: {told}")
    return Result(found.status, found.value, "", found.explanation, "", usage)
