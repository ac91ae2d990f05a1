"""Corrected means hold the truth, agree with the reference library, and never pretend."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.estimates import cell
from schemas.estimates import betting, ppi
from schemas.estimates.corrected import corrected
from schemas.estimates.units import Floats, Units, gather

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "ppi.json").read_text())


def alone(scores: Floats, labels: Floats, units: list[str] | None = None) -> Units:
    """Units of items that were all judged, labelled by a uniform draw."""
    n = (~np.isnan(labels)).sum()
    named = units or [str(i) for i in range(len(scores))]
    return gather(
        scores, np.ones(len(scores)), named, labels, np.full(len(scores), n / len(scores))
    )


@pytest.mark.parametrize("n", [40, 150, 300])
def test_the_mean_and_its_error_are_those_of_ppi_python(n: int) -> None:
    """With labels beside the population there, and within it here, the tuning differs by a
    factor; the means are then the same."""
    assert GOLDEN["library"] == "ppi-python 0.2.3"
    cases = [case for case in GOLDEN["cases"] if case["n"] == n]
    scores, labels = np.array(cases[0]["scores"]), np.array(cases[0]["labels"])
    units = alone(scores, np.concatenate([labels, np.full(len(scores) - n, np.nan)]))
    for case in cases:
        if case["lam"] is None:
            found = ppi.point(units)
            assert found.mean == pytest.approx(case["point"], abs=0.01)  # cross-fitted, and not
            width = 2 * 1.959964 * float(found.error)
            assert width == pytest.approx(case["high"] - case["low"], rel=0.05)
            continue
        found = ppi.point(units, case["lam"] * len(scores) / (len(scores) - n))
        assert found.mean == pytest.approx(case["point"], abs=1e-12)
        half = 1.959964 * float(found.error)
        assert half == pytest.approx((case["high"] - case["low"]) / 2, rel=0.03)


def test_all_labels_alike_give_an_interval_and_not_a_point() -> None:
    """Thirty passes of thirty: the error of the mean is 0, and would claim certainty."""
    draw = np.random.default_rng(1)
    labels = np.full(2000, np.nan)
    labels[:30] = 1.0
    found = corrected(alone(draw.random(2000), labels))
    assert found.method == "betting"
    assert 0.75 < found.low < 0.93
    assert found.high == pytest.approx(1.0, abs=1e-6)


def test_inverse_probabilities_undo_a_choice_that_prefers_bad_items() -> None:
    draw = np.random.default_rng(2)
    labels = (draw.random(20_000) < 0.8).astype(float)
    scores = np.clip(labels * 0.4 + draw.random(20_000) * 0.6, 0, 1)
    chosen = np.where(scores < 0.5, 0.2, 0.02)
    told = np.where(draw.random(20_000) < chosen, labels, np.nan)
    named = [str(i) for i in range(20_000)]
    found = corrected(gather(scores, np.ones(20_000), named, told, chosen))
    assert abs(np.nanmean(told) - 0.8) > 0.2
    assert found.low < 0.8 < found.high
    assert found.high - found.low < 0.1


def test_rows_of_one_session_count_as_one() -> None:
    draw = np.random.default_rng(3)
    labels = (draw.random(400) < 0.5).astype(float)
    scores = draw.random(400)
    apart = corrected(alone(scores, labels))
    repeated = corrected(
        alone(np.repeat(scores, 5), np.repeat(labels, 5), [str(i // 5) for i in range(2000)])
    )
    assert repeated.low == pytest.approx(float(apart.low), abs=1e-9)
    assert repeated.high == pytest.approx(float(apart.high), abs=1e-9)


def test_a_judge_that_knows_narrows_the_interval_and_noise_does_not_widen_it() -> None:
    draw = np.random.default_rng(4)
    truth = (draw.random(5000) < 0.7).astype(float)
    told = np.where(np.arange(5000) < 400, truth, np.nan)
    good = np.clip(0.8 * truth + 0.2 * draw.random(5000), 0, 1)
    plain = corrected(alone(good, told), judged=False)
    knows, noise = corrected(alone(good, told)), corrected(alone(draw.random(5000), told))
    assert knows.high - knows.low < 0.5 * (plain.high - plain.low)
    assert noise.high - noise.low < 1.05 * (plain.high - plain.low)
    assert knows.tuning > 0.8 and noise.tuning < 0.2


def test_the_order_and_the_names_of_items_do_not_matter() -> None:
    draw = np.random.default_rng(5)
    scores, labels = draw.random(300), np.where(draw.random(300) < 0.3, 1.0, np.nan)
    names = [f"t{i}" for i in range(300)]
    order = draw.permutation(300)
    one = corrected(alone(scores, labels, names))
    other = corrected(alone(scores[order], labels[order], [names[i] for i in order]))
    assert (one.low, one.high) == (
        pytest.approx(float(other.low)),
        pytest.approx(float(other.high)),
    )


def test_impossible_probabilities_and_no_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="no label"):
        alone(np.ones(3), np.full(3, np.nan))
    with pytest.raises(ValueError, match="not in"):
        gather(np.ones(3), np.ones(3), ["a", "b", "c"], np.ones(3), np.zeros(3))


@pytest.mark.parametrize("judged", [True, False])
def test_the_bounded_interval_lies_in_its_bounds_and_shrinks(judged: bool) -> None:
    draw = np.random.default_rng(6)
    widths = []
    for n in (10, 100, 1000):
        labels = (draw.random(n) < 0.6).astype(float)
        low, high = betting.interval(alone(np.full(n, 0.5), labels), 0.05, judged)
        assert 0 <= low <= 0.6 <= high <= 1
        widths.append(float(high - low))
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize(
    ("labels", "rate", "auroc", "unequal", "size"),
    [(30, 0.97, 0.9, True, 1), (100, 0.9, 0.7, False, 1), (300, 0.5, 0.9, False, 5)],
)
def test_coverage_holds_in_a_draw_of_the_benchs_cells(
    labels: int, rate: float, auroc: float, unequal: bool, size: int
) -> None:
    assert cell(3, 200, labels, rate, auroc, unequal, size, "bold").coverage >= 0.92
