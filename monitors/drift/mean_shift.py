"""A mean that shifted at some moment in some segment: max-T over segments and onsets.

The statistic is the largest |z| of after-minus-before over every segment and candidate onset; its
null is the same maximum over permutations (Westfall & Young 1993, max-T), so the search over
segments and moments is corrected by construction. What is permuted are blocks of consecutive
whole sessions, about an hour of a two-day window: answers of one session, and sessions of one
hour, may resemble each other. Valid where blocks are exchangeable; not where traffic has a trend
or a daily cycle of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitors.windows import Floats, Units
from schemas.registry import register

EDGE = 15  # units needed on each side of an onset
BLOCKS = 48
MIN_BLOCK = 4  # sessions
CHUNK = 64  # permutations at once: some MiB of memory


@dataclass(frozen=True, slots=True)
class Shift:
    """The strongest shift: row of `Units.segments`, |z| per segment, corrected p-value."""

    segment: int
    strength: Floats
    p_value: float


def _scan(sums: Floats, counts: Floats, scale: Floats) -> Floats:
    """|z| (segments, ..., onsets) from sums and counts per block, blocks last; 0 where a side has
    fewer than EDGE units. `scale` is a segment's variance per unit, clustered by session."""
    early, n = np.cumsum(sums, axis=-1), np.cumsum(counts, axis=-1)
    total, size = early[..., -1:], n[..., -1:]
    early, n = early[..., :-1], n[..., :-1]
    rest = size - n
    a, b = np.maximum(n, 1), np.maximum(rest, 1)
    difference = np.abs((total - early) / b - early / a)
    wide = scale.reshape(-1, *[1] * (sums.ndim - 1)) * (1 / a + 1 / b)
    return np.asarray(np.where((n >= EDGE) & (rest >= EDGE), difference / np.sqrt(wide), 0.0))


@register("detector", "mean_shift")
def mean_shift(units: Units, seed: int = 0, permutations: int = 999) -> Shift | None:
    """The corrected strongest shift, None where no segment has enough units."""
    sessions = int(units.session[-1]) + 1 if len(units.session) else 0
    blocks = min(BLOCKS, sessions // MIN_BLOCK)
    if not len(units.members) or blocks < 8:
        return None
    members = units.members.astype(np.float64)
    weighted = members * units.residual
    # Units of a session lie next to each other, hence those of a block do too.
    starts = np.searchsorted(units.session, np.arange(sessions))
    scale = np.square(np.add.reduceat(weighted, starts, axis=1)).sum(1) / members.sum(1)
    scale = np.maximum(scale, 1e-12)
    edges = starts[np.arange(blocks) * sessions // blocks]
    sums = np.add.reduceat(weighted, edges, axis=1)
    counts = np.add.reduceat(members, edges, axis=1)
    seen = _scan(sums, counts, scale).max(1)
    # A rearranged sum differs in its last bits, and must still count as equal.
    bar = seen.max() * (1 - 1e-9)
    draw = np.random.default_rng(seed)
    beaten = 0
    for done in range(0, permutations, CHUNK):
        size = min(CHUNK, permutations - done)
        orders = draw.permuted(np.tile(np.arange(blocks), (size, 1)), axis=1)
        strongest = _scan(sums[:, orders], counts[:, orders], scale).max(axis=(0, 2))
        beaten += int((strongest >= bar).sum())
    return Shift(int(seen.argmax()), seen, (1 + beaten) / (1 + permutations))
