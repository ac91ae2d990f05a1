"""Prediction-powered mean (PPI++, arXiv 2311.01453): labels correct the mean of a judge's scores.

The tuning parameter is cross-fitted, weights are inverse probabilities (arXiv 2403.03208), and the
variance is that of whole units. Where labelled items belong to the population, PPI++ is the
regression estimator of survey sampling, and is written as such here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, stdtrit

from schemas.estimates.units import Floats, Units

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Point:
    """Mean, standard error, the mean tuning parameter (0: labels alone, 1: the judge in full),
    and the degrees of freedom of the error: Satterthwaite's, by the spread of the units' squares.
    Where rare labels make up the error, they are about twice their number."""

    mean: Floats
    error: Floats
    tuning: Floats
    freedom: Floats


def point(units: Units, tuning: float | None = None) -> Point:
    """The estimate. `tuning` None: fitted for each fold of units on the others, within [0, 1]."""
    total = units.weight.sum(-1, keepdims=True)
    tuned = fitted(units) if tuning is None else np.full_like(units.weight, tuning)
    # Centred, since folds differ in tuning: else that would look like variance of the labels.
    centre = np.asarray(units.mean_score)[..., None] * units.weight
    rest = units.label - tuned * (units.score - centre)
    mean = rest.sum(-1, keepdims=True) / total
    average = (tuned * units.weight).sum(-1, keepdims=True) / total
    own = (rest - mean * units.weight) / total
    shift = average * units.shift
    count = units.count
    variance = (
        (own**2).sum(-1) * count / max(1, count - 1)
        + 2 * (own * shift).sum(-1)
        + average[..., 0] ** 2 * units.spread
    )
    return Point(
        mean[..., 0],
        np.sqrt(np.maximum(variance, 0.0)),
        average[..., 0],
        _freedom(own, units.effective),
    )


def _freedom(own: Floats, effective: Floats) -> Floats:
    """2 / (squared coefficient of variation of the variance), at most the effective units."""
    squares = (own**2).sum(-1)
    odd = (own**4).sum(-1) / np.maximum(squares**2, 1e-300) - 1 / own.shape[-1]
    return np.asarray(np.minimum(2 / np.maximum(odd, 1e-12), effective - 1))


def fitted(units: Units) -> Floats:
    """Per unit, the slope of labels on scores over the units of the other folds."""
    fold = np.arange(units.count) % FOLDS
    tuned = np.zeros_like(units.weight)
    for each in range(min(FOLDS, units.count)):
        other = fold != each
        weight, label, score = (
            part[..., other] for part in (units.weight, units.label, units.score)
        )
        total = np.maximum(weight.sum(-1, keepdims=True), 1e-300)
        label = label - weight * label.sum(-1, keepdims=True) / total
        score = score - weight * score.sum(-1, keepdims=True) / total
        spread = (score**2).sum(-1, keepdims=True)
        slope = (label * score).sum(-1, keepdims=True) / np.where(spread > 0, spread, np.inf)
        tuned[..., fold == each] = np.clip(slope, 0.0, 1.0)
    return tuned


def interval(units: Units, found: Point, alpha: float) -> tuple[Floats, Floats]:
    """Quantiles of t, on the logit scale, where the distribution of a share is less skewed; NaN
    where the mean is not inside (0, 1)."""
    inside = (found.mean > 0) & (found.mean < 1)
    mean = np.where(inside, found.mean, 0.5)
    reach = stdtrit(np.maximum(found.freedom, 1.0), 1 - alpha / 2) * found.error
    step = reach / (mean * (1 - mean))
    low, high = expit(logit(mean) - step), expit(logit(mean) + step)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)
