"""Items gathered into independent units (sessions): what every estimate is computed from.

Arrays may have leading axes, one estimate for each; units are along the last one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Units:
    """Per unit with labels, sums over its labelled items: `weight` (inverse probability), `label`
    and `score` times it. `shift`: what the unit adds to the population's mean score, less its
    share of it. `mean_score` and `spread` (sum of the squared shifts of all units): of the
    population. `rare`: units that hold the rarer of good and bad labels."""

    weight: Floats
    label: Floats
    score: Floats
    shift: Floats
    mean_score: Floats
    spread: Floats
    rare: Floats

    @property
    def count(self) -> int:
        return int(self.weight.shape[-1])

    @property
    def effective(self) -> Floats:
        """Units of equal weight that would tell as much."""
        total = self.weight.sum(-1)
        return np.asarray(total**2 / (self.weight**2).sum(-1))


@dataclass(frozen=True, slots=True)
class Whole:
    """Sums over a population that is too large to be gathered item by item. Over its units, of
    which w is the sum of inverse probabilities and v that of scores times them: how many units and
    items, and the sums of w, v, w squared, v times w, v squared."""

    units: int
    items: int
    w: float
    v: float
    ww: float
    vw: float
    vv: float

    @property
    def mean(self) -> float:
        return self.v / self.w

    @property
    def spread(self) -> float:
        """The sum of the squared shifts of all units, as `Units` has it."""
        square = self.vv - 2 * self.mean * self.vw + self.mean**2 * self.ww
        return max(0.0, square) / self.w**2


def gather(
    scores: Floats,
    judged: Floats,
    units: Sequence[str],
    labels: Floats,
    chosen: Floats,
    apart: Floats | None = None,
    whole: Whole | None = None,
) -> Units:
    """Units of a population of items. All arrays have one entry per item: its judge's score in
    [0, 1], the probability with which it was judged, its unit, its label in [0, 1] (NaN where it
    has none) and the probability with which it was chosen for labelling; `apart`: the scores that
    labelled items are read by, where those are cross-fitted; `whole`: of the population, where the
    items given are only all those of units with a label.

    Units are put in the order of a hash, so that neither time nor names matter. Raises ValueError
    without any label or with a probability outside (0, 1].
    """
    has = ~np.isnan(labels)
    if not has.any():
        raise ValueError("there is no label")
    if (
        not ((judged > 0) & (judged <= 1)).all()
        or not ((chosen[has] > 0) & (chosen[has] <= 1)).all()
    ):
        raise ValueError("a sampling probability is not in (0, 1]")
    names, at = np.unique(np.asarray(units, dtype=object).astype(str), return_inverse=True)
    worth = 1 / judged
    total = whole.w if whole else worth.sum()
    mean = whole.mean if whole else float((worth * scores).sum() / total)
    shift = np.bincount(at, worth * (scores - mean), len(names)) / total
    spread = whole.spread if whole else float((shift**2).sum())
    # Of an item that is both judged and labelled, both draws count.
    weight = np.where(has, worth / np.where(has, chosen, 1.0), 0.0)
    told = np.where(has, labels, 0.0)
    seen = scores if apart is None else np.where(has, apart, 0.0)
    weights, told_sums, score_sums = (
        np.bincount(at, weight * each, len(names)).astype(np.float64)
        for each in (np.ones_like(told), told, seen)
    )
    good = np.bincount(at, has & (told >= 0.5), len(names)) > 0
    bad = np.bincount(at, has & (told < 0.5), len(names)) > 0
    order = sorted(
        np.flatnonzero(weights > 0), key=lambda i: hashlib.sha256(str(names[i]).encode()).digest()
    )
    return Units(
        weights[order], told_sums[order], score_sums[order], shift[order].astype(np.float64),
        np.array(mean), np.array(spread),
        np.array(float(min(good.sum(), bad.sum()))),
    )  # fmt: skip
