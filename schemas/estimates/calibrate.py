"""A judge's scores made into chances by people's labels, each item by labels of other sessions.

Isotonic regression keeps the judge's order and learns the rest. It is cross-fitted: a labelled item
is read by the calibrator of the folds that it is not in, an unlabelled one by their mean, so that a
corrected mean stays right whatever was learnt (cross-prediction, arXiv 2309.16598). Means are
corrected by `strata`, a calibrator of few steps whose intervals were simulated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from schemas.estimates.units import Floats

Ints = NDArray[np.int64]
FOLDS = 5
PRIOR = 2.0  # labels' worth of the mean label at either end, so that a few say nothing extreme


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Per item: `chance` for the population, and `apart` for what has a label, of the calibrator
    that did not see it (NaN elsewhere)."""

    chance: Floats
    apart: Floats


def folds(units: Sequence[str]) -> Ints:
    """The fold of each item: that of its unit, by a hash."""
    known = {
        unit: int.from_bytes(hashlib.sha256(f"fold\0{unit}".encode()).digest()[:8], "big") % FOLDS
        for unit in set(units)
    }
    return np.array([known[unit] for unit in units], np.int64)


def fitted(scores: Floats, labels: Floats, weights: Floats, at: Floats) -> Floats:
    """The isotonic curve of labels on scores (all of one length, no NaN) read at other scores."""
    mean = float((weights * labels).sum() / weights.sum())
    worth = PRIOR * weights.mean()
    order = np.argsort(scores, kind="stable")
    x = np.concatenate([[0.0], scores[order], [1.0]])
    y = np.concatenate([[mean], labels[order], [mean]])
    w = np.concatenate([[worth], weights[order], [worth]])
    curve = isotonic_regression(y, weights=w).x
    return np.asarray(np.interp(at, x, curve))


def crossfit(
    scores: Floats, labels: Floats, weights: Floats, units: Sequence[str]
) -> Calibrated | None:
    """Calibrate items by those with a label (not NaN), which weigh `weights`. None where a fold
    would leave fewer than ten labels, or one kind of them, to learn from."""
    has, fold = ~np.isnan(labels), folds(units)
    apart, every = np.full(len(scores), np.nan), []
    for each in range(FOLDS):
        learn = has & (fold != each)
        if learn.sum() < 10 or np.ptp(labels[learn]) == 0:
            return None
        made = fitted(scores[learn], labels[learn], weights[learn], scores)
        mine = has & (fold == each)
        apart[mine] = made[mine]
        every.append(made)
    return Calibrated(np.mean(every, 0), apart)


def errors(chance: Floats, labels: Floats, weights: Floats, bins: int = 10) -> tuple[float, float]:
    """(Brier score, expected calibration error over bins of equal mass) of chances."""
    total = weights.sum()
    brier = float((weights * (chance - labels) ** 2).sum() / total)
    parts = np.array_split(np.argsort(chance, kind="stable"), min(bins, len(chance)))
    off = sum(abs(float((weights[p] * (chance[p] - labels[p])).sum())) for p in parts)
    return brier, float(off / total)
