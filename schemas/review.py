"""Which items people are asked to label: draws with a probability that is known for each.

Items are drawn one by one, each with its own chance (Poisson sampling), so that any rule that gives
every item some chance still leads to means without bias (Horvitz and Thompson 1952). What was drawn
before is not drawn again, and the chance of being drawn by now, over all batches, is what counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RANDOM, INFORMATIVE = "random", "informative"
FLOOR = 0.1  # of the weight of an item far from the threshold: none is left out for good
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ReviewBatchRow:
    """A draw over items that began in [start_ns, end_ns) and were scored by `drawn_at` (ms).
    `rate` times an item's weight is its chance; `centre` and `width` make the weight of an
    informative draw."""

    project: str
    evaluator: str
    batch: str
    evaluator_version: str
    mode: str
    rate: float
    centre: float
    width: float
    start_ns: int
    end_ns: int
    drawn_by: str
    drawn_at: int


@dataclass(frozen=True, slots=True)
class ReviewItemRow:
    """An item to label by `wanted` people; `place` orders the queue, at random."""

    project: str
    evaluator: str
    trace_id: str
    span_id: str
    session_id: str
    batch: str
    probability: float
    wanted: int
    place: float
    drawn_at: int


def weights(mode: str, scores: Floats, centre: float, width: float) -> Floats:
    """1 for each at random; else most where a score lies next to the threshold."""
    if mode == RANDOM:
        return np.ones_like(scores)
    return np.maximum(FLOOR, np.exp(-np.abs(scores - centre) / width))


def rate_for(weight: Floats, wanted: int) -> float:
    """The rate at which min(1, rate * weight) adds up to `wanted` items; all where there are no
    more than that."""
    if wanted >= len(weight):
        return float(1 / weight.min()) if len(weight) else 1.0
    low, high = 0.0, float(1 / weight.min())
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if np.minimum(1, middle * weight).sum() < wanted else (low, middle)
        )
    return high


def chances(batch: ReviewBatchRow, scores: Floats, starts: Ints, scored: Floats) -> Floats:
    """Each item's chance in one batch: 0 where it could not be drawn. `starts` in ns, `scored` in
    ms."""
    weight = weights(batch.mode, scores, batch.centre, batch.width)
    there = (starts >= batch.start_ns) & (starts < batch.end_ns) & (scored <= batch.drawn_at)
    return np.where(there, np.minimum(1.0, batch.rate * weight), 0.0)


def inclusion(
    batches: Sequence[ReviewBatchRow], version: str, scores: Floats, starts: Ints, scored: Floats
) -> Floats:
    """The chance of each item to be in the queue by now. Informative batches of another version of
    the evaluator are left out: its scores, which made their chances, are not these."""
    out = np.ones_like(scores)
    for batch in batches:
        if batch.mode == RANDOM or batch.evaluator_version == version:
            out = out * (1 - chances(batch, scores, starts, scored))
    return np.asarray(1 - out)
