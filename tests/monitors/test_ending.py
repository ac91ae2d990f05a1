"""Alerts of findings end by what the store holds: once, for who was told, and not before."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from monitors.alerts.compose import finding_events
from monitors.alerts.journal import Journal
from monitors.alerts.message import Message, read
from monitors.ending import finish
from monitors.series import DAY_NS, HOUR_NS, Held
from schemas.alerting import AlertPolicy
from schemas.clickhouse import Store
from schemas.control import MonitorPolicy
from schemas.models import FindingRow, ScoreRow, SpanRow
from schemas.queries import scores, spans
from schemas.queries.mixes import Frozen

TODAY = time.time_ns() // DAY_NS * DAY_NS


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path)
    yield made
    made.close()


def tell(journal: Journal, found: FindingRow) -> dict[str, object]:
    for event in finding_events([found], {"a": AlertPolicy("log")}, {}, "", 5):
        journal.put(event)
    return {**dataclasses.asdict(found), "onset_ms": found.onset}


def said(journal: Journal) -> list[Message]:
    return [read(p.row.body) for e in journal.events() for p in e.pending]


def trace(project: str, start: int, failed: bool = False, model: str = "m") -> SpanRow:
    name = uuid.uuid4().hex
    return SpanRow(project, name, name[:16], start, session_id=f"s{name}", kind="LLM", model=model,
                   service="bot", status="ERROR" if failed else "OK", segment="s")  # fmt: skip


def errors(store: Store, project: str, back: bool) -> FindingRow:
    """30 days with 5% of failures; 60% from ten days ago, and 5% again from seven days ago."""
    draw, rows = np.random.default_rng(3), []
    for day in range(30, 0, -1):
        level = 0.6 if 7 < day <= 10 or (day <= 7 and not back) else 0.05
        start = TODAY - day * DAY_NS
        rows += [trace(project, start + k * 60 * 10**9, draw.random() < level) for k in range(60)]
    spans.insert_spans(store, rows, str(uuid.uuid4()))
    onset = (TODAY - 10 * DAY_NS) // 10**6
    return FindingRow(
        project, uuid.uuid4().hex[:24], "errors", "e_detector", "{}", "confirmed", onset, 0, onset,
        20, 3, 0.05, 0.6, 0.55, 0.4, 0.7, 0.001, 0.0, '{"sentence": "errors rose", "version": ""}',
        1,
    )  # fmt: skip


@pytest.mark.parametrize("back", [True, False])
def test_a_finding_of_a_stream_is_over_when_its_days_are_as_before(
    store: Store, journal: Journal, back: bool
) -> None:
    project = f"ending-{uuid.uuid4()}"
    earlier = [tell(journal, errors(store, project, back))]
    finish(store, project, MonitorPolicy(), journal, earlier, None)  # no block was over
    assert len(said(journal)) == 1
    for _ in range(2):
        finish(store, project, MonitorPolicy(), journal, earlier, Held())
    assert [m.state for m in said(journal)] == ["firing", "resolved"][: 1 + back]
    if back:
        assert said(journal)[1].summary.startswith("It is over: over the last 3 days it differs")


@pytest.mark.parametrize("back", [True, False])
def test_a_finding_of_a_column_is_over_when_it_is_filled_again(
    store: Store, journal: Journal, back: bool
) -> None:
    project, now = f"ending-{uuid.uuid4()}", time.time_ns()
    rows = [
        trace(project, now - 7 * HOUR_NS + k * 60 * 10**9, model="m" if back else "")
        for k in range(420)
    ]
    spans.insert_spans(store, rows, str(uuid.uuid4()))
    onset = (now - 9 * HOUR_NS) // 10**6
    found = FindingRow(
        project, uuid.uuid4().hex[:24], "field_model", "missing_field", '{"service": "bot"}',
        "confirmed", onset, 0, onset, 300, 300, 1.0, 0.0, -1.0, -1.0, -0.9, 0.001, 1.0,
        '{"sentence": "model is filled in 0%"}', 1,
    )  # fmt: skip
    for _ in range(2):
        finish(store, project, MonitorPolicy(), journal, [tell(journal, found)], None)
    assert [m.state for m in said(journal)] == ["firing", "resolved"][: 1 + back]


def scored(store: Store, project: str, version: str, hours_ago: float) -> None:
    """60 traces of one moment, judged by one version."""
    start = time.time_ns() - round(hours_ago * HOUR_NS)
    rows = [trace(project, start + k) for k in range(60)]
    spans.insert_spans(store, rows, str(uuid.uuid4()))
    scores.insert_scores(
        store,
        [ScoreRow(project, "groundedness", version, r.trace_id, "", r.start_time, "scored", 0.5,
                  time.time_ns() // 10**6) for r in rows],
    )  # fmt: skip


def judged(project: str, detector: str, signal: str, segment: str, details: str) -> FindingRow:
    onset = (time.time_ns() - 48 * HOUR_NS) // 10**6
    return FindingRow(
        project, uuid.uuid4().hex[:24], signal, detector, segment, "confirmed", onset, 0, onset,
        300, 300, 0.8, 0.5, -0.3, -0.4, -0.2, 0.001, 1.0, details, 1,
    )  # fmt: skip


@pytest.mark.parametrize("detector", ["mean_shift", "e_detector"])
def test_a_finding_of_a_version_that_scores_no_more_ends_as_superseded(
    store: Store, journal: Journal, detector: str
) -> None:
    project = f"ending-{uuid.uuid4()}"
    found = judged(project, detector, "groundedness", "{}", '{"sentence": "", "version": "1"}')
    earlier = [tell(journal, found)]
    scored(store, project, "1", 7)
    scored(store, project, "1", 2)  # a rollout: both versions score for a while
    scored(store, project, "2", 1)
    finish(store, project, MonitorPolicy(), journal, earlier, Held())
    assert [m.state for m in said(journal)] == ["firing"]
    scored(store, project, "2", -5)
    for _ in range(2):
        finish(store, project, MonitorPolicy(), journal, earlier, Held())
    _, over = said(journal)
    assert over.state == "resolved"
    assert over.summary.startswith("It is over: superseded: it is by version 1 of groundedness")
    assert "scored by 2 now" in over.summary


@pytest.mark.parametrize(
    ("signal", "details", "gone"),
    [
        ("topic_share", '{"version": "a1"}', True),
        ("topic_share", '{"version": "b2"}', False),
        ("latency", '{"version": "", "topics": "a1"}', True),
        ("latency", '{"version": "", "topics": "b2"}', False),
        ("latency", '{"version": ""}', False),  # of an older release; its topic is still there
    ],
)
def test_a_finding_by_topics_that_were_frozen_anew_ends_as_superseded(
    store: Store, journal: Journal, signal: str, details: str, gone: bool
) -> None:
    project = f"ending-{uuid.uuid4()}"
    spans.insert_spans(store, [trace(project, time.time_ns())], str(uuid.uuid4()))
    found = judged(project, "e_detector", signal, '{"topic": "cards"}', details)
    held = Held(Frozen([[1.0, 0.0]], ["cards"], 0.5), "b2")
    finish(store, project, MonitorPolicy(), journal, [tell(journal, found)], None)
    assert len(said(journal)) == 1  # looked at with the streams
    finish(store, project, MonitorPolicy(), journal, [tell(journal, found)], held)
    assert [m.state for m in said(journal)] == ["firing", "resolved"][: 1 + gone]
    if gone:
        assert said(journal)[1].summary == (
            "It is over: superseded: it is by topics a1, and watched are b2."
        )
