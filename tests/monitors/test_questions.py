"""A question about a change is stored by a page, answered by the monitors, and read again."""

from __future__ import annotations

import json
import time
import uuid

import numpy as np
import pytest

from monitors.questions import answer_waiting
from schemas.clickhouse import Store
from schemas.models import ScoreRow, SpanRow
from schemas.queries import questions, scores, spans
from schemas.questions import Question, ask

HOUR = 3600 * 10**9
SPLIT = time.time_ns() // HOUR * HOUR - 24 * HOUR  # within the retention


@pytest.fixture
def slower(store: Store) -> str:
    """400 traces of which those of model b take twice as long, and score lower, after the split."""
    name = f"asked-{uuid.uuid4()}"
    draw = np.random.default_rng(7)
    rows, judged = [], []
    for n in range(400):
        at = SPLIT + int(draw.integers(-20 * HOUR, 10 * HOUR))
        model, worse = "ab"[n % 2], n % 2 and at >= SPLIT
        took = int(10**9 * (2 if worse else 1) * draw.uniform(0.9, 1.1))
        rows.append(SpanRow(name, f"{n + 1:032x}", f"{n + 1:016x}", at, model=model,
                            prompt_version=f"v{n % 3}", duration_ns=took))  # fmt: skip
        judged.append(ScoreRow(name, "ok", "1", f"{n + 1:032x}", "s", at, "scored",
                               0.4 if worse else 0.8, 1))  # fmt: skip
    spans.insert_spans(store, rows, name)
    scores.insert_scores(store, judged)
    return name


@pytest.mark.parametrize("metric", ["latency_ms", "score:ok"])
def test_the_segment_that_changed_is_the_answer(store: Store, slower: str, metric: str) -> None:
    asked = Question(metric, SPLIT - 20 * HOUR, SPLIT, SPLIT + 10 * HOUR)
    name = ask(store, slower, asked)
    found = questions.question(store, slower, name)
    assert found is not None and found["status"] == "waiting"
    assert answer_waiting(store) >= 1
    found = questions.question(store, slower, name)
    assert found is not None and found["status"] == "answered"
    said = json.loads(found["answer"])
    assert said["causes"][0]["segment"] == {"model": ["b"]}
    assert said["n_before"] + said["n_after"] == 400 and said["causes"][0]["share"] > 0.7
    assert answer_waiting(store) == 0


def test_too_little_is_said_and_not_answered(store: Store, slower: str) -> None:
    name = ask(store, slower, Question("failed", SPLIT - HOUR // 60, SPLIT, SPLIT + HOUR // 60))
    answer_waiting(store)
    found = questions.question(store, slower, name)
    assert found is not None and found["status"] == "failed"
    assert "are needed" in json.loads(found["answer"])["error"]


@pytest.mark.parametrize(
    "asked",
    [
        Question("beauty", 1, 2, 3),
        Question("failed", 2, 2, 3),
        Question("failed", 1, 2, 3, ("colour",)),
        Question("failed", 1, 2, 10**18),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(store: Store, asked: Question) -> None:
    with pytest.raises(ValueError, match=r"metric|window|no column|longer"):
        ask(store, "p", asked)
