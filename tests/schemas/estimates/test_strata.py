"""Strata of the score learn from other sessions only, and are used where they are shorter."""

from __future__ import annotations

import numpy as np

from schemas.estimates.corrected import Estimate, best
from schemas.estimates.strata import EACH, learn, stratified, taught
from schemas.estimates.units import Floats, gather


def _made(scores: Floats, told: Floats, labelled: float) -> Estimate:
    units = [str(i) for i in range(len(scores))]
    given = (scores, np.ones_like(scores), units, told, np.full_like(scores, labelled))
    return best(gather(*given), stratified(*given, taught(*given)))


def test_a_stratum_is_read_by_labels_outside_its_fold() -> None:
    draw = np.random.default_rng(1)
    scores, labels = draw.random(400), draw.integers(0, 2, 400).astype(float)
    fold = np.arange(400) % 5
    before = learn(scores, labels, np.ones(400), fold)
    after = learn(scores, np.where(fold == 2, 1 - labels, labels), np.ones(400), fold)
    assert before is not None and after is not None
    assert np.allclose(before.means[2], after.means[2])
    assert not np.allclose(before.means[1], after.means[1])
    lone = np.repeat([[0.2], [0.7]], 400, axis=1)
    assert learn(lone, np.stack([labels] * 2), np.ones((2, 400)), np.stack([fold] * 2)) is not None
    assert learn(scores[: 2 * EACH - 1], labels[: 2 * EACH - 1], np.ones(39), fold[:39]) is None


def test_a_judge_whose_scores_are_far_off_is_read_by_strata_and_the_truth_is_held() -> None:
    """200 populations of 2,000 with 300 labels; scores are the fourth power of chances (seed 5)."""
    draw, held, chosen = np.random.default_rng(5), 0, 0
    for _ in range(200):
        truth = np.where(draw.random(2000) < 0.5, draw.beta(12, 2, 2000), draw.beta(2, 12, 2000))
        told = np.full(2000, np.nan)
        told[:300] = draw.random(300) < truth[:300]
        found = _made(truth**8, told, 300 / 2000)
        held += bool(found.low <= 0.5 <= found.high)
        chosen += found.method == "t, by strata"
    assert held >= 0.92 * 200
    assert chosen > 150


def test_a_judge_in_a_straight_line_keeps_its_scores() -> None:
    draw = np.random.default_rng(6)
    truth = draw.random(2000)
    told = np.full(2000, np.nan)
    told[:300] = draw.random(300) < truth[:300]
    assert _made(truth, told, 300 / 2000).method == "t"


def test_a_judge_that_says_two_things_has_two_strata() -> None:
    draw = np.random.default_rng(7)
    good = draw.random(2000) < 0.6
    scores = np.where(draw.random(2000) < 0.9, good, ~good).astype(float)
    told = np.full(2000, np.nan)
    told[:300] = good[:300]
    learnt = taught(scores, np.ones(2000), [str(i) for i in range(2000)], told, np.ones(2000))
    assert learnt is not None
    assert len(set(learnt.of(scores))) == 2
    found = _made(scores, told, 300 / 2000)
    assert found.low < 0.6 < found.high
