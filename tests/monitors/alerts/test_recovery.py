"""A finding is over when its segment is back or gone, and not before enough is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from monitors.alerts.compose import finding_events
from monitors.alerts.message import read
from monitors.alerts.recovery import end, still_open, why_over
from schemas.alerting import AlertPolicy
from schemas.models import FindingRow, Observation

FOUND = FindingRow("shop", "f1", "groundedness", "mean_shift", '{"prompt_version": "v7"}',
                   "confirmed", 1_800_000_000_000, 0, 1, 300, 300, 0.8, 0.6, -0.2, -0.3, -0.1,
                   0.001, 0.9, '{"sentence": "it fell"}', 1)  # fmt: skip
ROW = dataclasses.asdict(FOUND)
MARGIN = 0.05


def traffic(mean: float, n: int = 200, version: str = "v7", seed: int = 0) -> list[Observation]:
    draw = np.random.default_rng(seed)
    return [
        Observation(f"t{k}", f"s{k}", k, float(mean + draw.normal(0, 0.1)),
                    {"prompt_version": version})
        for k in range(n)
    ]  # fmt: skip


@pytest.mark.parametrize(("mean", "over"), [(0.6, False), (0.74, False), (0.8, True), (0.9, True)])
def test_it_is_over_when_the_mean_is_back_within_the_margin(mean: float, over: bool) -> None:
    assert bool(why_over(ROW, traffic(mean), MARGIN)) is over


def test_a_rise_is_over_when_it_has_fallen_again() -> None:
    rose = {**ROW, "effect": 0.2, "mean_reference": 0.2}
    assert why_over(rose, traffic(0.4), MARGIN) == ""
    assert "was 0.20 before" in why_over(rose, traffic(0.2), MARGIN)


def test_a_segment_that_was_rolled_back_is_over_and_a_rare_one_is_unknown() -> None:
    others = traffic(0.8, version="v6")
    assert "none of the last 200 sessions" in why_over(ROW, others, MARGIN)
    assert why_over(ROW, [*others, *traffic(0.8, n=10)], MARGIN) == ""
    assert why_over(ROW, others[:20], MARGIN) == ""
    assert why_over(ROW, [], MARGIN) == ""


def test_one_long_session_is_one_opinion() -> None:
    same = [dataclasses.replace(o, session_id="s") for o in traffic(0.8)]
    assert why_over(ROW, same, MARGIN) == ""


def test_the_end_goes_to_whoever_heard_of_the_beginning_and_once() -> None:
    alerts = {"a": AlertPolicy("pagerduty", owner="rag"), "b": AlertPolicy("log")}
    (event,) = finding_events([FOUND], alerts, {"a": "https://pd"}, "", 5)
    rows = [p.row for p in event.pending]
    alive = still_open(rows)
    assert set(alive) == {"f1"}
    over = end("f1", alive["f1"], "it is back", 9)
    assert [p.row.delivery_id for p in over.pending] == ["f1-end-a", "f1-end-b"]
    assert over.pending[0].row.target == "https://pd"
    said = read(over.pending[0].row.body)
    assert (said.state, said.key, said.owner) == ("resolved", "f1", "rag")
    assert said.summary == "It is over: it is back."
    assert still_open([*rows, over.pending[0].row]) == {}
