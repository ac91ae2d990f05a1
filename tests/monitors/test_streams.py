"""Daily streams in a store: a lasting change is one finding, quiet days are none."""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import asdict, replace

import numpy as np
import pytest

from monitors.series import DAY_NS, HOUR_NS, Held, Stream, margin_of, read, watched
from monitors.streams import is_news, stream_findings
from schemas.clickhouse import Store
from schemas.control import MonitorPolicy
from schemas.models import FindingRow, ScoreRow, SpanRow
from schemas.queries import scores, spans
from tests.monitors.evidence import traces_in_alert

# Always a Thursday at two: weekends are learned apart, a day is looked at an hour after its end.
TODAY = time.time_ns() // DAY_NS // 7 * 7
NOW = TODAY * DAY_NS + 2 * HOUR_NS
DAYS, CHANGED = 25, 5


def _fill(store: Store, project: str, drop: float, slower: float = 1.0) -> None:
    """25 sessions a day of two traces each; in the last days version 2 is worse, or slower."""
    random, rows, judged = np.random.default_rng(5), list[SpanRow](), list[ScoreRow]()
    for day in range(DAYS):
        start = (TODAY - DAYS + day) * DAY_NS + 3600 * 10**9
        late = day >= DAYS - CHANGED
        for session in range(50):
            base = 0.8 + random.normal(0, 0.1)
            version = "v2" if session % 2 else "v1"
            for turn in range(2):
                trace, at = uuid.uuid4().hex, start + (session * 2 + turn) * 10**9
                value = base + random.normal(0, 0.1) - drop * (late and version == "v2")
                took = 10**9 * random.lognormal(0, 0.2) * (slower if late else 1)
                rows.append(SpanRow(
                    project, trace, trace[:16], at, session_id=f"{day}-{session}", kind="LLM",
                    prompt_version=version, service="app", duration_ns=int(took), output="x" * 50,
                    retention_days=90,
                ))  # fmt: skip
                judged.append(ScoreRow(project, "groundedness", "1", trace, trace[:16], at,
                                       "scored", value, NOW // 10**6))  # fmt: skip
    spans.insert_spans(store, rows, f"streams/{project}")
    scores.insert_scores(store, judged)


def _look(store: Store, project: str) -> list[dict[str, object]]:
    return [asdict(row) for row in stream_findings(store, project, NOW, MonitorPolicy())]


@pytest.fixture(scope="module")
def kept(settings: object) -> Store:
    from schemas import clickhouse

    return clickhouse.connect(settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def dropped(kept: Store) -> list[FindingRow]:
    """What is found where scores of version 2 fell."""
    project = f"drop-{uuid.uuid4().hex[:8]}"
    _fill(kept, project, drop=0.25)
    return stream_findings(kept, project, NOW, MonitorPolicy())


def test_a_drop_in_a_segment_is_one_finding_with_its_day(
    kept: Store, dropped: list[FindingRow]
) -> None:
    (found,) = dropped
    details = json.loads(found.details)
    assert (found.signal, found.status) == ("groundedness", "confirmed")
    assert json.loads(found.segment) == {"prompt_version": "v2"}
    assert abs(found.onset // 86_400_000 - (TODAY - CHANGED)) <= 1
    assert found.effect_low < -0.25 < found.effect_high
    assert (
        "fell from 0.8" in details["sentence"] and "false alarms in 30 days" in details["sentence"]
    )
    assert len(details["examples"]["after"]) == 5 and details["streams"] > 3
    shown = traces_in_alert(found)
    rows = kept.rows(
        "SELECT DISTINCT prompt_version AS v FROM spans WHERE trace_id IN {t:Array(String)}",
        t=shown,
    )
    assert [row["v"] for row in rows] == ["v2"]  # examples are of the segment


def test_a_slower_service_is_found_as_a_factor(kept: Store) -> None:
    project = f"slow-{uuid.uuid4().hex[:8]}"
    _fill(kept, project, drop=0.0, slower=1.5)
    (found,) = _look(kept, project)
    assert found["signal"] == "latency"
    assert re.search(r"rose by a factor of 1\.[45]", json.loads(str(found["details"]))["sentence"])


def test_quiet_days_are_no_finding(kept: Store) -> None:
    project = f"quiet-{uuid.uuid4().hex[:8]}"
    _fill(kept, project, drop=0.0)
    assert _look(kept, project) == []
    streams = {
        (s.signal, s.column, s.value)
        for s in read(kept, project, (TODAY - DAYS) * DAY_NS, TODAY * DAY_NS)
    }
    assert ("groundedness", "prompt_version", "v2") in streams and ("latency", "", "") in streams


def test_a_large_drop_is_found_within_hours(kept: Store) -> None:
    """24 sessions an hour for 20 days, worse from two hours ago on; looked at twice, the second
    time with only what is not settled read again."""
    project, random, hour = (
        f"hours-{uuid.uuid4().hex[:8]}",
        np.random.default_rng(8),
        NOW // HOUR_NS,
    )
    rows, judged = list[SpanRow](), list[ScoreRow]()
    for day in range(20):
        for block in range(24):
            start = (hour - 24 * (20 - day) + block) * HOUR_NS
            late = start >= (hour - 2) * HOUR_NS
            for _ in range(24):
                trace, at = uuid.uuid4().hex, start + int(random.integers(60, 2000)) * 10**9
                rows.append(SpanRow(project, trace, trace[:16], at, kind="LLM", retention_days=90))
                value = float(random.normal(0.3 if late else 0.8, 0.2))
                judged.append(ScoreRow(project, "groundedness", "1", trace, trace[:16], at,
                                       "scored", value, NOW // 10**6))  # fmt: skip
    spans.insert_spans(kept, rows, f"streams/{project}")
    scores.insert_scores(kept, judged)
    held, now = Held(), hour * HOUR_NS + 25 * 60 * 10**9
    before = stream_findings(kept, project, now - 3 * HOUR_NS, MonitorPolicy(), held)
    assert before == []
    (found,) = stream_findings(kept, project, now, MonitorPolicy(), held)
    assert found.signal == "groundedness" and found.effect < -0.2
    assert abs(found.onset * 10**6 - (hour - 2) * HOUR_NS) <= 2 * HOUR_NS
    assert json.loads(found.details)["block_hours"] < 24
    assert len(traces_in_alert(found)) == 3


def test_a_session_counts_once_however_long(kept: Store) -> None:
    project = f"sessions-{uuid.uuid4().hex[:8]}"
    at = (TODAY - 1) * DAY_NS + 10**9
    rows = [
        SpanRow(project, uuid.uuid4().hex, uuid.uuid4().hex[:16], at + n, kind="LLM",
                session_id="long" if n < 9 else f"short-{n}", status="ERROR" if n < 9 else "OK")
        for n in range(12)
    ]  # fmt: skip
    spans.insert_spans(kept, rows, project)
    errors = next(
        s for s in read(kept, project, (TODAY - 1) * DAY_NS, TODAY * DAY_NS)
        if s.signal == "errors" and not s.column
    )  # fmt: skip
    assert errors.means[TODAY - 1] == pytest.approx(0.25)
    assert errors.sessions[TODAY - 1] == 4


def test_small_and_new_streams_are_not_watched() -> None:
    def stream(days: int, sessions: int, every: int = 1) -> Stream:
        found = {day: 0.5 + day / 100 for day in range(0, days, every)}
        return Stream("s", "", "", "", found, dict.fromkeys(found, sessions))

    assert len(watched([stream(20, 30)], 0, 19)) == 1
    everybody = replace(stream(20, 29), column="service", value="app")
    half = replace(stream(20, 20), column="service", value="app")
    assert len(watched([half, stream(20, 40)], 0, 19)) == 2
    assert len(watched([everybody, stream(20, 30)], 0, 19)) == 1
    assert watched([replace(stream(20, 30), means=dict.fromkeys(range(20), 0.5))], 0, 19) == []
    assert watched([stream(13, 30), stream(20, 5), stream(40, 30, every=2)], 0, 39) == []


def test_margins_are_in_the_units_of_the_signal() -> None:
    assert margin_of("groundedness", 0.02, 0.05) == margin_of("errors", 0.02, 0.05) == 0.02
    assert 10 ** margin_of("latency", 0.02, 0.05) == pytest.approx(1.05)


def test_one_episode_is_one_finding(dropped: list[FindingRow]) -> None:
    (found,) = dropped
    told = {**asdict(found), "onset_ms": found.onset - 3 * 86_400_000}
    assert not is_news(found, [told])
    assert is_news(found, [{**told, "effect": 0.2}]) and is_news(found, [])
    assert is_news(found, [{**told, "onset_ms": found.onset - 8 * 86_400_000}])
