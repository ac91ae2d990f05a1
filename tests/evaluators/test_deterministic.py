"""Evaluators that count: correctness against a reference, tool errors, loops."""

from __future__ import annotations

import time
import uuid

import pytest

from evaluators.base import Resources, judge
from evaluators.embedding import Embedder
from evaluators.metrics.answer_correctness import answer_correctness, compare
from evaluators.metrics.loop_detection import loop_detection
from evaluators.metrics.tool_error import tool_error
from evaluators.plan import share, whole
from evaluators.worker import run_batch
from schemas.clickhouse import Store
from schemas.control import EvaluatorPolicy
from schemas.models import Sample, SpanRow, ToolCall
from schemas.queries import scores, spans
from schemas.queries.tools import tool_calls

NONE = Resources(Embedder())


def sample(answer: str = "", reference: str = "", *tools: ToolCall) -> Sample:
    return Sample("p", "t", "s", "", 0, "", answer, (), reference=reference, tools=tools)


@pytest.mark.parametrize(
    ("answer", "reference", "recall"),
    [
        ("It was Wilhelm Röntgen, in 1901.", "Wilhelm Rontgen", 1.0),
        ("THE moon", "a Moon", 1.0),
        ("Paris", "Lyon", 0.0),
        ("The answer is four", "four five", 0.5),
        ("no no no", "no", 1.0),
    ],
)
def test_correctness_is_the_share_of_the_reference_that_is_said(
    answer: str, reference: str, recall: float
) -> None:
    (result,) = judge(answer_correctness(NONE), [sample(answer, reference)])
    assert result.value == recall


def test_a_long_answer_is_not_less_correct_and_its_f1_says_that_it_is_long() -> None:
    assert compare("Paris", "Paris") == (1.0, 1.0, True)
    recall, f1, exact = compare("Paris, a large city in the north of France", "Paris")
    assert recall == 1.0 and f1 < 0.5 and not exact


def test_a_third_call_with_the_same_arguments_is_a_loop_whatever_their_spelling() -> None:
    calls = [ToolCall("find", text) for text in ('{"a": 1, "b": 2}', '{"b":2,"a":1}')]
    loops, retry = judge(
        loop_detection(NONE),
        [sample("", "", *calls, calls[0]), sample("", "", *calls, ToolCall("find", '{"a": 2}'))],
    )
    assert (loops.value, retry.value) == (1.0, 0.0)
    assert loops.explanation.startswith("3 times find")


def test_tool_errors_are_a_share_and_named() -> None:
    (result,) = judge(
        tool_error(NONE), [sample("", "", ToolCall("a", ""), ToolCall("b", "", failed=True))]
    )
    assert (result.value, result.explanation) == (0.5, "failed: b")
    (none,) = judge(tool_error(NONE), [sample()])
    assert (none.status, none.reason) == ("unscored", "no tools")


def test_they_run_online_only_where_they_are_asked_for() -> None:
    evaluator = tool_error(NONE)
    assert share(evaluator, {}) == 0.0
    assert share(evaluator, {"tool_error": EvaluatorPolicy()}) == 1.0
    assert share(evaluator, {"tool_error": EvaluatorPolicy(enabled=False)}) == 0.0


def test_calls_are_read_from_spans_of_tools_else_from_what_models_asked_for(store: Store) -> None:
    name, now = f"tools-{uuid.uuid4().hex[:8]}", time.time_ns()
    asked = SpanRow(name, "t1", "a", now, kind="LLM", tool_names=["find"], tool_arguments=["{}"])
    ran = [
        SpanRow(name, "t1", f"r{i}", now + i, parent_span_id="a", kind="TOOL", name="find",
                tool_names=["find"], tool_arguments=["{}"], status=status)
        for i, status in enumerate(["OK", "ERROR", "OK"], 1)
    ]  # fmt: skip
    only = SpanRow(name, "t2", "a", now, kind="LLM", tool_names=["x", "y"], tool_arguments=["1"])
    plain = SpanRow(name, "t3", "a", now, kind="LLM", output="Hello.")
    spans.insert_spans(store, [asked, *ran, only, plain], uuid.uuid4().hex)
    time.sleep(0.01)
    assert tool_calls(store, name, ["t1", "t2", "t3"]) == {
        "t1": [ToolCall("find", "{}"), ToolCall("find", "{}", True), ToolCall("find", "{}")],
        "t2": [ToolCall("x", "1"), ToolCall("y", "")],
    }
    assert run_batch(store, name, whole(loop_detection(NONE), 0)) == 3
    assert run_batch(store, name, whole(tool_error(NONE), 0)) == 3
    first = {row["evaluator"]: row["value"] for row in scores.trace_scores(store, name, "t1")}
    assert first == {"loop_detection": 1.0, "tool_error": pytest.approx(0.3333)}
    assert {row["reason"] for row in scores.trace_scores(store, name, "t3")} == {"no tools"}
