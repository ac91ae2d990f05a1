"""Energy distance between two windows of vectors, by permutation (Szekely and Rizzo 2013)."""

from __future__ import annotations

import numpy as np

from monitors.drift.two_sample import Answer, Pair, chance
from monitors.windows import Floats
from schemas.registry import register


@register("two_sample", "energy")
def energy(of: Pair, seed: int = 0, permutations: int = 999) -> Answer:
    """Energy distance >= 0; effect: its square root over that of the mean distance of the pooled
    rows (0 to about 1). Exact for exchangeable sessions. Memory: n x n floats."""
    squares = (of.values**2).sum(1)
    apart = np.maximum(squares[:, None] + squares[None, :] - 2 * of.values @ of.values.T, 0)
    distances = np.sqrt(apart)
    np.fill_diagonal(distances, 0)

    def distance(side: Floats) -> Floats:
        m = side.sum(0)
        weight = side / m - (1 - side) / (len(side) - m)
        return np.asarray(-(weight * (distances @ weight)).sum(0))

    seen, p = chance(of, distance, seed, permutations)
    usual = float(distances.mean()) or 1.0
    return Answer(max(seen, 0.0), p, float(np.sqrt(max(seen, 0.0) / usual)), "energy_relative")
