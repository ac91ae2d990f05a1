"""Stage attribution on stored traces: which stage moved an evaluator's mean score, and findings
that carry it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from monitors.rootcause.leaves import LeavesError
from monitors.rootcause.stage import Column, Stages, attribute
from schemas.clickhouse import Store
from schemas.errors import Permanent, Retryable
from schemas.models import FindingRow
from schemas.queries import stages
from schemas.queries.mixes import Frozen
from schemas.queries.stages import STAGES
from schemas.queries.traces import SEGMENT_COLUMNS

DAY_NS = 86_400 * 10**9
BEFORE, AFTER = 14 * DAY_NS, 7 * DAY_NS  # that a finding's attribution looks at, at most
FEWEST = 40  # sessions a side in which a mean of a stage means something


@dataclass(frozen=True, slots=True)
class Window:
    """The reference is [start, split), the current window [split, end), in ns."""

    start: int
    split: int
    end: int


@dataclass(frozen=True, slots=True)
class Told:
    """`where`: the segment whose traces were looked at ({}: all); `columns`: those that said
    anything, by stage; `sessions` of both sides; each trace stands for `one_in`."""

    found: Stages
    where: dict[str, str]
    columns: dict[str, list[str]]
    sessions: tuple[int, int]
    one_in: int


def attributed(
    store: Store, project: str, evaluator: str, version: str, window: Window,
    segment: Mapping[str, str] | None = None, topics: Frozen | None = None,
    only: Sequence[str] = (), seed: int = 0,
) -> Told:  # fmt: skip
    """Attribute the change of the mean, traces weighted by 1 / probability. In a segment with too
    few sessions on one side (one that is new, say) all traffic is looked at. `only`: of these
    stages. Raises LeavesError where there is too little, Retryable, Permanent."""
    if unknown := set(only) - set(STAGES):
        raise LeavesError(f"no stage {', '.join(sorted(unknown))}; there are {', '.join(STAGES)}")
    count = stages.judged_traces(store, project, evaluator, version, window.start, window.end)
    one_in = -(-count // stages.MOST) or 1
    rows = stages.stages(
        store, project, evaluator, version, window.start, window.end, topics, one_in
    )
    where = dict(segment or {})
    inside = [row for row in rows if all(row.get(f"segment_{k}") == v for k, v in where.items())]
    if (
        not where
        or min(_sessions(inside, window.split)) < FEWEST
        or set(where) - {*SEGMENT_COLUMNS}
    ):
        where, inside = {}, rows
    sessions = _sessions(inside, window.split)
    if min(sessions) < FEWEST:
        raise LeavesError(
            f"too little: {sessions[0]} sessions before and {sessions[1]} after have a score of"
            f" {evaluator} {version}; {FEWEST} a side are needed"
        )
    given = _given(inside, only)
    if not given:
        raise LeavesError("too little: no column of any stage differs between these traces")
    late = np.array([row["time_ns"] >= window.split for row in inside])
    score = np.array([row["score"] for row in inside], np.float64)
    weight = np.array([row["weight"] for row in inside], np.float64)
    found = attribute(given, score, late, [row["session"] for row in inside], seed, weight)
    return Told(found, where, {k: list(v) for k, v in given.items()}, sessions, one_in)


def _sessions(rows: Sequence[Mapping[str, Any]], split: int) -> tuple[int, int]:
    sides = [{row["session"] for row in rows if (row["time_ns"] >= split) == s} for s in (0, 1)]
    return len(sides[0]), len(sides[1])


def _given(rows: Sequence[Mapping[str, Any]], only: Sequence[str]) -> dict[str, dict[str, Column]]:
    """Columns that differ between the traces, by stage."""
    found: dict[str, dict[str, Column]] = {}
    for stage, columns in STAGES.items():
        for name, (_, number) in columns.items():
            values: Column = [row[f"stage_{name}"] for row in rows]
            if number:
                values = np.array(values, np.float64)
            differs = len(np.unique(np.asarray(values))) > 1
            if differs and (not only or stage in only):
                found.setdefault(stage, {})[name] = values
    return found


def said(told: Told) -> list[dict[str, Any]]:
    """Effects as rows of a table, as findings carry them."""
    return [
        {"stage": " or ".join(each.stages), "change": each.change, "low": each.low,
         "high": each.high, "share": None if math.isnan(each.share) else each.share,
         "named": each.named}
        for each in told.found.effects
    ]  # fmt: skip


def with_stages(
    store: Store, project: str, found: FindingRow, topics: Frozen | None = None
) -> FindingRow:
    """A finding about a score with the stages that moved it, or with why they cannot be told; any
    other finding as it is."""
    details = json.loads(found.details)
    if found.detector not in {"mean_shift", "e_detector"} or not details.get("version"):
        return found
    onset = found.onset * 10**6
    window = Window(
        max(found.window_start * 10**6, onset - BEFORE), onset,
        min(found.window_end * 10**6 + 1, onset + AFTER),
    )  # fmt: skip
    segment = json.loads(found.segment)
    try:
        told = attributed(store, project, found.signal, details["version"], window, segment, topics)
    except ValueError as error:
        details["stages_note"] = str(error)
    except (Retryable, Permanent) as error:
        # A finding must not wait for what only explains it.
        details["stages_note"] = f"the traces could not be read: {error}"[:300]
    else:
        details["stages"] = said(told)
        details["stages_of"] = {
            "segment": told.where, "sessions": list(told.sessions), "one_in": told.one_in,
            "before": told.found.before, "after": told.found.after,
            "unexplained": told.found.unexplained, "columns": told.columns,
        }  # fmt: skip
    return replace(found, details=json.dumps(details))
