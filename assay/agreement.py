"""`assay agreement`: how far an evaluator agrees with people, and its mean put right by them."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from schemas import clickhouse
from schemas.errors import Permanent, Retryable
from schemas.estimates.agreement import Agreement, Figure, agreement
from schemas.estimates.corrected import corrected
from schemas.estimates.units import Floats, gather
from schemas.queries import labels as queries
from schemas.settings import Settings

MANY_ERRORS = 0.02  # from this share on the mean's worst case is printed


@dataclass(frozen=True, slots=True)
class Report:
    """All that is printed; means as Figure, None where there is nothing to say."""

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


@dataclass(frozen=True, slots=True)
class _Item:
    value: float
    drawn: bool
    probability: float


def run(settings: Settings, project: str, evaluator: str, version: str, as_json: bool) -> int:
    """Returns the exit code: 0, or 1 where there is nothing to compare."""
    try:
        store = clickhouse.connect(settings)
        version = version or queries.latest_version(store, project, evaluator)
        rows = queries.population(store, project, evaluator, version)
        told = queries.labels(store, project, evaluator)
        store.close()
    except (Retryable, Permanent) as error:
        print(f"assay agreement: {error}", file=sys.stderr)
        return 1
    if not any(row["status"] == "scored" for row in rows):
        print(f"assay agreement: {evaluator} has no scores in project {project}", file=sys.stderr)
        return 1
    found = report(evaluator, version, rows, told)
    print(json.dumps(_plain(asdict(found))) if as_json else "\n".join(_lines(found, project)))
    return 0


def report(
    evaluator: str, version: str, rows: Sequence[Mapping[str, Any]],
    told: Sequence[Mapping[str, Any]],
) -> Report:  # fmt: skip
    """Compare scores with labels; `rows` and `told` as schemas.queries.labels gives them. Labels
    of one item by several people are averaged; only drawn ones correct the mean."""
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

    alone = right = None
    method, tuning = "", 0.0
    if drawn.any():
        known = gather(scores, judged, units, np.where(drawn, values, np.nan), chances)
        best, plain = corrected(known), corrected(known, judged=False)
        right = Figure(float(best.mean), float(best.low), float(best.high))
        alone = Figure(float(plain.mean), float(plain.low), float(plain.high))
        method, tuning = str(best.method), float(best.tuning)
    mean = _mean(scores, judged, units)
    lost = statuses["error"] / (statuses["error"] + len(scored))
    return Report(
        evaluator, version, {s: statuses[s] for s in ("scored", "unscored", "error")},
        len(set(units)), counts, agreed(drawn), agreed(other), mean, alone, right, method, tuning,
        (mean.value * (1 - lost), mean.value * (1 - lost) + lost) if lost > MANY_ERRORS else None,
    )  # fmt: skip


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
    lines.append(f"  uncorrected mean  {_said(found.uncorrected)}")
    if found.worst_case:
        low, high = found.worst_case
        lines.append(f"    were every error a 0 or a 1: {low:.3f} to {high:.3f}")
    if found.corrected is None or found.labels_alone is None:
        lines.append("  corrected mean    none: no label is of a probability sample")
        return lines
    lines += [
        f"  corrected mean    {_said(found.corrected)}  by {found.method}, tuning"
        f" {found.tuning:.2f}",
        f"  labels alone      {_said(found.labels_alone)}",
    ]
    return lines


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
