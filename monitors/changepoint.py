"""When a mean shifted: the split that separates before and after best."""

from __future__ import annotations

import numpy as np

from monitors.windows import Floats


def split(values: Floats, edge: int = 8) -> int:
    """Index of the first value after the change; least-squares (CUSUM) estimate."""
    n = len(values)
    before = np.arange(edge, n - edge + 1)
    total = np.cumsum(values)
    left = total[before - 1] / before
    right = (total[-1] - total[before - 1]) / (n - before)
    gain = (left - right) ** 2 * before * (n - before) / n
    return int(before[int(gain.argmax())])
