"""Calibrators learn from other sessions only, and leave a corrected mean right."""

from __future__ import annotations

import numpy as np

from schemas.estimates import borrowed
from schemas.estimates.borrowed import Off
from schemas.estimates.calibrate import FOLDS, crossfit, errors, folds
from schemas.estimates.corrected import corrected
from schemas.estimates.units import gather


def test_a_session_is_in_one_fold_and_its_labels_do_not_read_themselves() -> None:
    units = [f"s{i // 3}" for i in range(600)]
    fold = folds(units)
    assert set(fold) == set(range(FOLDS))
    assert all(len({fold[i], fold[i + 1], fold[i + 2]}) == 1 for i in range(0, 600, 3))
    draw = np.random.default_rng(1)
    scores, labels = draw.random(600), draw.integers(0, 2, 600).astype(float)
    before = crossfit(scores, labels, np.ones(600), units)
    changed = labels.copy()
    changed[:3] = 1 - changed[:3]
    after = crossfit(scores, changed, np.ones(600), units)
    assert before is not None and after is not None
    same = fold == fold[0]
    assert np.array_equal(before.apart[same], after.apart[same])
    assert not np.array_equal(before.apart[~same], after.apart[~same])


def test_calibrated_scores_are_chances_and_too_few_labels_make_none() -> None:
    draw = np.random.default_rng(2)
    truth = draw.random(4000)
    labels = (draw.random(4000) < truth).astype(float)
    units = [str(i) for i in range(4000)]
    made = crossfit(truth**4, labels, np.ones(4000), units)
    assert made is not None
    raw, fair = errors(truth**4, labels, np.ones(4000)), errors(made.apart, labels, np.ones(4000))
    assert fair[0] < raw[0] and fair[1] < 0.04 < 0.2 < raw[1]
    few = np.full(4000, np.nan)
    few[:11] = labels[:11]
    assert crossfit(truth, few, np.ones(4000), units) is None


def test_the_mean_by_calibration_holds_the_truth() -> None:
    """300 populations of 2,000 with 150 labels and a judge whose scores are far off (seed 5)."""
    draw, held = np.random.default_rng(5), 0
    for _ in range(300):
        truth = draw.beta(4, 1, 2000)
        labels = (draw.random(2000) < truth).astype(float)
        told = np.full(2000, np.nan)
        told[:150] = labels[:150]
        units = [str(i) for i in range(2000)]
        made = crossfit(truth**4, told, np.where(np.isnan(told), 0.0, 1.0), units)
        assert made is not None
        chosen = np.full(2000, 150 / 2000)
        found = corrected(gather(made.chance, np.ones(2000), units, told, chosen, made.apart))
        held += bool(found.low <= 0.8 <= found.high)
    assert held >= 0.92 * 300


def test_borrowed_labels_agree_only_where_that_is_shown() -> None:
    own = Off(-0.10, 0.01, 200, 300)
    assert borrowed.tested(own, Off(-0.11, 0.01, 300, 300), 0.8, 0.01).verdict == "agree"
    assert borrowed.tested(own, Off(-0.20, 0.01, 300, 300), 0.8, 0.01).verdict == "differ"
    assert borrowed.tested(own, Off(-0.11, 0.06, 300, 300), 0.8, 0.01).verdict == "not shown"
    assert (
        borrowed.tested(Off(-0.1, 0.01, 9, 9), Off(-0.1, 0.01, 300, 300), 0.8, 0).verdict
        == "untested"
    )
    found = borrowed.tested(own, Off(-0.11, 0.01, 300, 300), 0.8, 0.01)
    assert found.mean_low < 0.69 < found.mean_high
