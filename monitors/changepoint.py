"""When a mean shifted: the split that separates before and after best, and how sure that is."""

from __future__ import annotations

import numpy as np

from monitors.windows import Floats, Integers

RAMPS = (0.0, 0.03, 0.06, 0.12, 0.25)  # of the window's length: how long a change may take to come
STEP = 0.5  # prior of a change at once; the ramps share the rest
GRID = 240  # moments at which a change may begin
LEVEL = 0.90
# The segment was chosen for how far it moved, so its series looks cleaner than it is: evidence is
# divided by this. Chosen on seeds of `bench.onsets` that its table does not use.
SELECTED = 1.4


def split(values: Floats, edge: int = 8) -> int:
    """Index of the first value after the change; least-squares (CUSUM) estimate."""
    n = len(values)
    before = np.arange(edge, n - edge + 1)
    total = np.cumsum(values)
    left = total[before - 1] / before
    right = (total[-1] - total[before - 1]) / (n - before)
    gain = (left - right) ** 2 * before * (n - before) / n
    return int(before[int(gain.argmax())])


def onset_interval(time: Integers, values: Floats, edge: int = 8) -> tuple[int, int]:
    """A 90% interval (ns) of when the mean of `values` (n,) at `time` (n,), in order, began to
    change, at once or over a while.

    Posterior of a change that starts at any moment and is complete after one of RAMPS, its size
    free (flat priors; the likelihood of normal noise with the variance that the best fit leaves).
    Equal tails. Where a change takes a while, its beginning is asked for, not its middle.
    """
    t = (time - time[0]) / max(int(time[-1] - time[0]), 1)
    begins = np.unique(np.quantile(t[edge : len(t) - edge + 1], np.linspace(0, 1, GRID)))
    off = values - values.mean()
    gains = np.empty((len(RAMPS), len(begins)))
    for row, ramp in enumerate(RAMPS):
        late = t[None, :] - begins[:, None]
        x = np.clip(late / ramp, 0, 1) if ramp else (late >= 0).astype(np.float64)
        x = x - x.mean(1, keepdims=True)
        gains[row] = (x @ off) ** 2 / np.maximum((x**2).sum(1), 1e-9)
    noise = max((float((off**2).sum()) - float(gains.max())) / max(len(t) - 3, 1), 1e-12)
    prior = np.array([STEP, *([(1 - STEP) / (len(RAMPS) - 1)] * (len(RAMPS) - 1))])
    # A moment stands for the time up to the next one.
    width = np.gradient(begins) if len(begins) > 1 else np.ones(1)
    weight = np.exp((gains - gains.max()) / (2 * noise * SELECTED)) * prior[:, None] * width
    share = np.cumsum(weight.sum(0)) / weight.sum()
    tail = (1 - LEVEL) / 2
    low = begins[int(np.searchsorted(share, tail))]
    high = begins[min(int(np.searchsorted(share, 1 - tail)), len(begins) - 1)]
    # A value is later than its change: by up to the wait for the one before it.
    low = t[max(0, int(np.searchsorted(t, low)) - 1)]
    span = int(time[-1] - time[0])
    return int(time[0] + low * span), int(time[0] + high * span)
