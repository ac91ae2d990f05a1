"""Columns are compared by the tests that suit them, corrected for how many there are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from monitors.drift.compare import Compared, Window, compare, kind_of
from monitors.drift.effects import cohens_d, jensen_shannon, psi, wasserstein
from monitors.drift.texts import script
from monitors.drift.two_sample import adjusted, pair
from schemas.registry import load

TESTS = load("two_sample", "monitors.drift")
DRAW = np.random.default_rng(5)
A, B = DRAW.normal(0, 1, 300), DRAW.normal(0.6, 1, 250)


def answers(old: Any, new: Any, kind: str, **more: Any) -> dict[str, Compared]:
    found = compare(Window(old), Window(new), TESTS, kind, **more)
    return {f"{c.feature} {c.detector}": c for c in found}


def test_the_kind_is_read_from_the_values() -> None:
    assert kind_of([1, 2.5], [None, 3]) == "number"
    assert kind_of(["a", "b"] * 20, ["a"] * 10) == "category"
    assert kind_of([f"text {n}" for n in range(40)]) == "text"


def test_statistics_agree_with_scipy() -> None:
    found = answers(A, B, "number")
    assert found["value ks"].statistic == pytest.approx(stats.ks_2samp(A, B).statistic)
    u = stats.mannwhitneyu(B, A).statistic / (len(A) * len(B))
    assert found["value mann_whitney"].statistic == pytest.approx(u)
    table = np.array([[40, 60], [70, 30]])
    old, new = np.repeat(["x", "y"], table[0]), np.repeat(["x", "y"], table[1])
    g = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert answers(old, new, "category")["value g_test"].statistic == pytest.approx(g)


def test_effects_agree_with_their_definitions() -> None:
    assert wasserstein(A, B) == pytest.approx(stats.wasserstein_distance(A, B) / A.std())
    assert cohens_d(A, B) == pytest.approx(0.6, abs=0.2)
    assert psi(A, A) == 0 and psi(A, B) > 0.1
    assert jensen_shannon(np.array([1.0, 0]), np.array([0.0, 1])) == 1.0


def test_adjusted_p_values_are_those_of_scipy() -> None:
    p = [0.01, 0.04, 0.03, 0.5]
    assert adjusted(p) == pytest.approx(stats.false_discovery_control(p))


def test_no_change_names_what_would_have_been_found() -> None:
    found = answers(A, A + 0, "number")["value mann_whitney"]
    assert found.verdict == "no change found"
    assert found.detectable is not None and 0.1 < found.detectable < 0.5


def test_a_power_of_80_percent_is_what_was_promised() -> None:
    named = answers(A[:100], A[100:200], "number")["value mann_whitney"].detectable
    assert named is not None
    draw = np.random.default_rng(3)
    level = 0.05 / 2
    seen = sum(
        stats.mannwhitneyu(draw.normal(0, 1, 100), draw.normal(named, 1, 100)).pvalue <= level
        for _ in range(400)
    )
    assert 0.72 < seen / 400 < 0.88


def test_texts_are_compared_by_length_script_and_vector() -> None:
    old = [f"where is parcel {n}" for n in range(60)]
    new = [f"где посылка {n}" for n in range(60)]

    def embed(texts: Any) -> Any:
        return np.array([[len(t), t.count("e")] for t in texts], dtype=np.float64)

    found = answers(old, new, "text", embed=embed)
    assert {k.split()[0] for k in found} == {"embedding", "length", "script"}
    assert found["script g_test"].verdict == "changed"
    assert found["script g_test"].effect == pytest.approx(1.0)


def test_the_script_of_a_text_is_that_of_most_letters() -> None:
    found = [script(t) for t in ("ok", "да ok да", "你好", "42 !")]
    assert found == ["LATIN", "CYRILLIC", "CJK", "NONE"]


def test_sessions_keep_their_rows_together() -> None:
    """Ten sessions of 30 equal rows: 300 rows that are worth ten."""
    draw = np.random.default_rng(2)
    old, new = (np.repeat(draw.normal(0, 1, 10), 30) for _ in range(2))
    numbers = np.repeat(np.arange(10), 30)
    blind = answers(old, new, "number")["value ks"]
    fair = compare(Window(old, numbers), Window(new, numbers), TESTS, "number")[0]
    assert blind.p_value < 0.01 < 0.05 < fair.p_value
    assert (fair.n_reference, fair.sessions_reference) == (300, 10)


def test_one_row_is_no_window() -> None:
    with pytest.raises(ValueError, match="at least two rows"):
        pair(np.ones(1), np.ones(9))
