"""`assay agreement`: how far an evaluator agrees with people, and its mean put right by them."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from assay.exporting import moment
from schemas import clickhouse
from schemas.errors import Permanent, Retryable
from schemas.estimates.agreement import Agreement, Figure, agreement
from schemas.estimates.borrowed import Borrowed, off, tested
from schemas.estimates.calibrate import crossfit, errors
from schemas.estimates.corrected import best, corrected
from schemas.estimates.means import MANY_ERRORS
from schemas.estimates.strata import stratified, taught
from schemas.estimates.units import Floats, gather
from schemas.queries import labels as queries
from schemas.settings import Settings


@dataclass(frozen=True, slots=True)
class Report:
    """All that is printed; means as Figure, None where there is nothing to say. `calibration`:
    Brier and calibration error of the scores as they are, then of the scores by the cross-fitted
    calibrator; `segments`: agreement by value."""

    evaluator: str
    version: str
    statuses: dict[str, int]
    sessions: int
    labels: dict[str, int]
    drawn: Agreement | None
    convenience: Agreement | None
    uncorrected: Figure
    labels_alone: Figure | None
    corrected: Figure | None
    method: str
    tuning: float
    worst_case: tuple[float, float] | None
    calibration: tuple[float, float, float, float] | None = None
    segments: dict[str, Agreement] = field(default_factory=dict)
    borrowed: Borrowed | None = None


@dataclass(frozen=True, slots=True)
class _Item:
    value: float
    drawn: bool
    probability: float


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Returns the exit code: 0, or 1 where there is nothing to compare."""
    project, evaluator, by = arguments.project, arguments.evaluator, arguments.by
    try:
        now = datetime.now(UTC)
        start = moment(arguments.since, now) if arguments.since else 0
        end = moment(arguments.until, now) if arguments.until else 2**62
        segment = dict([_pair(each) for each in arguments.segment])
        store = clickhouse.connect(settings)
        version = arguments.version or queries.latest_version(store, project, evaluator)
        rows = queries.population(store, project, evaluator, version, start, end, segment)
        told = queries.labels(store, project, evaluator)
        other = queries.elsewhere(store, project, evaluator)
        traces = sorted({row["trace_id"] for row in told})
        values = queries.segment_of(store, project, traces, by) if by else {}
        store.close()
    except (Retryable, Permanent, ValueError) as error:
        print(f"assay agreement: {error}", file=sys.stderr)
        return 1
    if not any(row["status"] == "scored" for row in rows):
        print(f"assay agreement: {evaluator} has no scores in project {project}", file=sys.stderr)
        return 1
    found = report(evaluator, version, rows, told, other, values)
    lines = _lines(found, project)
    print(json.dumps(_plain(asdict(found))) if arguments.json else "\n".join(lines))
    return 0


def _pair(text: str) -> tuple[str, str]:
    column, sign, value = text.partition("=")
    if not sign:
        raise ValueError(f"--segment takes COLUMN=VALUE, not {text!r}")
    return column, value


def report(
    evaluator: str, version: str, rows: Sequence[Mapping[str, Any]],
    told: Sequence[Mapping[str, Any]], away: Sequence[Mapping[str, Any]] = (),
    values_of: Mapping[str, str] | None = None,
) -> Report:  # fmt: skip
    """Compare scores with labels; `rows` and `told` as schemas.queries.labels gives them. Labels
    of one item by several people are averaged; only drawn ones correct the mean. `away`: scores
    of labelled items, of which those outside the rows are borrowed; `values_of`: the segment of a
    trace, where agreement is told apart by it."""
    scored = [row for row in rows if row["status"] == "scored"]
    statuses = Counter(str(row["status"]) for row in rows)
    items = _items(told)
    found = [
        items.get((r["trace_id"], r["span_id"]), items.get((r["trace_id"], ""))) for r in scored
    ]
    scores = np.array([row["value"] for row in scored], float)
    judged = np.array([row["probability"] for row in scored], float)
    units = [row["session_id"] or row["trace_id"] for row in scored]
    drawn = np.array([each is not None and each.drawn for each in found])
    other = np.array([each is not None and not each.drawn for each in found])
    values = np.array([each.value if each else np.nan for each in found], float)
    chances = np.array([each.probability if each and each.drawn else 1.0 for each in found], float)
    matched = int(drawn.sum() + other.sum())
    counts = {
        "annotators": len({row["annotator"] for row in told}), "items": len(items),
        "drawn": int(drawn.sum()), "convenience": int(other.sum()),
        "without a score": len(items) - matched,
    }  # fmt: skip

    def agreed(where: Any) -> Agreement | None:
        if not where.any():
            return None
        named = [unit for unit, each in zip(units, where, strict=True) if each]
        return agreement(scores[where], values[where], named)

    alone = right = fitness = None
    method, tuning = "", 0.0
    if drawn.any():
        given = (scores, judged, units, np.where(drawn, values, np.nan), chances)
        known = gather(*given)
        made, plain = (
            best(known, stratified(*given, taught(*given))),
            corrected(known, judged=False),
        )
        right = Figure(float(made.mean), float(made.low), float(made.high))
        alone = Figure(float(plain.mean), float(plain.low), float(plain.high))
        method, tuning = str(made.method), float(made.tuning)
        fitness = _calibration(*given)
    mean = _mean(scores, judged, units)
    lost = statuses["error"] / (statuses["error"] + len(scored))
    return Report(
        evaluator, version, {s: statuses[s] for s in ("scored", "unscored", "error")},
        len(set(units)), counts, agreed(drawn), agreed(other), mean, alone, right, method, tuning,
        (mean.value * (1 - lost), mean.value * (1 - lost) + lost) if lost > MANY_ERRORS else None,
        fitness, _by_segment(agreed, drawn, scored, values_of or {}),
        borrowed(items, scored, away, np.where(drawn, values, np.nan), 1 / (judged * chances),
                 units, scores, judged),
    )  # fmt: skip


def _calibration(
    scores: Floats, judged: Floats, units: Sequence[str], labels: Floats, chosen: Floats
) -> tuple[float, float, float, float] | None:
    """How well scores are calibrated, as they are and by a calibrator."""
    has = ~np.isnan(labels)
    weights = np.where(has, 1 / (judged * chosen), 0.0)
    made = crossfit(scores, labels, weights, units)
    if made is None:
        return None
    of = (labels[has], weights[has])
    return (*errors(scores[has], *of), *errors(made.apart[has], *of))


def _by_segment(
    agreed: Callable[[Any], Agreement | None], drawn: Any, scored: Sequence[Mapping[str, Any]],
    values: Mapping[str, str],
) -> dict[str, Agreement]:  # fmt: skip
    names = np.array([values.get(row["trace_id"], "") for row in scored], dtype=object)
    found = {name: agreed(drawn & (names == name)) for name in sorted(set(names) - {""})}
    return {name: each for name, each in found.items() if each is not None}


def borrowed(
    items: Mapping[tuple[str, str], _Item], scored: Sequence[Mapping[str, Any]],
    other: Sequence[Mapping[str, Any]], labels: Floats, weights: Floats, units: Sequence[str],
    scores: Floats, judged: Floats,
) -> Borrowed | None:  # fmt: skip
    """What drawn labels of elsewhere say, by the newest score of each of their items; None where
    there are none."""
    here = {(row["trace_id"], row["span_id"]) for row in scored} | {
        (row["trace_id"], "") for row in scored
    }
    seen: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in other:
        for key in ((row["trace_id"], row["span_id"]), (row["trace_id"], "")):
            if key in items and items[key].drawn and key not in here:
                seen.setdefault(key, row)
    if not seen:
        return None
    away = off(
        np.array([items[key].value for key in seen]),
        np.array([float(row["value"]) for row in seen.values()]),
        np.array([1 / items[key].probability for key in seen]),
        [row["session_id"] or row["trace_id"] for row in seen.values()],
    )
    has = ~np.isnan(labels)
    mine = [unit for unit, yes in zip(units, has, strict=True) if yes]
    own = off(labels[has], scores[has], weights[has], mine)
    every = off(scores, np.zeros_like(scores), 1 / judged, units)
    return tested(own, away, every.mean, 0.0 if math.isnan(every.error) else every.error)


def _items(told: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], _Item]:
    by_item: defaultdict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in told:
        by_item[row["trace_id"], row["span_id"]].append(row)
    return {
        item: _Item(
            sum(row["value"] for row in several) / len(several),
            all(row["chosen"] == "probability" for row in several),
            min(row["probability"] for row in several),
        )
        for item, several in by_item.items()
    }


def _mean(scores: Floats, judged: Floats, units: Sequence[str]) -> Figure:
    """The scores' own mean with its interval: how far it would move with other traffic, and
    nothing about whether the judge is right."""
    every = gather(scores, judged, units, scores, np.ones(len(scores)))
    found = corrected(every, judged=False)
    return Figure(float(found.mean), float(found.low), float(found.high))


def _lines(found: Report, project: str) -> list[str]:
    counts = ", ".join(f"{n} {status}" for status, n in found.statuses.items())
    said = ", ".join(f"{n} {what}" for what, n in found.labels.items())
    lines = [
        f"{found.evaluator} {found.version} of project {project}",
        f"  traces            {counts}; {found.sessions} sessions",
        f"  labels            {said}",
    ]
    for name, each in (("drawn", found.drawn), ("convenience", found.convenience)):
        if each is not None:
            yes_yes, yes_no, no_yes, no_no = each.confusion
            lines += [
                f"  agreement on {each.items} {name} labels of {each.units} sessions",
                f"    kappa           {_said(each.kappa)}",
                f"    Spearman        {_said(each.spearman)}",
                f"    AUROC           {_said(each.auroc)}"
                + ("  uninformative: chance is not ruled out" if each.uninformative else ""),
                f"    yes and yes {yes_yes}, judge alone {yes_no}, people alone {no_yes},"
                f" neither {no_no}",
            ]
    for name, each in found.segments.items():
        lines.append(f"    {name:15} {each.items} drawn labels, AUROC {_said(each.auroc)},"
                     f" kappa {_said(each.kappa)}")  # fmt: skip
    lines.append(f"  uncorrected mean  {_said(found.uncorrected)}")
    if found.worst_case:
        low, high = found.worst_case
        lines.append(f"    were every error a 0 or a 1: {low:.3f} to {high:.3f}")
    if found.borrowed is not None:
        lines += _borrowed_lines(found.borrowed)
    if found.corrected is None or found.labels_alone is None:
        lines.append("  corrected mean    none: no label is of a probability sample")
        return lines
    lines += [
        f"  corrected mean    {_said(found.corrected)}  by {found.method}, tuning"
        f" {found.tuning:.2f}",
        f"  labels alone      {_said(found.labels_alone)}",
    ]
    if found.calibration is not None:
        brier, off_by, brier_after, off_after = found.calibration
        lines.append(
            f"  calibration       Brier {brier:.3f}, error {off_by:.3f}; by a cross-fitted"
            f" calibrator {brier_after:.3f}, {off_after:.3f}"
        )
    return lines


def _borrowed_lines(found: Borrowed) -> list[str]:
    count = f"{found.items} labels of {found.units} sessions"
    if found.verdict == "untested":
        return [f"  borrowed labels   {count}: untested, too few labels of its own; not used"]
    there = f"{found.difference:+.3f} (90%: {found.low:+.3f} to {found.high:+.3f})"
    line = f"  borrowed labels   {count}: the judge's error differs by {there}, {found.verdict}"
    if found.verdict != "agree":
        return [f"{line}; not used"]
    mean = Figure(found.mean, found.mean_low, found.mean_high)
    return [line, f"    mean by them    {_said(mean)}"]


def _said(figure: Figure) -> str:
    if math.isnan(figure.value):
        return "not defined: all labels or all scores say the same"
    if math.isnan(figure.low):
        return f"{figure.value:.3f} (too few sessions for an interval)"
    return f"{figure.value:.3f} (95%: {figure.low:.3f} to {figure.high:.3f})"


def _plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
