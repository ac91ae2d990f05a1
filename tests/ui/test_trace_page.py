"""The page of one trace: its timeline, evidence, tool calls, comparison, and hostile texts."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from schemas.clickhouse import Store
from schemas.models import EmbeddingRow, ScoreRow, SpanRow
from schemas.queries import scores, spans
from schemas.settings import Settings
from tests.ui.pages import components, opened, words

NOW = time.time_ns() - 3600 * 10**9
TOLD = (
    'unsupported: "It was built by aliens." (0.08; not in the documents: aliens)\n'
    'supported: "The tower is 330 m high." (0.93) by document 1: "The tower is 330 m high."'
)


def _span(project: str, number: int, parent: int = 0, **more: object) -> SpanRow:
    given = {"start_time": NOW + number * 10**6, "duration_ns": 10**6, "trace_id": "a" * 32, **more}
    return SpanRow(project, span_id=f"{number:016x}",
                   parent_span_id=f"{parent:016x}" if parent else "", **given)  # type: ignore[arg-type]  # fmt: skip


@pytest.fixture(scope="module")
def agent(settings: Settings) -> str:
    """A trace of an agent with a retrieval, a tool that failed and was tried again, and scores."""
    from schemas import clickhouse

    store = clickhouse.connect(settings)
    name = f"trace-{uuid.uuid4()}"
    asked = json.dumps([{"role": "user", "content": "How high is it?"}])
    answer = "The tower is 330 m high.  It was built by aliens."
    rows = [
        _span(name, 1, kind="AGENT", name="answer", duration_ns=10**9, input="How high is it?",
              output=answer, input_messages=asked, session_id="s1", user_id="ada"),
        _span(name, 2, 1, kind="RETRIEVER", name="find", documents=["The tower is 330 m high."],
              document_scores=[0.75], document_sources=["wiki"], document_ids=["d1"]),
        _span(name, 3, 1, kind="TOOL", name="measure", status="ERROR", status_message="no tape",
              tool_names=["measure"], tool_ids=["c1"], tool_arguments=['{"what": "tower"}']),
        _span(name, 4, 1, kind="TOOL", name="measure", tool_names=["measure"], tool_ids=["c2"],
              tool_arguments=['{"what": "tower"}'], tool_result_ids=["c2"], tool_results=["330"]),
        _span(name, 5, kind="AGENT", name="answer", trace_id="b" * 32, input="How wide is it?",
              output="I do not know.", cost_usd=0.5),
    ]  # fmt: skip
    spans.insert_spans(store, rows, name)
    scores.insert_scores(store, [
        ScoreRow(name, "groundedness", "1", "a" * 32, rows[0].span_id, NOW, "scored", 0.4, 1,
                 explanation=TOLD),
        ScoreRow(name, "groundedness", "1", "b" * 32, rows[4].span_id, NOW, "scored", 0.9, 1),
    ])  # fmt: skip
    scores.insert_embeddings(store, [
        EmbeddingRow(name, "input", "m", trace * 32, "s", NOW, vector, 1)
        for trace, vector in (("a", [1.0, 0.0]), ("b", [0.6, 0.8]), ("c", [0.0, 1.0]))
    ])  # fmt: skip
    store.close()
    return name


def test_the_timeline_marks_failures_tries_and_the_critical_path(
    settings: Settings, agent: str
) -> None:
    page = opened(settings, "trace", agent, trace="a" * 32)
    assert not page.exception
    (drawn,) = components(page, "assay_waterfall")
    assert [row["name"] for row in drawn["rows"]] == ["answer", "find", "measure", "measure"]
    assert ["error", True] in drawn["rows"][2]["badges"]
    assert ["try 2", True] in drawn["rows"][3]["badges"]
    assert drawn["rows"][0]["critical"] and "How high is it?" in words(page)


def test_a_picked_span_is_an_address(settings: Settings, agent: str) -> None:
    page = opened(settings, "trace", agent, trace="a" * 32, span=f"{2:016x}")
    assert "document 1, wiki, score 0.75" in words(page)
    page = opened(settings, "trace", agent, trace="a" * 32, toggled=f"{1:016x}")
    (drawn,) = components(page, "assay_waterfall")
    assert len(drawn["rows"]) == 1 and ["1 failed", True] in drawn["rows"][0]["badges"]


def test_sentences_of_the_answer_are_marked_by_what_supports_them(
    settings: Settings, agent: str
) -> None:
    page = opened(settings, "trace", agent, trace="a" * 32)
    (drawn,) = components(page, "assay_evidence")
    assert "".join(said for said, _ in drawn["answer"]) == (
        "The tower is 330 m high.  It was built by aliens."
    )
    of = {said: drawn["marks"][n] for said, n in drawn["answer"] if n >= 0}
    assert of["The tower is 330 m high."] == ["yes", "[1]"]
    assert of["It was built by aliens."] == ["no", "✗"]
    assert drawn["documents"][0]["pieces"] == [["The tower is 330 m high.", 1]]
    assert "1 of 2 sentences are supported" in words(page)


def test_tool_calls_stand_beside_their_results(settings: Settings, agent: str) -> None:
    page = opened(settings, "trace", agent, trace="a" * 32, part="Tool calls")
    said = words(page)
    assert "330" in said and "(none came back)" in said and "The call failed." in said


def test_neighbours_are_ordered_by_cosine(settings: Settings, agent: str) -> None:
    page = opened(settings, "trace", agent, trace="a" * 32, part="Similar")
    found = page.dataframe[0].value
    assert found["similarity"].tolist() == [0.6, 0.0]
    assert "with=" + "b" * 32 in found["compare"][0]


def test_two_traces_stand_side_by_side(settings: Settings, agent: str) -> None:
    page = opened(settings, "trace", agent, trace="a" * 32, part="Compare", **{"with": "b" * 32})
    assert not page.exception
    rows = page.dataframe[0].value.set_index("what")
    assert rows.loc["groundedness"].tolist() == ["0.4", "0.9", "+0.5"]
    assert rows.loc["failed spans"].tolist() == ["1", "0", "-1"]
    assert rows.loc["cost, USD"].tolist() == ["no price", "0.5", ""]
    assert len(components(page, "assay_waterfall")) == 3 and "I do not know." in words(page)
    page = opened(settings, "trace", agent, trace="a" * 32, part="Compare", **{"with": "f" * 32})
    assert "No trace" in words(page)


def test_a_trace_is_copied_as_otlp(settings: Settings, agent: str) -> None:
    page = opened(settings, "trace", agent, trace="a" * 32, part="Copy")
    made = json.loads(page.code[0].value)
    first = made["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert first["traceId"] == "a" * 32 and first["name"] == "answer"
    assert "curl" in page.code[1].value and "trace_spans" in page.code[2].value


def test_a_large_trace_opens_folded_and_by_pages(settings: Settings, store: Store) -> None:
    name = f"large-{uuid.uuid4()}"
    rows = [_span(name, 1, name="root")]
    rows += [_span(name, n, 1 if n % 2 else n - 1, name=f"s{n}") for n in range(3, 1203)]
    spans.insert_spans(store, rows, name)
    page = opened(settings, "trace", name, trace="a" * 32)
    (drawn,) = components(page, "assay_waterfall")
    assert len(drawn["rows"]) == 100
    assert "100 rows of 601 open, 1,201 spans" in words(page)
    page = opened(settings, "trace", name, trace="a" * 32, page="7")
    (drawn,) = components(page, "assay_waterfall")
    assert len(drawn["rows"]) == 1


def test_text_that_would_act_is_shown_as_it_is(settings: Settings, store: Store) -> None:
    name = f"hostile-{uuid.uuid4()}"
    nasty = (
        "<script>alert(1)</script> ![x](http://example.invalid/a.png) \x1b[31mred\x1b[0m \u202efdp"
    )
    row = _span(name, 1, kind="LLM", name=nasty, input=nasty, output="x" * 10**6,
                documents=[nasty], attributes={"k": nasty}, status="ERROR", status_message=nasty,
                model=nasty)  # fmt: skip
    spans.insert_spans(store, [row], name)
    page = opened(settings, "trace", name, trace="a" * 32)
    assert not page.exception
    for kind in ("markdown", "caption", "error", "subheader"):
        for element in page.get(kind):
            assert "![x](" not in str(element.value) and "<script>" not in str(element.value)
    said = words(page)
    assert "\x1b" not in said and "\u202e" not in said and "␛[31mred" in said
    assert "⟨U+202E⟩" in said and "The first 20,000 of 1,000,000 characters" in said
    assert len(repr(page.main)) < 10**6 and not page.get("html")
