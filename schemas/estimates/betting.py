"""An interval for a bounded mean that holds at any number of labels (arXiv 2010.09686).

A gambler bets against each candidate mean, unit by unit; where the capital grows past 2 / alpha
the candidate is out. Here a unit is a session, its stake is weighted by inverse probability, and
a judge's score is taken off by a tuning parameter that knows the earlier units only.
"""

from __future__ import annotations

import numpy as np

from schemas.estimates.units import Floats, Units

CAP = 0.75  # share of the capital that a single unit can cost
WARM = 20  # units before a score is used
RIDGE = 2.0  # variance that the scores are given beside their own, as if of so many units
STEPS = 22  # halvings of [0, 1]


def interval(units: Units, alpha: float, judged: bool = True) -> tuple[Floats, Floats]:
    """Bounds of the mean label at level 1 - alpha, the population's mean score taken as known.
    `judged` False leaves the scores out."""
    scale = units.weight.max(-1, keepdims=True)
    weight = units.weight / scale
    tuned = _tuned(units) if judged else np.zeros_like(weight)
    mean_score = np.asarray(units.mean_score)[..., None]
    value = units.label / scale - tuned * (units.score / scale - mean_score * weight)
    bet = _bets(value, weight, alpha)
    below, above = tuned * (1 - mean_score), tuned * mean_score
    goal = np.log(2 / alpha)

    def beaten(mean: Floats, side: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Whether a bet that the truth is above (side 1) or below `mean` has won enough."""
        at = mean[..., None]
        most = CAP / np.maximum((at + below) if side > 0 else (1 - at + above), 1e-12)
        gains = np.log1p(side * np.minimum(bet, most) * (value - at * weight))
        return np.asarray(gains.cumsum(-1).max(-1) >= goal)

    bounds = []
    for side in (1, -1):
        inner = np.full(weight.shape[:-1], 0.0 if side > 0 else 1.0)  # assumed out, or the edge
        outer = 1.0 - inner
        for _ in range(STEPS):
            middle = (inner + outer) / 2
            out = beaten(middle, side)
            inner, outer = np.where(out, middle, inner), np.where(out, outer, middle)
        bounds.append(inner)
    return bounds[0], np.maximum(bounds[0], bounds[1])


def _bets(value: Floats, weight: Floats, alpha: float) -> Floats:
    """The stake before each unit, from the variance of the units before it."""
    count = weight.shape[-1]
    ahead = np.zeros((*weight.shape[:-1], 1))
    sums = np.concatenate([ahead, value.cumsum(-1)[..., :-1]], -1)
    seen = np.concatenate([ahead, weight.cumsum(-1)[..., :-1]], -1)
    typical = np.concatenate([ahead + 1, weight[..., :-1]], -1).cumsum(-1) / np.arange(1, count + 1)
    mean = (typical / 2 + sums) / (typical + seen)
    off = (value - mean * weight) ** 2
    past = np.concatenate([ahead, off.cumsum(-1)[..., :-1]], -1)
    variance = (typical**2 / 4 + past) / np.arange(1, count + 1)
    return np.asarray(np.sqrt(2 * np.log(2 / alpha) / (count * variance)))


def _tuned(units: Units) -> Floats:
    """The slope of labels on scores over the units before each one, drawn towards 0."""

    def before(values: Floats) -> Floats:
        ahead = np.zeros((*values.shape[:-1], 1))
        return np.concatenate([ahead, values.cumsum(-1)[..., :-1]], -1)

    weight, label, score = units.weight, units.label, units.score
    total = np.maximum(before(weight), 1e-300)
    mean_label, mean_score = before(label) / total, before(score) / total
    square = before(weight**2)
    both = (
        before(label * score) - mean_label * before(weight * score)
        - mean_score * before(label * weight) + mean_label * mean_score * square
    )  # fmt: skip
    spread = before(score**2) - 2 * mean_score * before(weight * score) + mean_score**2 * square
    slope = both / np.maximum(
        spread + RIDGE * square / np.maximum(np.arange(units.count), 1), 1e-300
    )
    slope[..., :WARM] = 0.0
    return np.clip(slope, 0.0, 1.0)
