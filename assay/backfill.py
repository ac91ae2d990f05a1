"""`assay backfill`: an evaluator, or its new version, over what is stored already.

A row per item is all the state there is: a run that was cut off goes on where it was, and several
may run at once without harm. An item that was drawn with a lower probability before is judged
again: kept under its old weight it would count too much beside what is added now.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from tqdm import tqdm

from assay.exporting import ExportError, moment
from evaluators.base import Evaluator, Resources
from evaluators.defined import ASKING, Defined
from evaluators.embedding import Embedder
from evaluators.judges.backends import Backends
from evaluators.plan import Assignment
from evaluators.worker import Desk, work_off
from schemas import clickhouse, control
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.evaluation import EvaluationPolicy
from schemas.queries import backfill, evaluation
from schemas.registry import load
from schemas.settings import Settings


class BackfillError(ValueError):
    """It cannot be done as asked; the message says why."""


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """The exit code: 0 done, 1 it could not be."""
    now = datetime.now(UTC)
    try:
        if not 0 < arguments.sample <= 1:
            raise BackfillError("--sample takes a number over 0, at most 1")
        start = moment(arguments.since, now)
        end = moment(arguments.until, now) if arguments.until else int(now.timestamp() * 1e9)
        store = clickhouse.connect(settings)
        evaluator = find(store, arguments.evaluator)
        made = assigned(evaluator, arguments.level or evaluator.level, arguments.sample)
        desk = Desk()
        level, kinds = made.level, made.kinds
        total = backfill.count(store, arguments.project, start, end, level, kinds)
        with tqdm(total=total, unit="item", desc=evaluator.name, file=sys.stderr) as bar:
            done = fill(store, arguments.project, made, desk, start, end, bar.update)
        store.close()
    except (BackfillError, ExportError, ControlError, Retryable, Permanent, OSError) as error:
        print(f"assay backfill: {error}", file=sys.stderr)
        return 1
    counts: dict[str, int] = {}
    for line in desk.tally.state()["lines"]:
        for status, n in line["items"].items():
            counts[status] = counts.get(status, 0) + n
    said = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
    print(f"{evaluator.name} {made.version}: {total} {level}s, {total - done} had a score"
          + (f"; {said}" if said else ""))  # fmt: skip
    return 0


def find(store: Store, name: str) -> Evaluator:
    """The evaluator as the control state in force makes it. Raises BackfillError."""
    factories = load("evaluator", "evaluators.metrics")
    state = control.read(store)
    defined = Defined(Backends(os.environ), set(factories) - set(ASKING), (embedder := Embedder()))
    own = {each.name: each for each in defined(state)}
    if why := defined.why_not(name):
        raise BackfillError(f"{name} cannot run here: {why}")
    if name in own:
        return own[name]
    if name not in factories:
        there = ", ".join(sorted({*factories, *own}))
        raise BackfillError(f"no evaluator is named {name!r}; there are: {there}")
    made: Evaluator | None = factories[name](Resources(embedder))
    if made is None:
        raise BackfillError(f"{name} cannot run here: its model is not installed")
    return made


def assigned(evaluator: Evaluator, level: str, sample: float) -> Assignment:
    """All traffic by one rule, whose name says what was asked."""
    rule = EvaluationPolicy((evaluator.name,), sample=sample)
    return Assignment(evaluator, level, 0, sample, ((f"backfill {sample:g}", rule),))


def fill(
    store: Store, project: str, made: Assignment, desk: Desk, start_ns: int, end_ns: int,
    progress: Callable[[int], object] = lambda _: None,
) -> int:  # fmt: skip
    """Score what lacks it, oldest first; how many items were worked off."""
    ((rule, policy),) = made.rules
    share, done = policy.sample or 1.0, 0
    size = min(512, made.size())
    for begin, end in backfill.slices(store, project, start_ns, end_ns):
        every = backfill.items(store, project, begin, end, made.level, made.kinds)
        had = backfill.scored(
            store, project, made.name, made.version, begin, end, rule, share, made.level
        )
        todo = [replace(item, rules=(0,)) for item in every if item.key not in had]
        progress(len(every) - len(todo))
        for first in range(0, len(todo), size):
            part = todo[first : first + size]
            work_off(store, project, made, desk, part, 1.0, evaluation.now_ms(store), None)
            progress(len(part))
            done += len(part)
    return done
