"""e-BH over streams that are watched together (Wang and Ramdas, arXiv 2009.02824).

Each stream's detector stands at a multiple of its own threshold; k streams ring together where k
of them have reached a k-th of it. Under any dependence between streams this keeps the budget that
the thresholds were made for: while nothing changes a detector grows by 1 a block on average, so the
sum of all multiples grows by `budget` in 30 days, and every episode takes away at least 1 (k times
1 / k). Hence no more than `budget` episodes are expected in 30 days, wherever the e-values of the
single blocks are valid.
"""

from __future__ import annotations

import numpy as np

from monitors.windows import Floats, Integers


def e_bh(multiples: Floats) -> Integers:
    """Indices of what is rejected, strongest first, of e-values given as multiples of the value at
    which one alone would be (m / alpha for m hypotheses at false discovery rate alpha)."""
    order = np.argsort(-multiples, kind="stable")
    enough = np.flatnonzero(multiples[order] * np.arange(1, len(order) + 1) >= 1)
    return np.asarray(order[: enough[-1] + 1] if len(enough) else order[:0], dtype=np.int64)
