"""The contract of every two-sample test: seeded, at its level with sessions, awake on a change."""

from __future__ import annotations

import numpy as np
import pytest

from monitors.drift.two_sample import Pair, pair
from schemas.registry import load

TESTS = load("two_sample", "monitors.drift")


def rows(seed: int, shift: float, per_session: int = 1, spread: float = 0.0) -> Pair:
    """Two windows of 60 sessions; `spread` is the standard deviation of a session's own level.
    Rounded, so that ties and categories occur."""
    draw = np.random.default_rng(seed)

    def window(moved: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        own = np.repeat(draw.normal(0, spread, (60, 3)), per_session, axis=0)
        return np.asarray(np.round(draw.normal(moved, 1, own.shape) + own), np.float64)

    session = np.repeat(np.arange(60), per_session)
    return pair(window(0.0), window(shift), (session, session))


def test_there_are_tests_of_numbers_categories_and_vectors() -> None:
    assert {"ks", "mann_whitney", "g_test", "energy", "mmd", "classifier"} <= set(TESTS)


@pytest.mark.parametrize("name", TESTS)
def test_a_seed_makes_it_repeatable_and_a_change_is_seen(name: str) -> None:
    run = TESTS[name]
    assert run(rows(1, 0.0), 7, 199) == run(rows(1, 0.0), 7, 199)
    found = run(rows(2, 2.0), 7, 199)
    assert found.p_value == 1 / 200 and abs(found.effect) > 0.15


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize(("per_session", "spread"), [(1, 0.0), (5, 1.0)])
def test_quiet_windows_alarm_no_more_often_than_the_level(
    name: str, per_session: int, spread: float
) -> None:
    """60 quiet pairs at level 0.2: 12 expected; 23 or more has a chance below 0.001."""
    quiet = [rows(100 + n, 0.0, per_session, spread) for n in range(60)]
    p_values = [TESTS[name](each, n, 49).p_value for n, each in enumerate(quiet)]
    assert sum(p <= 0.2 for p in p_values) < 23
    assert len(set(p_values)) > 5


@pytest.mark.parametrize("name", TESTS)
def test_its_docstring_says_what_must_hold(name: str) -> None:
    assert "exchangeable" in str(TESTS[name].__doc__)
