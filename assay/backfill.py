"""`assay backfill`: an evaluator, or its new version, over what is stored already.

A row per item is all the state there is: a run that was cut off goes on where it was, and several
may run at once without harm. An item that was drawn with a lower probability before is judged
again: kept under its old weight it would count too much beside what is added now.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tqdm import tqdm

from assay.exporting import ExportError, moment
from evaluators.base import Evaluator, Resources
from evaluators.defined import ASKING, Defined
from evaluators.embedding import Embedder
from evaluators.judges.backends import Backends
from evaluators.plan import Assignment, bundles
from evaluators.worker import Batch, Desk, work_off
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
        made = [
            assigned(each, arguments.level or each.level, arguments.sample)
            for each in find(store, arguments.evaluator.split(","))
        ]
        desk, totals, done = Desk(), dict[str, int](), dict[str, int]()
        for bundle in bundles(made):
            level, kinds = bundle[0].level, bundle[0].kinds
            total = backfill.count(store, arguments.project, start, end, level, kinds)
            totals |= {each.name: total for each in bundle}
            names = ", ".join(each.name for each in bundle)
            whole = total * len(bundle)
            with tqdm(total=whole, unit="item", desc=names, file=sys.stderr) as bar:
                done |= fill(store, arguments.project, bundle, desk, start, end, bar.update)
        store.close()
    except (BackfillError, ExportError, ControlError, Retryable, Permanent, OSError) as error:
        print(f"assay backfill: {error}", file=sys.stderr)
        return 1
    counts = {line["evaluator"]: line["items"] for line in desk.tally.state()["lines"]}
    for each in made:
        total, left = totals[each.name], done[each.name]
        became = sorted(counts.get(each.name, {}).items())
        said = ", ".join(f"{n} {status}" for status, n in became)
        print(f"{each.name} {each.version}: {total} {each.level}s, {total - left} had a score"
              + (f"; {said}" if said else ""))  # fmt: skip
    return 0


def find(store: Store, names: Sequence[str]) -> list[Evaluator]:
    """The evaluators as the control state in force makes them. Raises BackfillError."""
    factories = load("evaluator", "evaluators.metrics")
    state = control.read(store)
    defined = Defined(Backends(os.environ), set(factories) - set(ASKING), (embedder := Embedder()))
    own = {each.name: each for each in defined(state)}
    found: list[Evaluator] = []
    for name in dict.fromkeys(names):
        if why := defined.why_not(name):
            raise BackfillError(f"{name} cannot run here: {why}")
        if name not in {*own, *factories}:
            there = ", ".join(sorted({*factories, *own}))
            raise BackfillError(f"no evaluator is named {name!r}; there are: {there}")
        made = own[name] if name in own else factories[name](Resources(embedder))
        if made is None:
            raise BackfillError(f"{name} cannot run here: its model is not installed")
        found.append(made)
    return found


def assigned(evaluator: Evaluator, level: str, sample: float) -> Assignment:
    """All traffic by one rule, whose name says what was asked."""
    rule = EvaluationPolicy((evaluator.name,), sample=sample)
    return Assignment(evaluator, level, 0, sample, ((f"backfill {sample:g}", rule),))


def fill(
    store: Store, project: str, bundle: Sequence[Assignment], desk: Desk, start_ns: int,
    end_ns: int, progress: Callable[[int], object] = lambda _: None,
) -> dict[str, int]:  # fmt: skip
    """Score what lacks it, oldest first; how many items were worked off for each of a bundle."""
    done = {each.name: 0 for each in bundle}
    size = min(512, *(each.size(among=len(bundle)) for each in bundle))
    level, kinds = bundle[0].level, bundle[0].kinds
    for begin, end in backfill.slices(store, project, start_ns, end_ns):
        every = backfill.items(store, project, begin, end, level, kinds)
        had = [_had(store, project, each, begin, end) for each in bundle]
        todo = [item for item in every if any(item.key not in keys for keys in had)]
        progress((len(every) - len(todo)) * len(bundle))
        for first in range(0, len(todo), size):
            part = [replace(item, rules=(0,)) for item in todo[first : first + size]]
            now_ms = evaluation.now_ms(store)
            due = [
                Batch(each, [item for item in part if item.key not in keys], 1.0, now_ms)
                for each, keys in zip(bundle, had, strict=True)
            ]
            work_off(store, project, [batch for batch in due if batch.items], desk)
            progress(len(part) * len(bundle))
            for batch in due:
                done[batch.assignment.name] += len(batch.items)
    return done


def _had(store: Store, project: str, made: Assignment, begin: int, end: int) -> Collection[str]:
    """The items of a time that need no score."""
    ((rule, policy),) = made.rules
    return backfill.scored(
        store, project, made.name, made.version, begin, end, rule, policy.sample or 1.0, made.level
    )
