"""Draws for labelling: each item's chance is known, whatever the rule and however many draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from schemas.review import (
    INFORMATIVE,
    RANDOM,
    ReviewBatchRow,
    chances,
    inclusion,
    rate_for,
    weights,
)

SCORES = np.random.default_rng(1).random(4000)
STARTS = np.arange(4000, dtype=np.int64)
SCORED = np.full(4000, 5.0)
BATCH = ReviewBatchRow("p", "e", "b", "1", RANDOM, 0.1, 0.5, 0.1, 0, 4000, "ada", 10)


@pytest.mark.parametrize("mode", [RANDOM, INFORMATIVE])
@pytest.mark.parametrize("wanted", [1, 40, 3999, 4000, 9000])
def test_a_draw_has_the_size_that_was_asked_for(mode: str, wanted: int) -> None:
    weight = weights(mode, SCORES, 0.5, 0.1)
    chance = np.minimum(1, rate_for(weight, wanted) * weight)
    assert chance.sum() == pytest.approx(min(wanted, 4000), rel=1e-6)
    assert chance.min() > 0


def test_an_informative_draw_prefers_scores_near_the_threshold_and_leaves_none_out() -> None:
    chance = chances(replace(BATCH, mode=INFORMATIVE), SCORES, STARTS, SCORED)
    near, far = np.abs(SCORES - 0.5) < 0.02, np.abs(SCORES - 0.5) > 0.4
    assert chance[near].min() > 5 * chance[far].max() > 0


def test_what_could_not_be_drawn_has_no_chance() -> None:
    assert chances(replace(BATCH, start_ns=2000), SCORES, STARTS, SCORED)[:2000].sum() == 0
    assert chances(replace(BATCH, drawn_at=4), SCORES, STARTS, SCORED).sum() == 0


def test_the_newest_item_of_a_period_can_be_drawn() -> None:
    now = 1_795_000_000_000_000_129  # as a float it would be later than the period's end
    one = replace(BATCH, rate=1.0, end_ns=now + 1)
    found = chances(one, SCORES[:1], np.array([now], np.int64), SCORED[:1])
    assert found.tolist() == [1.0]


def test_weighted_by_its_chance_a_sample_of_two_unlike_draws_has_the_populations_mean() -> None:
    """Simulated, seed 7: 400 times two draws without return; the mean of the estimates is within
    four standard errors of the truth, and that of the unweighted ones is not."""
    truth = (SCORES + 0.3 * np.sin(9 * SCORES)) > 0.6
    first = replace(BATCH, mode=INFORMATIVE, rate=0.15)
    second = replace(BATCH, rate=0.05, drawn_at=11)
    chance = inclusion([first, second], "1", SCORES, STARTS, SCORED)
    one, two = (chances(b, SCORES, STARTS, SCORED) for b in (first, second))
    draw = np.random.default_rng(7)
    right, plain = [], []
    for _ in range(400):
        mine = draw.random(4000) < one
        mine |= draw.random(4000) < two  # those of `mine` are not drawn again: nothing changes
        right.append((truth[mine] / chance[mine]).sum() / (1 / chance[mine]).sum())
        plain.append(truth[mine].mean())
    error = np.std(right) / 20
    assert abs(np.mean(right) - truth.mean()) < 4 * error
    assert abs(np.mean(plain) - truth.mean()) > 8 * error


def test_an_informative_batch_of_another_version_is_left_out() -> None:
    batches = [replace(BATCH, mode=INFORMATIVE, evaluator_version="0"), replace(BATCH, batch="c")]
    assert inclusion(batches, "1", SCORES, STARTS, SCORED) == pytest.approx(np.full(4000, 0.1))
