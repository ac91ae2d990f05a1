"""Kolmogorov-Smirnov: the greatest gap between two cumulative distributions, by permutation."""

from __future__ import annotations

import numpy as np

from monitors.drift.effects import wasserstein
from monitors.drift.two_sample import Answer, Pair, chance
from monitors.windows import Floats
from schemas.registry import register


@register("two_sample", "ks")
def ks(of: Pair, seed: int = 0, permutations: int = 999) -> Answer:
    """D in [0, 1]; effect: Wasserstein-1 in the reference's standard deviations. Exact under ties,
    for exchangeable sessions."""
    order = np.argsort(of.values[:, 0], kind="stable")
    ordered = of.values[order, 0]
    last = np.append(ordered[1:] != ordered[:-1], True)

    def gap(side: Floats) -> Floats:
        late = side[order]
        new, old = np.cumsum(late, axis=0), np.cumsum(1 - late, axis=0)
        apart = np.abs(new / new[-1] - old / old[-1])[last]
        return np.asarray(apart.max(0))

    seen, p = chance(of, gap, seed, permutations)
    return Answer(seen, p, wasserstein(*(s[:, 0] for s in of.sides)), "wasserstein_sd")
