"""Figures of the Quality page: means over time and by segment, and what people say of a judge."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from schemas.estimates.agreement import Agreement, agreement
from schemas.estimates.corrected import Estimate, best, corrected
from schemas.estimates.shares import Z, wilson
from schemas.estimates.strata import Crossed, stratified, taught
from schemas.estimates.units import Floats, Whole, gather
from schemas.queries.courses import Block

BINS = 10  # of a reliability diagram
MANY = 5000  # units from which a population is read as sums
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its 95% interval, `n` items and `how` it was made."""

    name: str
    mean: float
    low: float
    high: float
    n: int
    how: str


@dataclass(frozen=True, slots=True)
class Judged:
    """An evaluator beside people: `means` uncorrected, corrected and labels alone."""

    means: list[Mean]
    drawn: Agreement | None
    other: Agreement | None
    bins: list[dict[str, float]]
    labelled: int


def beside_people(
    rows: Sequence[Row], told: Sequence[Row], whole: Whole | None = None,
    crossed: Callable[[Sequence[float]], Crossed | None] | None = None,
) -> Judged:  # fmt: skip
    """Scores (`schemas.queries.labels.population`) beside labels (`labels`). Several labels of an
    item are averaged; only those of a probability sample correct the mean. `whole`: the sums of
    a large population, of which `rows` are those of `of_labelled_units` alone; `crossed` asks for
    them by strata of the score, and goes with `whole`."""
    scored = [row for row in rows if row["status"] == "scored" and row["probability"] > 0]
    by_item: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in told:
        by_item[row["trace_id"], row["span_id"]].append(row)
    found = [
        by_item.get((r["trace_id"], r["span_id"])) or by_item.get((r["trace_id"], ""))
        for r in scored
    ]
    units = [row["session_id"] or row["trace_id"] for row in scored]
    scores = np.array([row["value"] for row in scored], float)
    judged = np.array([row["probability"] for row in scored], float)
    values = np.array([np.mean([x["value"] for x in f]) if f else np.nan for f in found], float)
    drawn = np.array(
        [bool(f) and all(x["chosen"] == "probability" for x in f or ()) for f in found]
    )
    chance = np.array(
        [min(x["probability"] for x in f or ()) if d else 1.0
         for f, d in zip(found, drawn, strict=True)], float,
    )  # fmt: skip
    other = ~np.isnan(values) & ~drawn
    means = [
        _of_sums(whole) if whole else
        _mean("uncorrected", len(scores), corrected(
            gather(scores, judged, units, scores, np.ones(len(scores))), judged=False))
    ]  # fmt: skip
    if drawn.any():
        given = (scores, judged, units, np.where(drawn, values, np.nan), chance)
        known, n = gather(*given, whole=whole), int(drawn.sum())
        strata, apart = taught(*given), None
        if strata is not None and crossed is not None:
            sums = crossed(strata.edges.tolist())
            strata, apart = (strata, sums.whole(strata.means.mean(-2))) if sums else (None, None)
        means += [
            _mean("corrected by labels", n, best(known, stratified(*given, strata, apart))),
            _mean("labels alone", n, corrected(known, judged=False)),
        ]

    def agreed(where: Any) -> Agreement | None:
        if not where.any():
            return None
        return agreement(
            scores[where], values[where], [u for u, each in zip(units, where, strict=True) if each]
        )

    return Judged(
        means, agreed(drawn), agreed(other), reliability(scores[drawn], values[drawn]),
        int(drawn.sum() + other.sum()),
    )  # fmt: skip


def _mean(name: str, n: int, made: Estimate) -> Mean:
    return Mean(name, float(made.mean), float(made.low), float(made.high), n, str(made.method))


def _of_sums(whole: Whole) -> Mean:
    """The uncorrected mean of so many units that their mean is normal, on the logit scale."""
    mean, error = whole.mean, math.sqrt(whole.spread * whole.units / max(1, whole.units - 1))
    low = high = mean
    if 0 < mean < 1:
        step = Z * error / (mean * (1 - mean))
        low, high = (1 / (1 + (1 - mean) / mean * math.exp(by)) for by in (step, -step))
    return Mean("uncorrected", mean, low, high, whole.items, "t")


def reliability(scores: Floats, labels: Floats) -> list[dict[str, float]]:
    """By tenth of the score: its mean, the share that people call good with Wilson's interval,
    and n. A judge whose scores are probabilities lies on the diagonal."""
    found = []
    which = np.minimum((scores * BINS).astype(int), BINS - 1)
    for n in range(BINS):
        mine = which == n
        if mine.any():
            share, count = float((labels[mine] >= 0.5).mean()), int(mine.sum())
            low, high = wilson(share, count)
            found.append({"score": float(scores[mine].mean()), "share": share, "low": low,
                          "high": high, "n": count})  # fmt: skip
    return found


def by_segment(rows: Sequence[Block]) -> list[Mean]:
    """Means by a column's values, those with most items first; sessions as units."""
    return [
        Mean(row.group or "(none)", row.mean, row.mean - row.half, row.mean + row.half, row.n,
             "sessions")
        for row in sorted(rows, key=lambda row: -row.n)
    ]  # fmt: skip
