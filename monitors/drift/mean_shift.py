"""A mean that shifted at some moment in some segment: max-T over segments and onsets.

The statistic is the largest |z| of after-minus-before over every segment and candidate onset; its
null is the same maximum over permutations of session residuals (Westfall & Young 1993, max-T), so
the search over segments and moments is corrected by construction. Exact for exchangeable
sessions; not valid where the traffic has day-to-day effects of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitors.windows import Floats, Units
from schemas.registry import register

EDGE = 15  # units needed on each side of an onset
GRID = 40


@dataclass(frozen=True, slots=True)
class Shift:
    """The strongest shift: row of `Units.segments`, |z| per segment, corrected p-value."""

    segment: int
    strength: Floats
    p_value: float


def _scan(residual: Floats, members: Floats, after: Floats, counts: Floats) -> Floats:
    """|z| (segments, onsets); 0 where a side has fewer than EDGE units."""
    weighted = members * residual
    total, squares = weighted.sum(1), (members * residual**2).sum(1)
    n = members.sum(1)
    late = weighted @ after
    rest = n[:, None] - counts
    fair = (counts >= EDGE) & (rest >= EDGE)
    variance = np.maximum(squares / n - (total / n) ** 2, 1e-12)[:, None]
    a, b = np.maximum(counts, 1), np.maximum(rest, 1)
    difference = late / a - (total[:, None] - late) / b
    return np.asarray(np.where(fair, np.abs(difference) / np.sqrt(variance * (1 / a + 1 / b)), 0.0))


@register("detector", "mean_shift")
def mean_shift(units: Units, seed: int = 0, permutations: int = 999) -> Shift | None:
    """The corrected strongest shift, None where no segment has enough units."""
    if not len(units.members):
        return None
    members = units.members.astype(np.float64)
    n = len(units.time)
    onsets = np.unique(np.linspace(EDGE, n - EDGE, GRID).astype(int))
    after = (np.arange(n)[:, None] >= onsets[None, :]).astype(np.float64)
    counts = members @ after
    seen = _scan(units.residual, members, after, counts).max(1)
    draw = np.random.default_rng(seed)
    beaten = 0
    for _ in range(permutations):
        shuffled = draw.permutation(units.residual)
        beaten += bool(_scan(shuffled, members, after, counts).max() >= seen.max())
    return Shift(int(seen.argmax()), seen, (1 + beaten) / (1 + permutations))
