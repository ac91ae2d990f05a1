"""Each page shows real rows without an error, and words where there is nothing."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from schemas import keys
from schemas.clickhouse import Store
from schemas.models import RejectionRow, ScoreRow, SpanRow
from schemas.queries import rejections, scores, sessions, spans


def _page(name: str, project: str, **query: str) -> AppTest:
    def show(name: str, project: str, home: str, port: str) -> None:
        import importlib

        from schemas import clickhouse
        from schemas.settings import from_environment

        settings = from_environment({"ASSAY_HOME": home, "ASSAY_STORE_PORT": port})
        page = importlib.import_module(f"ui.views.{name}")
        page.render(clickhouse.connect(settings), project)

    test = AppTest.from_function(show, kwargs={"name": name, "project": project, **_where})
    for key, value in query.items():
        test.query_params[key] = value
    return test.run(timeout=60)


_where: dict[str, str] = {}


@pytest.fixture(autouse=True)
def where(settings: object) -> None:
    home: Path = settings.home  # type: ignore[attr-defined]
    port: int = settings.store_port  # type: ignore[attr-defined]
    _where.update(home=str(home), port=str(port))


def _words(page: AppTest) -> str:
    kinds = ("title", "subheader", "error", "info", "success", "markdown", "caption", "text")
    return " ".join(str(e.value) for kind in kinds for e in page.get(kind)).replace("\\", "")


def test_overview_shows_finding_and_mean(filled: str) -> None:
    page = _page("overview", filled)
    assert not page.exception
    assert "groundedness fell for v2" in _words(page)
    tiles = {m.label: m.value for m in page.metric}
    assert tiles["groundedness"] == "0.655" and "n 60 of 60" in _words(page)
    assert tiles["Traces"] == "60" and "0 of 60" in _words(page)
    links = [each.proto.label for each in page.get("page_link")]
    assert "All traces" in links and "Slower than p95" in links
    assert "Failed ones" not in links and "With a cost" not in links, "nothing to show there"


def test_overview_lists_costs_and_what_was_refused(store: Store) -> None:
    name, token = f"p-{uuid.uuid4()}", str(uuid.uuid4())
    now = time.time_ns() - 60 * 10**9
    rows = [
        SpanRow(name, f"{n:032x}", f"{n:016x}", now, model=model, cost_usd=cost, cost_source=source,
                segment=token)
        for n, (model, cost, source) in enumerate(
            [("dear", 1.5, "span"), ("ours", 0.0, "unpriced")], 1
        )
    ]  # fmt: skip
    spans.insert_spans(store, rows, token)
    day = datetime.fromtimestamp(now / 1e9, UTC).date()
    refused = RejectionRow(name, day, "traces", "all-zero id", "opentelemetry python 1.40", "{}", 3,
                           now // 10**6, now // 10**6)  # fmt: skip
    rejections.insert_rejections(store, [refused], token)
    page = _page("overview", name)
    assert not page.exception
    costs, bad = (frame.value for frame in page.dataframe[-2:])
    assert list(zip(costs["model"], costs["cost"], strict=True)) == [
        ("dear", "$ 1.5000"), ("ours", "no price")
    ]  # fmt: skip
    assert (list(bad["reason"]), list(bad["items"])) == (["all-zero id"], [3])


@pytest.mark.parametrize(("cost", "source", "told"), [
    (1.5, "span", "$ 1.5000"), (0.0, "unpriced", "no price"),
])  # fmt: skip
def test_a_day_whose_calls_have_no_price_was_not_free(
    store: Store, cost: float, source: str, told: str
) -> None:
    name = f"p-{uuid.uuid4()}"
    row = SpanRow(name, "a" * 32, "b" * 16, time.time_ns(), model="m", cost_usd=cost,
                  cost_source=source, segment=name, kind="LLM", input_tokens=9)  # fmt: skip
    spans.insert_spans(store, [row], name)
    page = _page("settings", name)
    assert not page.exception
    use = page.dataframe[0].value
    assert list(zip(use["model calls"], use["cost"], strict=True)) == [(1, told)]


def test_findings_show_segment_effect_and_examples(filled: str) -> None:
    page = _page("findings", filled)
    assert not page.exception
    assert "prompt_version=v2" in _words(page)
    assert "-0.300" in [m.value for m in page.metric]


def test_traces_are_listed_and_searched(filled: str) -> None:
    page = _page("traces", filled, search="answer 7")
    assert not page.exception
    assert list(page.dataframe[0].value["output"]) == ["answer 7"]
    assert "No trace matches" in _words(_page("traces", filled, search="nowhere"))


def test_a_trace_shows_its_text_and_scores(filled: str) -> None:
    page = _page("trace", filled, trace=f"{7:032x}")
    assert not page.exception
    assert "answer 7" in _words(page)
    assert page.dataframe[0].value["evaluator"][0] == "groundedness"


def test_an_unknown_trace_and_an_empty_project_are_said_in_words(filled: str) -> None:
    assert "No trace" in str(_page("trace", filled, trace="f" * 32).warning[0].value)
    assert "not proof of no change" in _words(_page("findings", "empty-project"))


def _conversation(store: Store) -> str:
    """A project with a session of two turns, a retrieval that found and one that did not."""
    name, now = f"ui-{uuid.uuid4()}", time.time_ns() - 3600 * 10**9
    rows = [
        SpanRow(name, f"{n:032x}", f"{n:016x}", now + n * 10**9, session_id="chat-1", user_id="ada",
                kind="LLM", name="answer", input=f"question {n}", output=f"reply {n}",
                duration_ns=10**9, status="ERROR" if n == 2 else "OK")
        for n in (1, 2)
    ]  # fmt: skip
    late = now + 3 * 10**9
    rows += [
        SpanRow(name, f"{1:032x}", "a" * 16, late, kind="RETRIEVER", name="find", input="q1",
                documents=["text of faq"], document_ids=["d1"], document_scores=[0.5],
                document_sources=["faq.md"], document_source="faq.md"),
        SpanRow(name, f"{2:032x}", "b" * 16, late, kind="RETRIEVER", name="find", input="lost"),
    ]  # fmt: skip
    spans.insert_spans(store, rows, name)
    return name


def test_a_session_is_shown_turn_by_turn(store: Store) -> None:
    page = _page("sessions", _conversation(store), session="chat-1", users="true")
    assert not page.exception
    said = _words(page)
    assert said.index("question 1") < said.index("question 2") and "1 failed" in said
    assert page.dataframe[0].value["traces"].tolist() == [2]  # of user ada
    assert page.dataframe[1].value["turns"].tolist() == [2]


def test_users_have_their_cost_and_what_evaluators_say(store: Store) -> None:
    name = _conversation(store)
    now = time.time_ns() - 3600 * 10**9
    rows = [
        ScoreRow(name, "groundedness", version, f"{n:032x}", f"{n:016x}", now + n * 10**9,
                 "scored", value, at, session_id="chat-1")
        for n, version, value, at in ((1, "1", 0.1, 1), (1, "2", 0.5, 2), (2, "2", 0.7, 2))
    ]  # fmt: skip
    scores.insert_scores(store, rows)
    closed = _page("sessions", name, session="chat-1")
    assert not closed.exception and len(closed.dataframe) == 1, "nobody looks at users"
    page = _page("sessions", name, session="chat-1", users="true")
    assert not page.exception
    table = page.dataframe[0].value
    assert table["groundedness"].tolist() == ["0.60 (n 2)"], "the newest version alone"
    (found,) = sessions.user_scores(store, name, 0, 2**62, ["ada"])["ada"]
    assert found[0] == "groundedness" and found[3] == 2


def test_a_session_that_is_not_there_is_named(store: Store) -> None:
    page = _page("sessions", _conversation(store), session="nobody")
    assert "No session nobody" in " ".join(str(w.value) for w in page.warning)


def test_retrieval_lists_documents_and_what_found_nothing(store: Store) -> None:
    page = _page("retrieval", _conversation(store))
    assert not page.exception
    assert [m.value for m in page.metric] == ["1", "1", "1"]
    sources, documents, nothing = (frame.value for frame in page.dataframe)
    assert sources["mean score"].tolist() == ["0.500"]
    assert documents["text"].tolist() == ["text of faq"]
    assert "search=document_source%3Dfaq.md&from=" in sources["show"][0]
    assert "/traces?" in documents["show"][0] and "search=text+of+faq&" in documents["show"][0]
    assert nothing["query"].tolist() == ["lost"]


def test_a_document_is_found_by_what_the_index_takes_as_words(store: Store) -> None:
    name = f"words-{uuid.uuid4()}"
    text = 'presley\'s first rca single, "heartbreak hotel", was well-received in january'
    late = time.time_ns() - 3600 * 10**9
    row = SpanRow(name, f"{1:032x}", "a" * 16, late, kind="RETRIEVER", documents=[text])
    spans.insert_spans(store, [row], name)
    page = _page("retrieval", name)
    (address,) = page.dataframe[1].value["show"]
    (search,) = parse_qs(urlsplit(address).query)["search"]
    assert search == "first rca single heartbreak hotel was in january"
    assert len(spans.list_traces(store, name, late, late + 1, search=search)) == 1


def test_the_list_is_filtered_by_columns(store: Store) -> None:
    project = _conversation(store)
    page = _page("traces", project, search="status=ERROR question")
    assert page.dataframe[0].value["errors"].tolist() == [1]
    page = _page("traces", project, search="model>3")
    assert "model is text" in " ".join(str(w.value) for w in page.warning)
    assert _page("traces", project, search='name="open').warning


def test_alerts_show_what_was_sent_and_what_came_back(filled: str) -> None:
    page = _page("alerts", filled)
    assert not page.exception
    assert len(page.metric) == 4


def test_settings_show_keys_of_the_project_only(store: Store, filled: str) -> None:
    mine, _ = keys.create(store, filled, ["ingest"], 0, "of this project", "ada")
    other, _ = keys.create(store, "another", ["ingest"], 0, "of another", "ada")
    try:
        page = _page("settings", filled)
        assert not page.exception
        shown = " ".join(frame.value.to_string() for frame in page.dataframe)
        assert mine.id in shown and "of another" not in shown and other.id not in shown
        assert mine.digest not in shown
    finally:
        keys.revoke(store, mine.id, "ada")
        keys.revoke(store, other.id, "ada")


def test_drift_says_when_a_stream_is_too_young(filled: str) -> None:
    page = _page("drift", filled)
    assert not page.exception
    assert "uncalibrated" in _words(page)


@pytest.mark.parametrize("name", ["sessions", "retrieval", "alerts", "settings", "drift"])
def test_a_page_without_data_says_what_to_do(name: str) -> None:
    page = _page(name, f"nobody-{uuid.uuid4()}")
    assert not page.exception
    assert _words(page)
