"""`assay eval`: evaluators over a file of rows, without store, network or key, or over what a
project stores (`--project`); a rubric of assay.yaml asks the judge that it names.

A row is a JSON object per line: question, context (a text or a list of texts), answer or claim;
for `pairwise` answer_a and answer_b.
Every row comes back in order, its own fields first. A row that cannot be judged says why, and the
run goes on. The gate (`--fail-under`) looks at the bounds of an interval, never at the mean.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import IO, Any

from tqdm import tqdm

from assay.chosen import chosen
from assay.control import load as documents
from assay.exporting import ExportError, moment
from assay.priors import prior
from assay.rows import Row, Source, of_dataset, of_file, of_project
from evaluators import joint, ready
from evaluators.base import Evaluator, Resources, Result, Usage, judge
from evaluators.defined import ASKING, Defined
from evaluators.embedding import Embedder
from evaluators.gate import Gate, decide
from evaluators.judges.backends import Backends
from evaluators.metrics.pairwise import Pairwise
from evaluators.plan import whole
from evaluators.rubrics import Rubric
from schemas import clickhouse, control
from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.models import Sample
from schemas.registry import load
from schemas.settings import Settings

LABELS = ("no", "yes")  # below 0.5, and from there, where an evaluator names none
CANNOT_RUN = 3
_OURS = ("score", "label", "status", "reason", "explanation", "evaluator", "evaluator_version")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Exit status: 0 passed or no gate, 1 failed, 2 inconclusive, 3 the run could not be made."""
    factories: Mapping[str, Any] = load("evaluator", "evaluators.metrics")
    try:
        state = control.state(documents(settings) or {})
    except (ControlError, OSError) as error:
        return _refuse(str(error))
    embedder = Embedder()
    try:
        state, factories, wanted = chosen(state, arguments, factories)
    except ValueError as error:
        return _refuse(str(error))
    defined = Defined(Backends(os.environ), set(factories) - set(ASKING), embedder)
    own = {evaluator.name: evaluator for evaluator in defined(state)}
    if arguments.list:
        return _list(factories, own)
    names = ", ".join([*factories, *sorted({*own, *ready.names()} - set(factories))])
    for name in wanted:
        if why := defined.why_not(name):
            return _refuse(f"{name} cannot run here: {why}")
        if name not in {*factories, *own}:
            said = f"no evaluator is named {name!r}" if name else "which?"
            return _refuse(f"{said}; there are: {names}")
    threshold = arguments.fail_under
    if threshold is not None and not 0 <= threshold <= 1:
        return _refuse("--fail-under takes a number from 0 to 1")
    if arguments.input == arguments.output != "-":
        return _refuse("--output would overwrite --input")
    evaluators: list[Evaluator] = []
    for name in wanted:
        made = own[name] if name in own else factories[name](Resources(embedder))
        if made is None:
            return _refuse(f"{name} cannot run here: its model is not installed")
        evaluators.append(made)
    if arguments.prior:
        try:
            for each in evaluators:
                print(prior(each, arguments.input))
        except (OSError, ValueError) as error:
            return _refuse(str(error))
        return 0
    if arguments.project and len({whole(each, 0).sees for each in evaluators}) > 1:
        return _refuse("these evaluators look at different things: ask each by itself")
    gates, used = [Gate() for _ in evaluators], Usage()
    try:
        with ExitStack() as held:
            source = _source(held, settings, arguments, evaluators)
            target = _open(held, arguments.output, "wb", sys.stdout.buffer)
            titles = ", ".join(each.name for each in evaluators)
            bar = held.enter_context(
                tqdm(total=source.total, unit="row", desc=titles, file=sys.stderr)
            )
            for chunk in source.chunks:
                for row, results in _judged(evaluators, chunk):
                    for each, gate, result in zip(evaluators, gates, results, strict=True):
                        target.write(_written(row, result, each))
                        gate.add(result, str(row.get("group") or row.get("session_id") or ""))
                        used += result.usage or Usage()
                    bar.update()
                target.flush()
    except BrokenPipeError:
        sys.stderr.close()  # the reader of stdout has gone: there is nobody to write to
        return CANNOT_RUN
    except (ExportError, ControlError, Retryable, Permanent) as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename or 'the output'}: {error.strerror or error}")
    for each, gate in zip(evaluators, gates, strict=True):
        print(gate.summary(each.name, each.version), file=sys.stderr)
    if used.requests:
        print(_bill(used), file=sys.stderr)
    if threshold is None:
        return 0
    found = [decide(gate, threshold) for gate in gates]
    for each, (_, why) in zip(evaluators, found, strict=True):
        print(f"{each.name}: {why}" if len(found) > 1 else why, file=sys.stderr)
    # One that failed fails all; without one, one that is inconclusive leaves all so.
    return next((status for status in (1, 2) if status in {each for each, _ in found}), 0)


def _source(
    held: ExitStack, settings: Settings, arguments: argparse.Namespace,
    evaluators: Sequence[Evaluator],
) -> Source:  # fmt: skip
    """A file, a data set of a project, or what it stores of a time. Raises OSError, ExportError,
    ControlError, Retryable, Permanent."""
    if arguments.dataset and not arguments.project:
        raise ControlError("--dataset needs --project")
    if not arguments.project:
        file = _open(held, arguments.input, "rb", sys.stdin.buffer)
        return of_file(arguments.input, file)
    now = datetime.now(UTC)
    start = moment(arguments.since, now)
    end = moment(arguments.until, now) if arguments.until else int(now.timestamp() * 1e9)
    store = clickhouse.connect(settings)
    held.callback(store.close)
    if arguments.dataset:
        return of_dataset(store, arguments.project, arguments.dataset)
    # Of several one that looks at tools, if any does, so that they are read for all.
    widest = max(evaluators, key=lambda each: "tools" in each.needs)
    return of_project(store, arguments.project, whole(widest, 0), start, end)


def _bill(used: Usage) -> str:
    """What judges took, in one line."""
    tokens = f"{used.input_tokens} tokens in, {used.output_tokens} out"
    cost = f"{used.unpriced} answers without a price" if used.unpriced else f"${used.cost_usd:.4f}"
    return f"{used.requests} requests ({used.retries} retries), {tokens}, {cost}"


def _open(held: ExitStack, path: str, mode: str, standard: IO[bytes]) -> IO[bytes]:
    return standard if path == "-" else held.enter_context(open(path, mode))


def _judged(
    evaluators: Sequence[Evaluator], rows: Sequence[Row]
) -> list[tuple[dict[str, Any], list[Result]]]:
    """The rows with the result of each evaluator, in order; those that join are asked as one."""
    samples = [seen for _, seen in rows if isinstance(seen, Sample)]
    told = joint.judged([(each, samples) for each in evaluators])
    made = zip(*map(partial(_careful, samples), evaluators, told), strict=True)
    return [
        (row, list(next(made)) if isinstance(seen, Sample) else [seen] * len(evaluators))
        for row, seen in rows
    ]


def _careful(samples: list[Sample], evaluator: Evaluator, made: list[Result]) -> list[Result]:
    """Results of all at once, or one by one where that failed, so that one bad row costs no other.
    A judge fails row by row as it is, and asking again would cost again."""
    if hasattr(evaluator, "judge"):
        return made
    if len(samples) > 1 and any(result.status == "error" for result in made):
        made = [judge(evaluator, [one])[0] for one in samples]
    return made


def _written(row: Mapping[str, Any], result: Result, evaluator: Evaluator) -> bytes:
    """One line of output. A field of the row that has the name of one of ours becomes input_..."""
    known = result.status == "scored"
    ours = {
        "score": round(result.value, 6) if known else None,
        "label": _label(evaluator, result.value) if known else None,
        "status": result.status,
        "reason": result.reason,
        "explanation": result.explanation,
        "evaluator": evaluator.name,
        "evaluator_version": evaluator.version,
    }
    own = {f"input_{k}" if k in _OURS else k: _plain(v) for k, v in row.items()}
    line = json.dumps(own | ours, ensure_ascii=False) + "\n"
    return line.encode("utf-8", "backslashreplace")


def _label(evaluator: Evaluator, value: float) -> str:
    if isinstance(evaluator, Rubric | Pairwise):
        return evaluator.label(value)
    labels: tuple[str, str] = getattr(evaluator, "labels", LABELS)
    return labels[value >= 0.5]


def _plain(value: Any) -> Any:
    """Python reads NaN and infinity, JSON has no words for them."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _list(factories: Mapping[str, Any], own: Mapping[str, Evaluator]) -> int:
    """Every evaluator that can run here, with what it needs."""
    resources = Resources(Embedder())
    made = {name: factory(resources) for name, factory in factories.items()}
    for name in sorted(ready.names() - set(own)):
        print(f"{name:24} asks a judge (--judge; default: the judge `default`, else torch)")
    for name, evaluator in {**made, **own}.items():
        if evaluator is None:
            print(f"{name:24} cannot run here: its model is not installed")
            continue
        print(f"{name:24} needs {', '.join(evaluator.needs):30} version {evaluator.version}")
    return 0


def _refuse(sentence: str) -> int:
    print(f"assay eval: {sentence}", file=sys.stderr)
    return CANNOT_RUN
