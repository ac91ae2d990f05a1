"""Mann-Whitney: is one window's value greater than the other's more often than not?"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from monitors.drift.effects import cohens_d
from monitors.drift.two_sample import Answer, Pair, chance
from monitors.windows import Floats
from schemas.registry import register


@register("two_sample", "mann_whitney")
def mann_whitney(of: Pair, seed: int = 0, permutations: int = 999) -> Answer:
    """AUC of current over reference (0.5: none), two-sided by permutation, ties counted half;
    effect: Cohen's d. Exact for exchangeable sessions."""
    ranks = rankdata(of.values[:, 0])

    def auc(side: Floats) -> Floats:
        m = side.sum(0)
        n = len(side) - m
        return np.asarray((ranks @ side - m * (m + 1) / 2) / (n * m))

    seen = float(auc(of.late.astype(np.float64)[:, None])[0])
    _, p = chance(of, lambda side: np.abs(auc(side) - 0.5), seed, permutations)
    return Answer(seen, p, cohens_d(*(s[:, 0] for s in of.sides)), "cohens_d")
