"""'No change' names what would have been seen; no data is a verdict of its own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from schemas.estimates.change import CHANGED, NO_CHANGE, NO_DATA, change, say


def test_the_smallest_effect_is_found_in_about_80_percent_of_runs() -> None:
    """400 runs: between .72 and .88 but for a chance of 1e-4."""
    random = np.random.default_rng(1)
    found = 0
    for _ in range(400):
        old, new = random.normal(0, 1, 20), random.normal(0, 1, 10)
        shift = change(old.tolist(), new.tolist()).smallest
        found += change(old.tolist(), (random.normal(0, 1, 10) + shift).tolist()).verdict == CHANGED
    assert 0.72 < found / 400 < 0.88


def test_quiet_blocks_are_no_change_at_the_level() -> None:
    """400 quiet runs at .05: 20 expected; 36 or more has a chance below 1e-3."""
    random = np.random.default_rng(2)
    sides = [
        (random.normal(0, 1, 14).tolist(), random.normal(0, 1, 7).tolist()) for _ in range(400)
    ]
    assert sum(change(*each).verdict == CHANGED for each in sides) < 36


def test_no_data_is_not_no_change() -> None:
    found = change([0.5] * 20, [math.nan, 0.5])
    assert found.verdict == NO_DATA and math.isnan(found.effect)
    assert say(found) == "no data: 20 and 1 days, at least 3 are needed"


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, NO_CHANGE), (1.0, CHANGED)])
def test_the_verdict_is_said_with_its_numbers(shift: float, verdict: str) -> None:
    old = [0.1, 0.2, 0.3, 0.2, 0.1]
    found = change(old, [v + shift for v in old])
    assert found.verdict == verdict and found.effect == pytest.approx(shift)
    assert ("80% power" in say(found)) == (verdict == NO_CHANGE)
    assert change([1.0] * 4, [1.0 + shift] * 4).verdict == verdict
