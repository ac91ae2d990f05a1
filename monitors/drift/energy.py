"""Energy distance between two windows of embeddings, by permutation (Szekely & Rizzo 2013)."""

from __future__ import annotations

import numpy as np

from monitors.windows import Floats
from schemas.registry import register

POINTS = 400


@register("detector", "energy")
def energy(
    reference: Floats, current: Floats, seed: int = 0, permutations: int = 999
) -> tuple[float, float]:
    """(energy distance >= 0, p-value) of two (n, d) samples; at most POINTS rows of each.

    Exact for exchangeable rows. Raises ValueError on fewer than 2 rows a side.
    """
    if min(len(reference), len(current)) < 2:
        raise ValueError("energy needs at least two rows in each window")
    draw = np.random.default_rng(seed)
    a = reference[draw.permutation(len(reference))[:POINTS]]
    b = current[draw.permutation(len(current))[:POINTS]]
    both = np.vstack([a, b]).astype(np.float64)
    norms = (both**2).sum(1)
    distances = np.sqrt(np.maximum(norms[:, None] + norms[None, :] - 2 * both @ both.T, 0))
    n, m = len(a), len(b)

    def statistic(order: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        side = np.zeros(n + m)
        side[order[:n]] = 1.0
        to_a = distances @ side
        within_a = side @ to_a / n**2
        other = 1 - side
        within_b = other @ (distances @ other) / m**2
        return float(2 * (other @ to_a) / (n * m) - within_a - within_b)

    seen = statistic(np.arange(n + m))
    beaten = sum(statistic(draw.permutation(n + m)) >= seen for _ in range(permutations))
    return max(seen, 0.0), (1 + beaten) / (1 + permutations)
