"""The interval of an onset holds it, for changes at once and for slow ones."""

from __future__ import annotations

import numpy as np
import pytest

from monitors.changepoint import onset_interval, split

HOUR = 3600 * 10**9


def series(seed: int, ramp: float) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """400 values over 48 hours whose mean falls by 0.4 from hour 28 on, over `ramp` hours."""
    draw = np.random.default_rng(seed)
    at = np.sort(draw.uniform(0, 48, 400))
    share = np.clip((at - 28) / ramp, 0, 1) if ramp else (at >= 28).astype(float)
    return (at * HOUR).astype(np.int64), 0.8 - 0.4 * share + draw.normal(0, 0.25, 400)


@pytest.mark.parametrize("ramp", [0.0, 2.0, 6.0])
def test_the_interval_holds_the_onset_nine_times_in_ten(ramp: float) -> None:
    held, wide = 0, []
    for seed in range(60):
        low, high = onset_interval(*series(seed, ramp))
        held += low <= 28 * HOUR <= high
        wide.append((high - low) / HOUR)
    # Binomial(60, 0.9): under 47 in one run of a hundred.
    assert held >= 47
    assert np.median(wide) < 10


def test_the_split_is_at_the_change() -> None:
    time, values = series(1, 0.0)
    assert abs(time[split(values)] / HOUR - 28) < 1
