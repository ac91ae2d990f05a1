"""Injected regressions are found with segment and onset; quiet traffic is silent."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from monitors.drift.energy import energy
from monitors.drift.two_sample import pair
from monitors.findings import HOUR_NS, Scored, identity, known, score_finding, score_findings
from schemas.models import Observation
from tests.monitors.evidence import traces_in_alert

LEVEL = 0.002
SEEDS = pytest.mark.parametrize("seeds", [6, pytest.param(20, marks=pytest.mark.slow)])
START = 1_800_000_000 * 10**9
SHARES = {
    "prompt_version": {"v1": 0.4, "v2": 0.3, "v3": 0.3},
    "model": {"a": 0.55, "b": 0.45},
    "document_source": {"wiki": 0.6, "mail": 0.4},
}


def traffic(seed: int, segment: dict[str, str] | None, onset_hour: float) -> list[Observation]:
    """1,000 traces over 48 h; model b is always worse; the segment loses 0.3 after the onset."""
    draw = np.random.default_rng(seed)
    rows = []
    for n, at in enumerate(np.sort(draw.uniform(0, 48, 1000))):
        found = {k: str(draw.choice(list(v), p=list(v.values()))) for k, v in SHARES.items()}
        value = 0.8 - 0.1 * (found["model"] == "b") + draw.normal(0, 0.2)
        if segment is not None and at >= onset_hour and segment.items() <= found.items():
            value -= 0.3
        time = START + round(at * HOUR_NS)
        rows.append(Observation(f"t{n}", f"s{n}", time, float(value), found))
    return rows


@pytest.mark.parametrize(
    "segment",
    [{"prompt_version": "v3"}, {"model": "a"}, {"document_source": "wiki", "model": "a"}],
)
def test_a_regression_is_found_with_segment_and_onset(segment: dict[str, str]) -> None:
    for seed in range(3):
        rows = traffic(seed, segment, 30.0)
        silent = score_finding("p", "groundedness", "1", rows, LEVEL)
        found = score_finding("p", "groundedness", "1", rows, LEVEL, page=True)
        assert silent is not None and silent.status == "uncalibrated"
        assert found is not None
        assert json.loads(found.segment) == segment
        assert abs(found.onset * 10**6 - START - 30 * HOUR_NS) <= 2 * HOUR_NS
        assert found.status == "confirmed"
        assert found.effect_low < -0.3 < found.effect_high or abs(found.effect + 0.3) < 0.05
        details = json.loads(found.details)
        assert "fell" in details["sentence"] and len(details["examples"]["after"]) == 5
        low, high = map(datetime.fromisoformat, details["onset_interval"])
        assert low <= datetime.fromtimestamp(found.onset / 1000, UTC) <= high
        assert details["share_interval"][0] <= found.share_explained <= details["share_interval"][1]
        assert "90% interval" in details["sentence"]
        assert traces_in_alert(found) == details["examples"]["after"][:3]


@SEEDS
def test_quiet_traffic_is_silent(seeds: int) -> None:
    for seed in range(seeds):
        assert score_finding("p", "g", "1", traffic(100 + seed, None, 0), LEVEL) is None


def released(seed: int, share: float) -> list[Observation]:
    """Prompt v9 replaces the others at hour 30, on a share of the traffic, and is worse."""
    draw = np.random.default_rng(seed)
    rows = []
    for row in traffic(seed, None, 0):
        if row.time - START >= 30 * HOUR_NS and draw.random() < share:
            new = {**row.segment, "prompt_version": "v9"}
            row = replace(row, segment=new, value=row.value - 0.4)
        rows.append(row)
    return rows


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_a_new_version_that_is_worse_is_found_and_named(share: float) -> None:
    for seed in range(3):
        found = score_finding("p", "g", "1", released(seed, share), LEVEL)
        assert found is not None
        assert abs(found.onset * 10**6 - START - 30 * HOUR_NS) <= 2 * HOUR_NS
        assert {"prompt_version": "v9"} in json.loads(found.details)["appeared"]
        assert "prompt_version=v9" in json.loads(found.details)["sentence"]


def correlated(seed: int) -> list[Observation]:
    """Quiet, yet turns of a session resemble each other, and so do sessions of an hour."""
    draw = np.random.default_rng(seed)
    session, hour = draw.normal(0, 0.2, 400), draw.normal(0, 0.03, 48)
    rows = []
    for n, row in enumerate(traffic(seed, None, 0)):
        effect = session[n // 3] + hour[(row.time - START) // HOUR_NS]
        rows.append(replace(row, session_id=f"s{n // 3}", value=row.value + effect))
    return rows


@SEEDS
def test_correlated_turns_and_hours_raise_no_alarm(seeds: int) -> None:
    found = (score_finding("p", "g", "1", correlated(s), LEVEL) for s in range(seeds))
    assert sum(each is not None for each in found) == 0


def test_too_little_traffic_finds_nothing() -> None:
    assert score_finding("p", "g", "1", traffic(1, {"model": "a"}, 30)[:150], LEVEL) is None


def test_the_same_change_is_known_and_another_is_not() -> None:
    found = score_finding("p", "g", "1", traffic(1, {"model": "a"}, 30.0), LEVEL)
    assert found is not None
    row = {"signal": "g", "segment": found.segment, "onset_ms": found.onset + 3_600_000}
    assert known(found, [row])
    assert not known(found, [{**row, "signal": "other"}])
    assert identity("a", 1) == identity("a", 1) != identity("a", 2)


def test_energy_sees_a_shift_and_not_its_absence() -> None:
    draw = np.random.default_rng(0)
    quiet, other = draw.normal(size=(200, 16)), draw.normal(size=(200, 16))
    assert energy(pair(quiet, other)).p_value > 0.01
    assert energy(pair(quiet, other + 0.5)).p_value < 0.005


def shifted(rows: list[Observation], effects: dict[tuple[str, str], float]) -> list[Observation]:
    """Each of the segments of one attribute moves by its effect at hour 30."""
    late = START + 30 * HOUR_NS
    return [
        replace(row, value=row.value + (row.time >= late) * sum(
            by for (key, value), by in effects.items() if row.segment[key] == value
        ))
        for row in rows
    ]  # fmt: skip


def test_a_change_that_fits_two_segments_is_placed_where_a_clearer_signal_changed() -> None:
    clear = shifted(traffic(5, None, 0), {("model", "b"): -0.3})
    # By chance the version moves as well, by a little more.
    vague = shifted(traffic(6, None, 0), {("model", "b"): -0.05, ("prompt_version", "v2"): -0.12})
    alone = score_finding("p", "relevance", "1", vague, LEVEL)
    assert alone is not None
    assert json.loads(alone.segment) == {"prompt_version": "v2"}
    assert {"model": "b"} in json.loads(alone.details)["not_told_apart"]
    assert "not told apart from" in json.loads(alone.details)["sentence"]
    given = [Scored("relevance", "1", vague), Scored("groundedness", "1", clear)]
    first, second = score_findings("p", given, LEVEL)
    assert (first.signal, json.loads(first.segment)) == ("groundedness", {"model": "b"})
    assert (second.signal, json.loads(second.segment)) == ("relevance", {"model": "b"})
    assert "named because groundedness changed there" in json.loads(second.details)["sentence"]
    before = {"signal": "relevance", "segment": alone.segment, "onset_ms": alone.onset}
    assert known(second, [before]), "it was found before, under the other name"


def test_a_change_that_is_clearly_elsewhere_stays_there() -> None:
    clear = shifted(traffic(5, None, 0), {("model", "b"): -0.4})
    other = shifted(traffic(6, None, 0), {("prompt_version", "v2"): -0.25})
    given = [Scored("relevance", "1", other), Scored("groundedness", "1", clear)]
    segments = [json.loads(f.segment) for f in score_findings("p", given, LEVEL)]
    assert segments == [{"model": "b"}, {"prompt_version": "v2"}]
