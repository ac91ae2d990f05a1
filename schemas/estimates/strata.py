"""Stratified prediction-powered inference (arXiv 2406.04291): each stratum of the judge's score is
read as the mean of its labels, each item by labels of other folds (cross-prediction, arXiv
2309.16598). Shorter than the score itself where labels do not follow it in a straight line.

Arrays may have leading axes, one estimate for each; items are along the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from schemas.estimates.calibrate import FOLDS, PRIOR, Ints, folds
from schemas.estimates.units import Floats, Units, Whole, gather

MOST = 10  # strata
EACH = 20  # labels that a stratum has at least, in the mean


@dataclass(frozen=True, slots=True)
class Strata:
    """`edges` (..., strata - 1) between strata of the score; `means` (..., folds, strata): of the
    labels outside a fold."""

    edges: Floats
    means: Floats

    def of(self, scores: Floats) -> Ints:
        """The stratum of each score."""
        return np.asarray((scores[..., None] >= self.edges[..., None, :]).sum(-1), np.int64)

    def chance(self, scores: Floats) -> Floats:
        """What items without a label are read as: the mean over the folds."""
        return np.take_along_axis(self.means.mean(-2), self.of(scores), -1)

    def apart(self, scores: Floats, fold: Ints) -> Floats:
        """What items with a label are read as, by the labels outside their own fold."""
        flat = self.means.reshape(*self.means.shape[:-2], -1)
        return np.take_along_axis(flat, fold * self.means.shape[-1] + self.of(scores), -1)


def learn(scores: Floats, labels: Floats, weights: Floats, fold: Ints) -> Strata | None:
    """Strata of items with labels, all of one shape; None with fewer than two strata's worth."""
    count = min(MOST, scores.shape[-1] // EACH)
    if count < 2:
        return None
    inner = np.arange(1, count) / count
    edges = np.moveaxis(np.quantile(scores, inner, axis=-1), 0, -1)
    at = Strata(edges, np.zeros(0)).of(scores)
    cell = fold * count + at
    lead = scores.shape[:-1]
    rows = np.arange(int(np.prod(lead))).reshape(*lead, 1) * (FOLDS * count)

    def sums(each: Floats) -> Floats:
        size = int(np.prod(lead)) * FOLDS * count
        made = np.bincount((rows + cell).ravel(), each.ravel(), size)
        return made.reshape(*lead, FOLDS, count).astype(np.float64)

    weight, told = sums(weights), sums(weights * labels)
    # What is outside a fold is what is in all of them, less its own.
    weight, told = (each.sum(-2, keepdims=True) - each for each in (weight, told))
    mean = told.sum(-1, keepdims=True) / np.maximum(weight.sum(-1, keepdims=True), 1e-300)
    worth = PRIOR * weights.mean(-1)[..., None, None]
    return Strata(edges, (told + worth * mean) / (weight + worth))


@dataclass(frozen=True, slots=True)
class Crossed:
    """Sums over the units of a population too large to be gathered, of which w (by stratum) is
    the sum of inverse probabilities: how many units and items, sum of w, and of w times its own
    transposed (strata by strata)."""

    units: int
    items: int
    w: Floats
    ww: Floats

    def whole(self, chance: Floats) -> Whole:
        """As `units.Whole`, where an item's score is its stratum's `chance`."""
        return Whole(
            self.units, self.items, float(self.w.sum()), float(self.w @ chance),
            float(self.ww.sum()), float(self.ww.sum(0) @ chance), float(chance @ self.ww @ chance),
        )  # fmt: skip


def stratified(
    scores: Floats, judged: Floats, units: Sequence[str], labels: Floats, chosen: Floats,
    learnt: Strata | None, whole: Whole | None = None,
) -> Units | None:  # fmt: skip
    """`units.gather` of items that are read by their strata; None without `learnt` (of `taught`).
    `whole`: the population by the same chances."""
    if learnt is None:
        return None
    fold = folds(units)
    return gather(
        learnt.chance(scores), judged, units, labels, chosen, learnt.apart(scores, fold), whole
    )


def taught(
    scores: Floats, judged: Floats, units: Sequence[str], labels: Floats, chosen: Floats
) -> Strata | None:
    """`learn` of the items that have a label (not NaN); parameters as of `units.gather`."""
    has = ~np.isnan(labels)
    weights = 1 / (judged[has] * chosen[has])
    return learn(scores[has], labels[has], weights, folds(units)[has])
