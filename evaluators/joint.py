"""Several evaluators that show one sample to one judge: asked in one call, so that a judge that
shares what prompts begin with reads the sample once.

What may join is a property of each evaluator (its prompt puts the sample first), fixed in its
version: a verdict is the same whether others are asked beside it or not.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol, TypeGuard

from evaluators.base import Evaluator, Result, judge, missing, unscored
from evaluators.judges.backend import Backend
from evaluators.judges.question import Question
from schemas.models import Sample

log = logging.getLogger(__name__)


class Joining(Evaluator, Protocol):
    """An evaluator whose verdict on a sample is a judge's reply to one question about it."""

    backend: Backend
    sample_first: bool

    def question(self, sample: Sample) -> Question: ...


def joins(evaluator: Evaluator) -> TypeGuard[Joining]:
    """Whether it may be asked together with others of its judge."""
    return bool(getattr(evaluator, "sample_first", False))


def salt(evaluator: Evaluator) -> str:
    """What the draw is salted with: the evaluator's name, so that evaluators draw independently;
    of those that join, what they have in common, so that they draw the same samples."""
    return f"sample first/{evaluator.backend.name}" if joins(evaluator) else evaluator.name


def judged(asked: Sequence[tuple[Evaluator, Sequence[Sample]]]) -> list[list[Result]]:
    """What `base.judge` gives for each (evaluator, its samples), in order. Those that join and have
    one judge are asked in one call, the questions about a sample side by side."""
    made: list[list[Result] | None] = [None] * len(asked)
    by_judge: dict[int, list[tuple[int, Joining]]] = {}
    for place, (evaluator, _) in enumerate(asked):
        if joins(evaluator):
            by_judge.setdefault(id(evaluator.backend), []).append((place, evaluator))
    for several in by_judge.values():
        if len(several) < 2:
            continue
        try:
            found = _together([(evaluator, asked[place][1]) for place, evaluator in several])
        except Exception:
            # Each by itself then: only the one that fails has errors to show.
            log.exception("%d evaluators could not be asked together", len(several))
            continue
        for (place, _), results in zip(several, found, strict=True):
            made[place] = results
    return [
        judge(*asked[place]) if results is None else results for place, results in enumerate(made)
    ]


def _together(asked: Sequence[tuple[Joining, Sequence[Sample]]]) -> list[list[Result]]:
    order: dict[str, int] = {}
    made = [[unscored(missing(one, each.needs)) for one in samples] for each, samples in asked]
    due: list[tuple[int, int, int, Question]] = []
    for place, (evaluator, samples) in enumerate(asked):
        for number, sample in enumerate(samples):
            if not made[place][number].reason:
                key = "\0".join((sample.trace_id, sample.span_id, sample.session_id))
                at = order.setdefault(key, len(order))
                due.append((at, place, number, evaluator.question(sample)))
    due.sort(key=lambda each: each[:3])
    told = asked[0][0].backend.ask([question for *_, question in due]) if due else []
    for (_, place, number, _), result in zip(due, told, strict=True):
        made[place][number] = result
    return made
