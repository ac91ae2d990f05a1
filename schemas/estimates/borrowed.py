"""Labels of other traffic: another period, segment or judge version. They are tested before use.

What a label of elsewhere can tell is by how much the judge is off (label less score), if it is off
by as much here. That is not assumed: the two means of it are compared, and agree only where the
whole interval of their difference lies within a margin. Too few labels of one's own show nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from schemas.estimates.units import Floats

MARGIN = 0.05  # points
FEWEST = 10  # sessions with labels on either side


@dataclass(frozen=True, slots=True)
class Borrowed:
    """`difference` of the judge's error there and here with its interval at 90% (two one-sided
    tests at 5%; NaN where it cannot be told); `mean`: the mean score here put right by labels of
    there, with its 95% interval, valid only where the two agree."""

    items: int
    units: int
    difference: float
    low: float
    high: float
    verdict: str  # agree | differ | not shown | untested
    mean: float
    mean_low: float
    mean_high: float


@dataclass(frozen=True, slots=True)
class Off:
    """By how much a judge is off: the weighted mean of label less score, its error by units."""

    mean: float
    error: float
    units: int
    items: int


def off(labels: Floats, scores: Floats, weights: Floats, units: Sequence[str]) -> Off:
    """Over labelled items, none NaN; units are sessions."""
    if not len(labels):
        return Off(np.nan, np.nan, 0, 0)
    _, at = np.unique(np.asarray(units, dtype=object).astype(str), return_inverse=True)
    total = weights.sum()
    mean = float((weights * (labels - scores)).sum() / total)
    sums = np.bincount(at, weights * (labels - scores - mean)) / total
    count = len(sums)
    error = float(np.sqrt((sums**2).sum() * count / (count - 1))) if count > 1 else np.nan
    return Off(mean, error, count, len(labels))


def tested(
    here: Off, there: Off, mean_score: float, score_error: float, margin: float = MARGIN
) -> Borrowed:
    """`mean_score` and its standard error: of the population here."""
    free = max(1, there.units - 1)
    reach = float(stdtrit(free, 0.975)) * float(np.hypot(there.error, score_error))
    mean = mean_score + there.mean
    bounds = (float(np.clip(mean - reach, 0, 1)), float(np.clip(mean + reach, 0, 1)))
    if min(here.units, there.units) < FEWEST:
        nan = float("nan")
        return Borrowed(there.items, there.units, nan, nan, nan, "untested", mean, *bounds)
    difference = there.mean - here.mean
    # Welch's degrees of freedom.
    a, b = here.error**2, there.error**2
    degrees = (a + b) ** 2 / max(a**2 / (here.units - 1) + b**2 / (there.units - 1), 1e-300)
    half = float(stdtrit(max(1.0, degrees), 0.95)) * float(np.hypot(here.error, there.error))
    low, high = difference - half, difference + half
    said = "not shown"
    if -margin < low and high < margin:
        said = "agree"
    elif low > 0 or high < 0:
        said = "differ"
    return Borrowed(there.items, there.units, difference, low, high, said, mean, *bounds)
