"""Findings of streams and columns are over when they are back or unused, and not before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitors.alerts.recovery_blocks import DAY_MS, why_days_over, why_filled
from monitors.series import Stream

ONSET = 20_000  # a day since 1970
FOUND: dict[str, Any] = {
    "finding_id": "f1", "signal": "errors", "segment": '{"model": "m2"}', "effect": 0.2,
    "onset_ms": ONSET * DAY_MS, "mean_reference": 0.1, "mean_current": 0.3,
}  # fmt: skip


def stream(after: dict[int, float], spread: float = 0.01, days: int = 40, weekend: float = 0.0,
           column: str = "model") -> Stream:  # fmt: skip
    """`days` of 0.1 before the onset, of 0.1 + `weekend` at weekends; then `after`, by day."""
    draw = np.random.default_rng(1)
    means = {
        day: 0.1 + weekend * ((day + 3) % 7 >= 5) + float(draw.normal(0, spread))
        for day in range(ONSET - days, ONSET)
    } | after
    return Stream("errors", "", column, "m2", means, dict.fromkeys(means, 100))


def days(level: float, n: int = 8) -> dict[int, float]:
    return {ONSET + k: level for k in range(n)}


@pytest.mark.parametrize(("level", "over"), [(0.3, False), (0.2, False), (0.1, True), (0.0, True)])
def test_a_stream_is_over_when_its_days_are_as_before(level: float, over: bool) -> None:
    why = why_days_over(FOUND, stream(days(level)), None, ONSET + 7, 0.02)
    assert bool(why) is over


def test_a_fall_is_over_when_it_has_risen_again() -> None:
    fell = {**FOUND, "effect": -0.2}
    assert why_days_over(fell, stream(days(-0.1)), None, ONSET + 7, 0.02) == ""
    why = why_days_over(fell, stream(days(0.1)), None, ONSET + 7, 0.02)
    assert why.startswith("over the last 3 days it differs by ") and "differed by -0.2" in why


def test_days_that_vary_much_are_not_yet_over() -> None:
    assert why_days_over(FOUND, stream(days(0.1), spread=0.2), None, ONSET + 7, 0.02) == ""


def test_weekends_are_held_against_weekends() -> None:
    saturday = next(d for d in range(ONSET + 3, ONSET + 10) if (d + 3) % 7 == 5)
    quiet = days(0.1, 12) | {saturday: 0.5, saturday + 1: 0.5}
    mine = stream(quiet, weekend=0.4)
    assert why_days_over(FOUND, mine, None, saturday + 1, 0.02)
    assert not why_days_over(FOUND, stream(quiet), None, saturday + 1, 0.02)


def test_days_before_the_onset_or_too_little_history_say_nothing() -> None:
    assert why_days_over(FOUND, stream(days(0.1)), None, ONSET + 2, 0.02) == ""
    assert why_days_over(FOUND, stream(days(0.1), days=8), None, ONSET + 7, 0.02) == ""
    missing = {d: m for d, m in days(0.1).items() if d != ONSET + 6}
    assert why_days_over(FOUND, stream(missing), None, ONSET + 7, 0.02) == ""


def test_a_segment_that_nobody_uses_is_over_if_others_are_used() -> None:
    whole = stream(days(0.1), column="")
    assert "none of the last 300 sessions" in why_days_over(
        FOUND, stream({}), whole, ONSET + 7, 0.02
    )
    assert why_days_over(FOUND, None, whole, ONSET + 7, 0.02)
    assert why_days_over(FOUND, None, None, ONSET + 7, 0.02) == ""


MISSED: dict[str, Any] = {
    "signal": "field_model", "segment": '{"service": "bot"}', "mean_reference": 0.9,
    "mean_current": 0.0,
}  # fmt: skip


def blocks(share: float, n: int = 36, service: str = "bot") -> list[dict[str, Any]]:
    return [
        {"service": service, "at": k, "n_model": 10, "k_model": round(10 * share), "n_kind": 12}
        for k in range(n)
    ]


@pytest.mark.parametrize(("share", "over"), [(0.0, False), (0.4, False), (0.9, True)])
def test_a_column_is_back_when_it_is_filled_again(share: float, over: bool) -> None:
    assert bool(why_filled(MISSED, blocks(share))) is over


def test_a_column_of_few_blocks_is_unknown_and_of_a_service_that_is_gone_over() -> None:
    assert why_filled(MISSED, blocks(0.9, 11)) == ""
    half = blocks(0.9, 18) + blocks(0.0, 18)
    assert why_filled(MISSED, half) == ""
    assert "none of the last 432 spans" in why_filled(MISSED, blocks(0.9, service="other"))
    assert why_filled(MISSED, []) == ""
    idle = [{**row, "n_model": 0, "k_model": 0} for row in blocks(0.0)]
    assert why_filled(MISSED, idle) == ""
