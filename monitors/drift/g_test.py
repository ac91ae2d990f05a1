"""G-test of categories: the likelihood ratio of two tables of counts, by permutation."""

from __future__ import annotations

import numpy as np

from monitors.drift.effects import jensen_shannon
from monitors.drift.two_sample import Answer, Pair, chance
from monitors.windows import Floats
from schemas.registry import register


@register("two_sample", "g_test")
def g_test(of: Pair, seed: int = 0, permutations: int = 999) -> Answer:
    """G = 2 sum O ln(O / E) over codes; effect: Jensen-Shannon divergence in bits. Rare categories
    need no pooling: the null is permuted. Exact for exchangeable sessions."""
    known, codes = np.unique(of.values[:, 0], return_inverse=True)
    of_code = np.zeros((len(known), len(codes)))
    of_code[codes, np.arange(len(codes))] = 1.0
    total = of_code.sum(1)[:, None]

    def likelihood(side: Floats) -> Floats:
        new = of_code @ side
        old, m = total - new, side.sum(0)
        n = len(side) - m
        out = np.zeros(side.shape[1])
        for count, size in ((new, m), (old, n)):
            expected = total * size / (n + m)
            ratio = np.where(count > 0, count / expected, 1.0)
            out = out + 2 * (count * np.log(ratio)).sum(0)
        return np.asarray(out)

    seen, p = chance(of, likelihood, seed, permutations)
    new = of_code @ of.late.astype(np.float64)
    old = total[:, 0] - new
    return Answer(seen, p, jensen_shannon(old / old.sum(), new / new.sum()), "jensen_shannon_bits")
