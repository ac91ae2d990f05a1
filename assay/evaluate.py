"""`assay eval`: any evaluator over a file of rows, without store, network or key; a rubric of
assay.yaml asks the judge that it names.

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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import IO, Any

from tqdm import tqdm

from assay.control import load as documents
from evaluators.base import Evaluator, Resources, Result, Usage, failed, judge
from evaluators.defined import ASKING, Defined
from evaluators.embedding import Embedder
from evaluators.gate import Gate, decide
from evaluators.judges.backends import Backends
from evaluators.metrics.pairwise import Pairwise
from evaluators.rubrics import Rubric
from schemas import control
from schemas.control import ControlError
from schemas.models import Sample, ToolCall
from schemas.registry import load
from schemas.settings import Settings

CHUNK = 64  # rows; what was judged is written before the next are read
LABELS = ("no", "yes")  # below 0.5, and from there, where an evaluator names none
CANNOT_RUN = 3
_TEXTS = ("question", "answer", "claim", "reference", "answer_a", "answer_b")
_OURS = ("score", "label", "status", "reason", "explanation", "evaluator", "evaluator_version")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Exit status: 0 passed or no gate, 1 failed, 2 inconclusive, 3 the run could not be made."""
    factories = load("evaluator", "evaluators.metrics")
    try:
        state = control.state(documents(settings) or {})
    except (ControlError, OSError) as error:
        return _refuse(str(error))
    defined = Defined(Backends(os.environ), set(factories) - set(ASKING))
    own = {evaluator.name: evaluator for evaluator in defined(state)}
    if arguments.list:
        return _list(factories, own)
    names = ", ".join([*factories, *sorted(set(own) - set(factories))])
    if why := defined.why_not(arguments.evaluator):
        return _refuse(f"{arguments.evaluator} cannot run here: {why}")
    if arguments.evaluator not in {*factories, *own}:
        said = f"no evaluator is named {arguments.evaluator!r}" if arguments.evaluator else "which?"
        return _refuse(f"{said}; there are: {names}")
    threshold = arguments.fail_under
    if threshold is not None and not 0 <= threshold <= 1:
        return _refuse("--fail-under takes a number from 0 to 1")
    if arguments.input == arguments.output != "-":
        return _refuse("--output would overwrite --input")
    evaluator: Evaluator | None = own.get(arguments.evaluator)
    if evaluator is None:
        evaluator = factories[arguments.evaluator](Resources(Embedder()))
    if evaluator is None:
        return _refuse(f"{arguments.evaluator} cannot run here: its model is not installed")
    if arguments.prior:
        return _prior(evaluator, arguments.input)
    gate, used = Gate(), Usage()
    try:
        with ExitStack() as held:
            total = _count(arguments.input)
            source = _open(held, arguments.input, "rb", sys.stdin.buffer)
            target = _open(held, arguments.output, "wb", sys.stdout.buffer)
            bar = held.enter_context(
                tqdm(total=total, unit="row", desc=evaluator.name, file=sys.stderr)
            )
            for lines in _chunks(source):
                for row, result in _judged(evaluator, lines):
                    target.write(_written(row, result, evaluator))
                    gate.add(result, str(row.get("group") or row.get("session_id") or ""))
                    used += result.usage or Usage()
                    bar.update()
                target.flush()
    except BrokenPipeError:
        sys.stderr.close()  # the reader of stdout has gone: there is nobody to write to
        return CANNOT_RUN
    except OSError as error:
        return _refuse(f"{error.filename or 'the output'}: {error.strerror or error}")
    print(gate.summary(evaluator.name, evaluator.version), file=sys.stderr)
    if used.requests:
        print(_bill(used), file=sys.stderr)
    if threshold is None:
        return 0
    verdict, why = decide(gate, threshold)
    print(why, file=sys.stderr)
    return verdict


def _prior(evaluator: Evaluator, path: str) -> int:
    """Print the judge's mean probability of each label over the rows, as a line for assay.yaml."""
    leanings = getattr(getattr(evaluator, "backend", None), "leanings", None)
    if not isinstance(evaluator, Rubric) or leanings is None:
        return _refuse("--prior takes a rubric whose judge is a local model")
    try:
        with ExitStack() as held:
            source = _open(held, path, "rb", sys.stdin.buffer)
            asked = [
                evaluator.question(sample(json.loads(line), number))
                for lines in _chunks(source)
                for number, line in lines
            ]
    except (OSError, ValueError, AttributeError) as error:
        return _refuse(f"{path}: {error}")
    found = [each for each in leanings(asked) if each is not None]
    if not found:
        return _refuse("no row brought any label")
    means = [sum(column) / len(found) for column in zip(*found, strict=True)]
    told = ", ".join(f"{n}: {m:.4f}" for n, m in zip(asked[0].names, means, strict=True))
    print(f"prior: {{{told}}}  # over {len(found)} rows")
    return 0


def sample(row: Mapping[str, Any], number: int) -> Sample:
    """A row as evaluators see it. Raises ValueError with a sentence that names the field."""
    texts = {name: _text(row, name) for name in _TEXTS}
    answer = texts["answer"] or texts["claim"] or texts["answer_a"]
    context = row.get("context", row.get("documents", row.get("contexts")))
    if context is None:
        context = []
    if isinstance(context, str):
        context = [context]
    if not isinstance(context, list) or not all(isinstance(part, str) for part in context):
        raise ValueError("context is neither a text nor a list of texts")
    return Sample("", f"row-{number}", "", "", 0, texts["question"], answer, tuple(context),
                  reference=texts["reference"], rival=texts["answer_b"],
                  tools=_tools(row.get("tools")))  # fmt: skip


def _tools(given: Any) -> tuple[ToolCall, ...]:
    """Calls as [{"name": ..., "arguments": a text or JSON, "failed": false}]."""
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(call, dict) for call in given):
        raise ValueError("tools is not a list of objects")
    made = []
    for call in given:
        said = call.get("arguments", "")
        text = said if isinstance(said, str) else json.dumps(said)
        made.append(ToolCall(str(call.get("name", "")), text, call.get("failed") is True))
    return tuple(made)


def _bill(used: Usage) -> str:
    """What judges took, in one line."""
    tokens = f"{used.input_tokens} tokens in, {used.output_tokens} out"
    cost = f"{used.unpriced} answers without a price" if used.unpriced else f"${used.cost_usd:.4f}"
    return f"{used.requests} requests ({used.retries} retries), {tokens}, {cost}"


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")
    return value


def _count(path: str) -> int | None:
    if path == "-":
        return None
    with open(path, "rb") as file:
        return sum(bool(line.strip()) for line in file)


def _open(held: ExitStack, path: str, mode: str, standard: IO[bytes]) -> IO[bytes]:
    return standard if path == "-" else held.enter_context(open(path, mode))


def _chunks(source: IO[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Numbered lines, CHUNK at a time; empty lines are no rows."""
    held: list[tuple[int, bytes]] = []
    for number, line in enumerate(source, 1):
        if line.strip():
            held.append((number, line))
        if len(held) == CHUNK:
            yield held
            held = []
    if held:
        yield held


def _judged(
    evaluator: Evaluator, lines: Sequence[tuple[int, bytes]]
) -> list[tuple[dict[str, Any], Result]]:
    """The rows of the lines with their results, in order."""
    rows: list[dict[str, Any]] = []
    results: list[Result | None] = []
    samples: list[Sample] = []
    for number, line in lines:
        row: Any = {"line": number}
        result = None
        try:
            row = json.loads(line.decode("utf-8-sig"))
            if not isinstance(row, dict):
                row = {"line": number}
                raise ValueError("not a JSON object")
            samples.append(sample(row, number))
        except UnicodeDecodeError:
            result = failed("not UTF-8")
        except json.JSONDecodeError as error:
            result = failed(f"not JSON: {error.msg} at character {error.pos}")
        except (ValueError, RecursionError) as error:
            result = failed(str(error))
        rows.append(row)
        results.append(result)
    made = iter(_careful(evaluator, samples))
    return [(row, next(made) if r is None else r) for row, r in zip(rows, results, strict=True)]


def _careful(evaluator: Evaluator, samples: list[Sample]) -> list[Result]:
    """All at once; one by one where that failed, so that one bad row costs no other. A judge fails
    row by row as it is, and asking again would cost again."""
    made = judge(evaluator, samples, 1.0)
    if hasattr(evaluator, "judge"):
        return made
    if len(samples) > 1 and any(result.status == "error" for result in made):
        made = [judge(evaluator, [one], 1.0)[0] for one in samples]
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
    for name, evaluator in {**made, **own}.items():
        if evaluator is None:
            print(f"{name:20} cannot run here: its model is not installed")
            continue
        print(f"{name:20} needs {', '.join(evaluator.needs):30} version {evaluator.version}")
    return 0


def _refuse(sentence: str) -> int:
    print(f"assay eval: {sentence}", file=sys.stderr)
    return CANNOT_RUN
