"""Whether a judge's scores of the same rows have shifted, beyond what it varies by itself.

The null is the judge's own: at least five repeats of the set. Their means vary by what the rows
share in a run (load, routing, another replica of a model) and by what they do not; the spread of
the means holds both, and t quantiles with so few degrees of freedom are wide, as they must be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import nctdtrinc, stdtrit

from schemas.estimates.units import Floats

FEWEST = 5  # repeats
ALPHA = 0.01  # a run a day for three months is about one false word
POWER = 0.8
TOLERANCE = 1e-6  # scores that differ by less are the same


@dataclass(frozen=True, slots=True)
class Shift:
    """The paired difference of a run's mean from the repeats', with its interval at 1 - ALPHA;
    `detectable`: the smallest true shift that a run would show with chance POWER."""

    shift: float
    low: float
    high: float
    detectable: float
    items: int


def reach(repeats: Floats) -> tuple[float, float]:
    """(half width of the interval, smallest detectable shift) for repeats x items, no NaN.
    Raises ValueError below FEWEST repeats."""
    count, items = repeats.shape
    if count < FEWEST:
        raise ValueError(f"{count} repeats; at least {FEWEST} are needed")
    together = float(repeats.mean(1).var(ddof=1))
    apart = float(repeats.var(0, ddof=1).mean()) / items
    # Five means may lie close by luck: the items, of which there are many, say how close they can.
    error = np.sqrt(max(together, apart) * (1 + 1 / count))
    critical = float(stdtrit(count - 1, 1 - ALPHA / 2))
    # With so few degrees of freedom a sum of two quantiles promises too much.
    needed = float(nctdtrinc(count - 1, 1 - POWER, critical))
    return max(TOLERANCE, critical * float(error)), max(TOLERANCE, needed * float(error))


def compare(repeats: Floats, run: Floats) -> Shift:
    """Compare a run (items, NaN where it has no score) with repeats (repeats x items) over the
    items that all have. Raises ValueError below FEWEST repeats, or without a common item."""
    common = ~np.isnan(run) & ~np.isnan(repeats).any(0)
    if not common.any():
        raise ValueError("no row has a score in every repeat and in this run")
    half, detectable = reach(repeats[:, common])
    difference = float((run[common] - repeats[:, common].mean(0)).mean())
    return Shift(difference, difference - half, difference + half, detectable, int(common.sum()))


def verdict(found: Shift, margin: float) -> str:
    """good: no shift is shown; changed: one is, within the margin; drifted: beyond it."""
    if found.low <= 0 <= found.high:
        return "good"
    return "drifted" if abs(found.shift) > margin else "changed"
