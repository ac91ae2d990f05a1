"""Has a mean changed between two sets of blocks, and if not, what would have been seen?

'No change' alone says nothing: few or restless blocks hide a large change. So it comes with the
smallest effect that would have been found with 80% power, and no data is a verdict of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance

from scipy.special import stdtr, stdtrit

POWER = 0.8
LEAST = 3  # blocks a side, with which a variance means anything

CHANGED, NO_CHANGE, NO_DATA = "changed", "no change", "no data"


@dataclass(frozen=True, slots=True)
class Change:
    """`verdict` is CHANGED, NO_CHANGE or NO_DATA (then every number is NaN). `effect` is the mean
    after less the mean before with its (1 - level) interval; `smallest` the least |effect| that
    would have been found with 80% power at the level."""

    verdict: str
    before: float
    after: float
    effect: float
    low: float
    high: float
    p_value: float
    smallest: float
    n_before: int
    n_after: int


def change(before: Sequence[float], after: Sequence[float], level: float = 0.05) -> Change:
    """Welch's t-test of two sets of independent blocks, NaN left out. The variance between blocks
    is the null's, so blocks must be comparable (days, or the same hours of the week)."""
    old, new = ([v for v in side if math.isfinite(v)] for side in (before, after))
    n, m = len(old), len(new)
    nan = math.nan
    if min(n, m) < LEAST:
        return Change(NO_DATA, nan, nan, nan, nan, nan, nan, nan, n, m)
    a, b = variance(old) / n, variance(new) / m
    effect, wide = fmean(new) - fmean(old), math.sqrt(a + b)
    if wide == 0:
        verdict = CHANGED if effect else NO_CHANGE
        p = 0.0 if effect else 1.0
        return Change(verdict, fmean(old), fmean(new), effect, effect, effect, p, 0.0, n, m)
    df = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (m - 1))
    quantile = float(stdtrit(df, 1 - level / 2))
    p = 2 * float(stdtr(df, -abs(effect) / wide))
    smallest = (quantile + NormalDist().inv_cdf(POWER)) * wide
    return Change(
        CHANGED if p <= level else NO_CHANGE, fmean(old), fmean(new), effect,
        effect - quantile * wide, effect + quantile * wide, p, smallest, n, m,
    )  # fmt: skip


def say(found: Change, blocks: str = "days") -> str:
    """The verdict in words, with the numbers that it rests on."""
    if found.verdict == NO_DATA:
        return (
            f"no data: {found.n_before} and {found.n_after} {blocks}, at least {LEAST} are needed"
        )
    interval = f"{found.effect:+.4g} ({found.low:+.4g} to {found.high:+.4g})"
    counts = f"{found.n_before} and {found.n_after} {blocks}"
    if found.verdict == CHANGED:
        return f"changed by {interval} between {counts}, p={found.p_value:.2g}"
    return (
        f"no change found between {counts}: {interval}; a change of {found.smallest:.4g} would have"
        " been found with 80% power"
    )
