"""`assay label`: what people say of traces, from a file of JSON lines into the store.

All lines are checked before any is stored: a file with a fault changes nothing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas import clickhouse, control
from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.models import LabelRow
from schemas.queries.labels import insert_labels
from schemas.settings import Settings

CONVENIENCE = "convenience"
SHOWN = 10  # faults printed
GOOD = ("yes", "pass", "true", "good", "correct", "supported")
BAD = ("no", "fail", "false", "bad", "incorrect", "unsupported")
_KNOWN = ("trace_id", "span_id", "evaluator", "label", "annotator", "sampling", "comment")


def run(settings: Settings, project: str, path: str) -> int:
    """Returns the exit code: 0 stored, 1 nothing was."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text("utf-8")
        store = clickhouse.connect(settings)
        rubrics = control.read(store).rubrics
        names = {name: dict(rubric.labels) for name, rubric in rubrics.items()}
        rows, faults = read(text.split("\n"), project, names, time.time_ns() // 10**6)
        for fault in faults[:SHOWN]:
            print(f"assay label: {fault}", file=sys.stderr)
        if faults or not rows:
            said = f"{len(faults)} lines cannot be used" if faults else "there is no label"
            print(f"assay label: {said}; nothing was stored", file=sys.stderr)
            return 1
        insert_labels(store, rows)
        store.close()
    except (OSError, UnicodeDecodeError, Retryable, Permanent, ControlError) as error:
        print(f"assay label: {error}", file=sys.stderr)
        return 1
    drawn = sum(row.chosen != CONVENIENCE for row in rows)
    print(f"{len(rows)} labels stored: {drawn} of a probability sample, {len(rows) - drawn} others")
    return 0


def read(
    lines: list[str], project: str, names: Mapping[str, Mapping[str, float]], now_ms: int
) -> tuple[list[LabelRow], list[str]]:
    """(rows, faults in words). `names`: what the labels of a rubric are worth, by evaluator."""
    rows, faults = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows.append(_row(json.loads(line), project, names, now_ms))
        except json.JSONDecodeError as error:
            faults.append(f"line {number}: not JSON: {error.msg}")
        except (ValueError, RecursionError) as error:
            faults.append(f"line {number}: {error}")
    return rows, faults


def _row(
    given: Any, project: str, names: Mapping[str, Mapping[str, float]], now_ms: int
) -> LabelRow:
    if not isinstance(given, dict):
        raise ValueError("not a JSON object")
    for name in given:
        if name not in _KNOWN:
            raise ValueError(f"{name} is not known; there are: {', '.join(_KNOWN)}")
    texts = {}
    for name in ("trace_id", "evaluator", "annotator", "span_id", "comment"):
        texts[name] = given.get(name, "")
        if not isinstance(texts[name], str) or (name in _KNOWN[:1] and not texts[name]):
            raise ValueError(f"{name} must be a text")
    for name in ("evaluator", "annotator"):
        if not texts[name]:
            raise ValueError(f"{name} must be a text")
    sampling = given.get("sampling")
    drawn = isinstance(sampling, int | float) and not isinstance(sampling, bool)
    if sampling != CONVENIENCE and not (drawn and 0 < float(str(sampling)) <= 1):
        raise ValueError(
            "sampling must be the probability with which the trace was drawn (over 0, at most 1),"
            f" or {CONVENIENCE!r} where it was not drawn by chance"
        )
    value = _value(given.get("label"), names.get(texts["evaluator"], {}))
    return LabelRow(
        project, texts["evaluator"], texts["trace_id"], texts["span_id"], texts["annotator"],
        value, str(given["label"]), "probability" if drawn else CONVENIENCE,
        float(str(sampling)) if drawn else 0.0, texts["comment"], now_ms,
    )  # fmt: skip


def _value(label: Any, worth: Mapping[str, float]) -> float:
    """A number from 0 to 1, a label of the rubric, or a plain word for good or bad."""
    word = str(label).strip().casefold()
    for name, value in worth.items():
        if name.casefold() == word:
            return value
    if word in GOOD or word in BAD:
        return float(word in GOOD)
    if isinstance(label, int | float) and 0 <= label <= 1:
        return float(label)
    known = ", ".join(worth) or f"{', '.join(GOOD)}, {', '.join(BAD)}"
    raise ValueError(f"label {label!r} is neither a number from 0 to 1 nor one of {known}")
