"""Monitors find the topics of a project where nobody has frozen any."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path

import pytest

from monitors.series import DAY_NS, Held
from monitors.topic_finding import LEAST, RENEW, find_topics
from monitors.topic_streams import watch_topics
from monitors.topics import fit, found_file, known_file, save, watched_file
from schemas.clickhouse import Store
from schemas.models import EmbeddingRow, SpanRow
from schemas.queries import scores, spans
from schemas.queries.topics import extent, inputs
from tests.monitors.test_topics import draw

NOW = time.time_ns()


def _fill(store: Store, count: int, days: float) -> str:
    """`count` inputs of three subjects, spread evenly over the last `days`."""
    project = f"found/{uuid.uuid4().hex[:8]}"
    texts, vectors = draw([0.4, 0.3, 0.3, 0.0], count, 1)
    rows, embedded = list[SpanRow](), list[EmbeddingRow]()
    for n, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
        at = NOW - int(days * DAY_NS * (1 - n / count)) - 10**9
        trace = uuid.uuid4().hex
        rows.append(SpanRow(project, trace, trace[:16], at, kind="LLM", input=text,
                            session_id=f"s{n // 2}", retention_days=90))  # fmt: skip
        embedded.append(EmbeddingRow(project, "input", "m", trace, trace[:16], at,
                                     vector.tolist(), NOW // 10**6, 90))  # fmt: skip
    spans.insert_spans(store, rows, project)
    scores.insert_embeddings(store, embedded)
    return project


def test_topics_are_found_once_there_is_a_week_of_inputs(store: Store, tmp_path: Path) -> None:
    project = _fill(store, LEAST + 100, 8)
    assert find_topics(store, tmp_path, project, NOW, 3)
    held = Held()
    watch_topics(held, tmp_path, project)
    assert held.topics is not None
    found = " ".join(held.topics.labels)
    assert all(word in found for word in ("parcel", "invoice", "password"))
    assert not find_topics(store, tmp_path, project, NOW, 3), "they stay"


@pytest.mark.parametrize(("count", "days"), [(LEAST - 100, 8.0), (LEAST + 100, 6.0)])
def test_too_few_inputs_or_days_make_no_topics(
    store: Store, tmp_path: Path, count: int, days: float
) -> None:
    project = _fill(store, count, days)
    assert not find_topics(store, tmp_path, project, NOW, 3)
    assert known_file(tmp_path, project) is None


def test_topics_are_found_anew_after_their_time_and_forgotten_without_inputs(
    store: Store, tmp_path: Path
) -> None:
    project = _fill(store, LEAST + 100, 8)
    path = found_file(tmp_path, project)
    assert find_topics(store, tmp_path, project, NOW, 2)
    old = path.read_text()
    then = NOW / 1e9 - (RENEW + 1) * 86_400
    os.utime(path, (then, then))
    assert find_topics(store, tmp_path, project, NOW, 3)
    assert path.read_text() != old
    assert not find_topics(store, tmp_path, project, NOW, 0), "asked for none"
    assert not path.exists()
    assert find_topics(store, tmp_path, project, NOW, 3)
    os.utime(path, (then, then))
    assert not find_topics(store, tmp_path, project, NOW + (RENEW + 1) * DAY_NS, 3)
    assert not path.exists(), "nothing is kept of inputs that are gone"


def test_topics_that_somebody_froze_are_left_alone(store: Store, tmp_path: Path) -> None:
    project = _fill(store, LEAST + 100, 8)
    save(fit(*draw([0.5, 0.5], 300, 2), 2), watched_file(tmp_path, project))
    assert not find_topics(store, tmp_path, project, NOW, 3)
    assert known_file(tmp_path, project) == watched_file(tmp_path, project)


def test_inputs_are_drawn_by_their_trace_whatever_their_number(store: Store) -> None:
    project = _fill(store, 400, 2)
    start, end = NOW - 3 * DAY_NS, NOW
    held, first, last = extent(store, project, start, end)
    assert held == 400 and 1.9 * DAY_NS < last - first < 2 * DAY_NS
    assert extent(store, "nobody", start, end) == (0, 0, 0)
    every = inputs(store, project, start, end)
    assert len(every) == 400 and {row["session"] for row in every} == {f"s{n}" for n in range(200)}
    some = [row["trace_id"] for row in inputs(store, project, start, end, one_in=4)]
    assert 50 < len(some) < 150
    assert some == [row["trace_id"] for row in inputs(store, project, start, end, one_in=4)]
    assert set(some) < {row["trace_id"] for row in every}
    newest = inputs(store, project, start, end, 10)
    assert [row["trace_id"] for row in newest] == [row["trace_id"] for row in every[:10]]
