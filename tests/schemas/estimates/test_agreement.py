"""Agreement with labels: known values, intervals by whole sessions, and 'uninformative'."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from schemas.estimates.agreement import agreement, auroc, kappa, spearman

SCORES = np.array([0.9, 0.8, 0.7, 0.4, 0.6, 0.2, 0.1, 0.3])
LABELS = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0])


def test_the_figures_are_those_of_their_definitions() -> None:
    assert auroc(SCORES, LABELS) == 15 / 16
    assert kappa(SCORES, LABELS) == pytest.approx(0.5)
    assert spearman(SCORES, LABELS) == pytest.approx(spearmanr(SCORES, LABELS).statistic)
    found = agreement(SCORES, LABELS, list("abcdefgh"))
    assert found.confusion == (3, 1, 1, 3)


def test_ties_are_halves_and_one_class_has_no_auroc() -> None:
    assert auroc(np.full(8, 0.5), LABELS) == 0.5
    assert math.isnan(auroc(SCORES, np.ones(8)))
    assert math.isnan(kappa(np.ones(8), np.ones(8)))
    assert math.isnan(spearman(np.ones(8), LABELS))


def test_a_judge_that_guesses_is_uninformative_and_one_that_knows_is_not() -> None:
    draw = np.random.default_rng(0)
    labels = (draw.random(300) < 0.5).astype(float)
    units = [str(i) for i in range(300)]
    assert agreement(draw.random(300), labels, units, 200).uninformative
    assert not agreement(labels * 0.5 + draw.random(300) * 0.6, labels, units, 200).uninformative


def test_repeated_rows_of_a_session_do_not_narrow_an_interval() -> None:
    draw = np.random.default_rng(1)
    labels = (draw.random(60) < 0.5).astype(float)
    scores = labels * 0.3 + draw.random(60) * 0.7
    units = [str(i) for i in range(60)]
    one = agreement(scores, labels, units, 400).auroc
    five = agreement(
        np.repeat(scores, 5), np.repeat(labels, 5), [u for u in units for _ in "12345"], 400
    )
    assert five.items == 300 and five.units == 60
    assert five.auroc.high - five.auroc.low == pytest.approx(one.high - one.low, rel=0.1)


def test_few_units_have_no_interval() -> None:
    found = agreement(SCORES, LABELS, list("aaaabbbb"))
    assert math.isnan(found.auroc.low) and found.uninformative
