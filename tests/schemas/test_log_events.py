"""GenAI events in logs: messages joined to their spans at read, evaluations as scores."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.clickhouse import Store
from schemas.models import LogRow, Sample, ScoreRow, SpanRow
from schemas.queries import logs, samples, scores, spans, work

QUESTION = [{"role": "user", "parts": [{"type": "text", "content": "why?"}]}]
ANSWER = [{"role": "assistant", "parts": [{"type": "text", "content": "because"}]}]
DETAILS = {"gen_ai.input.messages": json.dumps(QUESTION),
           "gen_ai.output.messages": json.dumps(ANSWER)}  # fmt: skip
TRACE, SPAN = "a" * 32, "b" * 16


def due(store: Store, *given: Any) -> list[Sample]:
    """What an evaluator would see next."""
    found = work.due(store, *given).items
    return samples.of_traces(store, given[0], [item.trace_id for item in found])


@pytest.fixture
def project() -> str:
    return f"p-{uuid.uuid4()}"


def put_span(store: Store, project: str) -> None:
    now = time.time_ns()
    row = SpanRow(project, TRACE, SPAN, now, kind="LLM", name="chat", segment="s")
    spans.insert_spans(store, [row], str(uuid.uuid4()))


def put_logs(store: Store, project: str, events: Sequence[tuple[str, str, dict[str, str]]]) -> None:
    now = time.time_ns()
    rows = [
        LogRow(project, now + n, uuid.uuid4().hex, TRACE, SPAN, event_name=event, body=body,
               attributes=attributes, segment="l", scope="judge-1.2")
        for n, (event, body, attributes) in enumerate(events)
    ]  # fmt: skip
    logs.insert_logs(store, rows, str(uuid.uuid4()))


WHOLE = [("gen_ai.client.inference.operation.details", "", DETAILS)]
APART = [
    ("gen_ai.user.message", '{"content": "why?"}', {}),
    ("gen_ai.choice", '{"index": 0, "message": {"content": "because"}}', {}),
]


@pytest.mark.parametrize("events", [WHOLE, APART], ids=["details", "per message"])
@pytest.mark.parametrize("first", ["spans", "logs"])
def test_messages_are_joined_whichever_comes_first(
    store: Store, project: str, events: Sequence[tuple[str, str, dict[str, str]]], first: str
) -> None:
    if first == "logs":
        put_logs(store, project, events)
        assert samples.of_traces(store, project, [TRACE]) == []
    put_span(store, project)
    if first == "spans":
        put_logs(store, project, events)
    (row,) = spans.trace_spans(store, project, TRACE)
    assert (row["input"], row["output"]) == ("why?", "because")
    assert json.loads(row["input_messages"]) == [{"role": "user", "content": "why?"}]
    (sample,) = samples.of_traces(store, project, [TRACE])
    assert (sample.question, sample.answer) == ("why?", "because")


def test_messages_that_come_after_the_score_make_the_trace_work_again(
    store: Store, project: str
) -> None:
    put_span(store, project)
    (sample,) = due(store, project, "g", "1", 0, 10)
    assert sample.answer == ""
    judged = ScoreRow(
        project=project, evaluator="g", evaluator_version="1", level="trace", trace_id=TRACE,
        span_id=SPAN, session_id="", span_start=time.time_ns(), status="unscored", value=0.0,
        scored_at=time.time_ns() // 10**6 + 1,
    )  # fmt: skip
    scores.insert_scores(store, [judged])
    assert due(store, project, "g", "1", 0, 10) == []
    time.sleep(0.01)
    put_logs(store, project, WHOLE)
    (sample,) = due(store, project, "g", "1", 0, 10)
    assert sample.answer == "because"


@pytest.mark.parametrize(
    ("attributes", "status", "value"),
    [
        ({"gen_ai.evaluation.score.value": "0.25"}, "scored", 0.25),
        ({"gen_ai.evaluation.score.label": "Pass"}, "scored", 1.0),
        ({"gen_ai.evaluation.score.label": "fail"}, "scored", 0.0),
        ({"gen_ai.evaluation.score.label": "purple"}, "unscored", None),
        ({"gen_ai.evaluation.score.value": "inf"}, "unscored", None),
    ],
)
def test_an_evaluation_event_becomes_a_score_with_its_source(
    store: Store, project: str, attributes: dict[str, str], status: str, value: float | None
) -> None:
    named = {"gen_ai.evaluation.name": "tone", "gen_ai.evaluation.explanation": "polite"}
    put_logs(store, project, [("gen_ai.evaluation.result", "", named | attributes)])
    (found,) = scores.trace_scores(store, project, TRACE)
    assert (found["evaluator"], found["evaluator_version"]) == ("tone", "judge-1.2")
    assert (found["status"], found["source"], found["explanation"]) == (status, "otel", "polite")
    if value is not None:
        assert found["value"] == value
