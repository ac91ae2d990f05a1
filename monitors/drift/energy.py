"""Energy distance between two windows of embeddings, by permutation (Szekely & Rizzo 2013)."""

from __future__ import annotations

import numpy as np

from monitors.windows import Floats
from schemas.registry import register

POINTS = 600
CHUNK = 256


@register("detector", "energy")
def energy(
    reference: Floats, current: Floats, seed: int = 0, permutations: int = 999
) -> tuple[float, float]:
    """(energy distance >= 0, p-value) of two (n, d) samples; at most POINTS rows of each.

    Exact for exchangeable rows: give one row per session. Raises ValueError on fewer than 2 rows
    a side.
    """
    if min(len(reference), len(current)) < 2:
        raise ValueError("energy needs at least two rows in each window")
    draw = np.random.default_rng(seed)
    a = reference[draw.permutation(len(reference))[:POINTS]]
    b = current[draw.permutation(len(current))[:POINTS]]
    both = np.vstack([a, b]).astype(np.float64)
    norms = (both**2).sum(1)
    distances = np.sqrt(np.maximum(norms[:, None] + norms[None, :] - 2 * both @ both.T, 0))
    np.fill_diagonal(distances, 0)
    rows, total = distances.sum(1), float(distances.sum())
    n, m = len(a), len(b)

    def statistic(side: Floats) -> Floats:
        """Per column of 0 and 1 (n + m, columns), 1 where a row belongs to the reference."""
        within_a = (side * (distances @ side)).sum(0)
        to_b = rows @ side - within_a
        within_b = total - within_a - 2 * to_b
        return np.asarray(2 * to_b / (n * m) - within_a / n**2 - within_b / m**2)

    truth = (np.arange(n + m) < n).astype(np.float64)[:, None]
    seen = float(statistic(truth)[0])
    beaten = 0
    for done in range(0, permutations, CHUNK):
        size = min(CHUNK, permutations - done)
        beaten += int(
            (statistic(draw.permuted(np.tile(truth, size), axis=0)) >= seen - 1e-12).sum()
        )
    return max(seen, 0.0), (1 + beaten) / (1 + permutations)
