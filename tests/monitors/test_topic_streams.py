"""Shares of topics and of document sources are watched, and topics are segments of every signal."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from monitors.series import DAY_NS, HOUR_NS, Held, read
from monitors.streams import stream_findings
from monitors.topic_streams import watch_topics
from monitors.topics import fit, save, watched_file
from schemas.clickhouse import Store
from schemas.control import MonitorPolicy
from schemas.models import EmbeddingRow, FindingRow, ScoreRow, SpanRow
from schemas.queries import scores, spans
from schemas.queries.mixes import NO_TOPIC
from tests.monitors.evidence import traces_in_alert
from tests.monitors.test_topics import draw

# Always a Friday at two: what changes does so on a Sunday, when few days before are of its kind. A
# day is looked at an hour after its end.
TODAY = (time.time_ns() // DAY_NS - 1) // 7 * 7 + 1
NOW = TODAY * DAY_NS + 2 * HOUR_NS
DAYS, CHANGED = 25, 5


def _fill(store: Store, project: str, changed: bool, today: int = TODAY) -> None:
    """60 sessions a day; in the last days a fifth ask about the weather, documents come from mail,
    and answers about parcels are worse."""
    random = np.random.default_rng(3)
    rows, judged, embedded = list[SpanRow](), list[ScoreRow](), list[EmbeddingRow]()
    for day in range(DAYS):
        late = changed and day >= DAYS - CHANGED
        texts, vectors = draw([0.3, 0.2, 0.3, 0.2] if late else [0.4, 0.3, 0.3, 0.0], 60, day)
        for n, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
            at = (today - DAYS + day) * DAY_NS + (3600 + n) * 10**9
            trace = uuid.uuid4().hex
            source = "mail" if random.random() < (0.9 if late else 0.3) else "wiki"
            root = SpanRow(project, trace, trace[:16], at, kind="LLM", input=text,
                           retention_days=90)  # fmt: skip
            found = SpanRow(
                project, trace, trace[16:], at, parent_span_id=trace[:16], kind="RETRIEVER",
                document_source=source, retention_days=90,
            )  # fmt: skip
            rows += [root, found]
            value = random.normal(0.8, 0.1) - 0.4 * (late and "parcel" in text)
            judged.append(ScoreRow(project, "groundedness", "1", trace, trace[:16], at, "scored",
                                   value, NOW // 10**6))  # fmt: skip
            embedded.append(EmbeddingRow(project, "input", "m", trace, trace[:16], at,
                                         vector.tolist(), NOW // 10**6, 90))  # fmt: skip
    spans.insert_spans(store, rows, f"topics/{project}")
    scores.insert_scores(store, judged)
    scores.insert_embeddings(store, embedded)


def _held(project: str, home: Path) -> Held:
    save(fit(*draw([0.4, 0.3, 0.3, 0.0], 400, 99), 3), watched_file(home, project))
    held = Held()
    watch_topics(held, home, project)
    return held


def test_a_new_topic_another_source_and_a_worse_topic_are_findings(
    store: Store, tmp_path: Path
) -> None:
    project = f"topics/{uuid.uuid4().hex[:8]}"
    _fill(store, project, changed=True)
    held = _held(project, tmp_path)
    found = {f.signal: f for f in stream_findings(store, project, NOW, MonitorPolicy(), held)}
    told = {name: json.loads(f.details) for name, f in found.items()}
    topic = found["topic_share"]
    assert json.loads(topic.segment) == {"topic": NO_TOPIC} and topic.effect > 0.1
    assert "a new topic appeared: " in told["topic_share"]["sentence"]
    assert "weather" in told["topic_share"]["sentence"]
    assert told["topic_share"]["version"] == held.topics_version
    assert len(traces_in_alert(topic)) == 3
    assert list(json.loads(found["source_share"].segment)) == ["document_source"]
    worse = found["groundedness"]
    assert list(json.loads(worse.segment)) == ["topic"] and "parcel" in worse.segment
    assert len(_texts(store, worse)) == 1, "examples are of the topic"
    others = [json.dumps(c["segment"]) for c in told["groundedness"]["candidates"]]
    assert others[0] == worse.segment and len(others) == len(set(others)) > 1
    assert set(found) == {"topic_share", "source_share", "groundedness"}


@pytest.mark.slow
@pytest.mark.parametrize("earlier", range(1, 7))
def test_the_topic_that_is_worse_is_named_on_every_other_weekday(
    store: Store, tmp_path: Path, earlier: int
) -> None:
    project, today = f"topics/{uuid.uuid4().hex[:8]}", TODAY - earlier
    _fill(store, project, changed=True, today=today)
    held, now = _held(project, tmp_path), today * DAY_NS + 2 * HOUR_NS
    found = {f.signal: f for f in stream_findings(store, project, now, MonitorPolicy(), held)}
    worse = found["groundedness"]
    assert list(json.loads(worse.segment)) == ["topic"] and "parcel" in worse.segment


def _texts(store: Store, found: FindingRow) -> set[str]:
    rows = store.rows(
        "SELECT DISTINCT like(input_preview, '%parcel%') AS t FROM spans"
        " WHERE kind = 'LLM' AND trace_id IN {t:Array(String)}",
        t=json.loads(found.details)["examples"]["after"],
    )
    return {str(row["t"]) for row in rows}


def test_quiet_mixes_add_up_to_one_and_are_no_finding(store: Store, tmp_path: Path) -> None:
    project = f"quiet-{uuid.uuid4().hex[:8]}"
    _fill(store, project, changed=False)
    held = _held(project, tmp_path)
    assert stream_findings(store, project, NOW, MonitorPolicy(), held) == []
    streams = read(store, project, (TODAY - DAYS) * DAY_NS, TODAY * DAY_NS, 24, held)
    for signal in ("topic_share", "source_share"):
        shares = [s for s in streams if s.signal == signal]
        days = {day for s in shares for day in s.means}
        assert len(days) == DAYS
        assert [sum(s.means[d] for s in shares) for d in days] == pytest.approx([1.0] * DAYS)
    assert {"topic"} == {s.column for s in streams if s.signal == "topic_share"}
    segments = {(s.signal, s.value) for s in streams if s.column == "topic"}
    assert {signal for signal, _ in segments} >= {"groundedness", "latency", "topic_share"}


def test_topics_that_cannot_be_read_are_not_watched(tmp_path: Path) -> None:
    held = Held()
    path = watched_file(tmp_path, "shop/eu")
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    watch_topics(held, tmp_path, "shop/eu")
    assert held.topics is None
    before = _held("shop/eu", tmp_path)
    path.write_text("{}")
    watch_topics(before, tmp_path, "shop/eu")
    assert before.topics is not None, "the ones before stay"
    path.unlink()
    watch_topics(before, tmp_path, "shop/eu")
    assert before.topics is None
