"""Maximum mean discrepancy with aggregated Gaussian bandwidths (after arXiv 2110.15073)."""

from __future__ import annotations

import numpy as np

from monitors.drift.two_sample import Answer, Pair, labels
from monitors.windows import Floats
from schemas.registry import register

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)  # times the median distance


@register("two_sample", "mmd")
def mmd(of: Pair, seed: int = 0, permutations: int = 999) -> Answer:
    """Statistic: the squared MMD (biased, >= 0) at the bandwidth with the smallest p-value. The
    p-value is that of the smallest of all bandwidths' p-values within the same permutations, so
    choosing costs nothing; effect: MMD at the median distance. Exact for exchangeable sessions."""
    squares = (of.values**2).sum(1)
    distance = np.maximum(squares[:, None] + squares[None, :] - 2 * of.values @ of.values.T, 0)
    middle = float(np.median(distance[np.triu_indices(len(distance), 1)])) or 1.0
    kernels = [np.exp(-distance / (2 * middle * f * f)) for f in FACTORS]

    def squared(side: Floats) -> Floats:
        m = side.sum(0)
        weight = side / m - (1 - side) / (len(side) - m)
        return np.stack([(weight * (k @ weight)).sum(0) for k in kernels])

    truth = squared(of.late.astype(np.float64)[:, None])
    null = np.concatenate([squared(s) for s in labels(of, seed, permutations)], axis=1)
    everything = np.concatenate([truth, null], axis=1)
    # Rank from above, the true labels among the permuted: p-values of equal standing.
    ordered = np.sort(everything, axis=1)
    p_each = np.stack([
        1 - np.searchsorted(row, each * (1 - 1e-9), side="left") / len(row)
        for row, each in zip(ordered, everything, strict=True)
    ])  # fmt: skip
    least = p_each.min(0)
    p = float((least <= least[0] + 1e-12).sum()) / len(least)
    best = int(p_each[:, 0].argmin())
    effect = float(np.sqrt(max(truth[FACTORS.index(1.0), 0], 0.0)))
    return Answer(float(truth[best, 0]), p, effect, "mmd")
