"""`assay canary`: put a set of rows, score it now, show what its runs say."""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.backfill import BackfillError, find
from assay.label import BAD, GOOD
from evaluators.canary import run as score
from evaluators.canary import sentence
from evaluators.reading import sample
from schemas import clickhouse, control
from schemas.canaries import CanaryPolicy, CanaryRow
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.estimates.shift import FEWEST
from schemas.queries import canary, evaluation
from schemas.settings import Settings

MOST = 1000  # rows of a set
LISTED = 20  # runs shown, the last ones


class CanaryError(ValueError):
    """It cannot be done as asked; the message says why."""


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """The exit code: 0, 1 where it could not be done or the last run is not good."""
    try:
        store = clickhouse.connect(settings)
        if arguments.action != "show" and not arguments.evaluator:
            raise CanaryError(f"which evaluator? assay canary {arguments.action} EVALUATOR")
        if arguments.action == "put":
            return _put(store, arguments.evaluator, arguments.file)
        if arguments.action == "run":
            return _run(store, arguments.evaluator, arguments.repeats)
        for name in [arguments.evaluator] if arguments.evaluator else canary.evaluators(store):
            _show(store, name)
    except (CanaryError, BackfillError, ControlError, Retryable, Permanent, OSError) as error:
        print(f"assay canary: {error}", file=sys.stderr)
        return 1
    return 0


def rows_of(text: str, evaluator: str, now_ms: int) -> list[CanaryRow]:
    """A set from JSON lines as `assay eval` reads them, `label` as what people say. Raises
    CanaryError."""
    set_id, made = uuid.uuid4().hex, {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("not a JSON object")
            sample(row, number)
        except ValueError as error:
            raise CanaryError(f"line {number}: {error}") from None
        item = hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:16]
        made[item] = CanaryRow(evaluator, set_id, item, json.dumps(row), _label(row), now_ms)
    if not 1 <= len(made) <= MOST:
        raise CanaryError(f"a set has 1 to {MOST} different rows, not {len(made)}")
    return list(made.values())


def _label(row: dict[str, Any]) -> float:
    given = row.get("label")
    word = str(given).strip().casefold()
    if word in GOOD or word in BAD:
        return float(word in GOOD)
    number = isinstance(given, int | float) and not isinstance(given, bool)
    return float(str(given)) if number and 0 <= float(str(given)) <= 1 else math.nan


def _put(store: Store, evaluator: str, path: str) -> int:
    if not path:
        raise CanaryError("which file? assay canary put EVALUATOR ROWS.JSONL")
    find(store, [evaluator])
    text = sys.stdin.read() if path == "-" else Path(path).read_text("utf-8")
    rows = rows_of(text, evaluator, evaluation.now_ms(store))
    canary.put(store, rows)
    print(f"{len(rows)} rows, {sum(not math.isnan(row.label) for row in rows)} with a label; the"
          f" first {FEWEST} runs say how far {evaluator} varies by itself")  # fmt: skip
    return 0


def _run(store: Store, name: str, repeats: int) -> int:
    (evaluator,) = find(store, [name])
    policy = control.read(store).canaries.get(name, CanaryPolicy())
    verdict = ""
    for _ in range(max(1, repeats)):
        found = score(store, evaluator, policy)
        if found is None:
            raise CanaryError(f"{name} has no set; assay canary put {name} ROWS.JSONL")
        verdict = found.verdict
        print(f"{name} {evaluator.version}: {verdict}: {sentence(found)}")
    return 0 if verdict in {"null", "good", "changed"} else 1


def _show(store: Store, name: str) -> None:
    rows = canary.current(store, name)
    print(f"{name}: {len(rows)} rows" if rows else f"{name} has no set")
    past = canary.runs(store, name)
    for row in past[-LISTED:]:
        at = datetime.fromtimestamp(int(row["ran_ms"]) / 1000, UTC)
        line = f"  {at:%Y-%m-%d %H:%M} {row['evaluator_version']} {row['verdict']:8}"
        line += f" mean {row['mean']:.3f}, errors {row['errors']}"
        if not math.isnan(row["shift"]):
            line += (f", shift {row['shift']:+.4f} (99%: {row['low']:+.4f} to {row['high']:+.4f}),"
                     f" smallest detectable {row['detectable']:.4f}")  # fmt: skip
        print(f"{line} {', '.join(json.loads(row['models']))}")
    for version in dict.fromkeys(row["evaluator_version"] for row in past):
        if since := canary.doubtful_since(store, name, version):
            at = datetime.fromtimestamp(since / 1000, UTC)
            print(f"  scores of {version} since {at:%Y-%m-%d %H:%M} UTC are in doubt")
