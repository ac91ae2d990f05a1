"""A shift is told from what a judge varies by itself, as often as is said."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.estimates.shift import TOLERANCE, compare, reach, verdict


def judge(draw: np.random.Generator, runs: int, shift: float = 0.0, together: float = 0.01,
          items: int = 100) -> np.ndarray:  # type: ignore[type-arg]  # fmt: skip
    """Runs that share 100 rows, a spread between runs and one between rows of a run."""
    truth = np.random.default_rng(1).random(items)
    run = draw.normal(0, together, (runs, 1))
    return truth + shift + run + draw.normal(0, 0.05, (runs, items))


def test_without_a_shift_one_run_in_a_hundred_speaks() -> None:
    draw = np.random.default_rng(2)
    spoke = sum(
        verdict(compare(judge(draw, 5), judge(draw, 1)[0]), 0.0) != "good" for _ in range(3000)
    )
    assert spoke <= 0.015 * 3000


def test_the_smallest_detectable_shift_is_detected_as_often_as_is_said() -> None:
    draw = np.random.default_rng(3)
    size = float(np.mean([reach(judge(draw, 5))[1] for _ in range(500)]))
    found = [compare(judge(draw, 5), judge(draw, 1, size)[0]) for _ in range(1000)]
    assert np.mean([each.low > 0 for each in found]) >= 0.75
    assert abs(np.mean([each.shift for each in found]) - size) < 0.002


def test_a_judge_that_repeats_itself_exactly_hides_nothing() -> None:
    null = np.tile(np.random.default_rng(4).random(30), (5, 1))
    assert verdict(compare(null, null[0]), 0.0) == "good"
    moved = null[0].copy()
    moved[3] += 0.3
    found = compare(null, moved)
    assert (found.shift, found.detectable) == (pytest.approx(0.01), TOLERANCE)
    assert verdict(found, 0.02) == "changed" and verdict(found, 0.005) == "drifted"


def test_rows_without_a_score_are_left_out_and_too_few_repeats_refused() -> None:
    null = np.tile(np.linspace(0, 1, 10), (5, 1))
    run = null[0].copy()
    run[0] = np.nan
    assert compare(null, run).items == 9
    with pytest.raises(ValueError, match="4 repeats; at least 5"):
        compare(null[:4], run)
    with pytest.raises(ValueError, match="no row has a score"):
        compare(null, np.full(10, np.nan))
