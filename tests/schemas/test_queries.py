"""Typed queries over rows written through the real store."""

from __future__ import annotations

import math
import time
import uuid
from dataclasses import replace
from typing import Any

import pytest

from schemas.clickhouse import Store
from schemas.errors import Permanent, Retryable
from schemas.models import DeliveryRow, EmbeddingRow, FindingRow, Sample, ScoreRow, SpanRow
from schemas.queries import deletion, findings, ingest, samples, scores, spans, work

NOW = time.time_ns() - 3600 * 10**9
TRACE = "0" * 31 + "1"


def due(store: Store, *given: Any) -> list[Sample]:
    """What an evaluator would see next."""
    found = work.due(store, *given).items
    return samples.of_traces(store, given[0], [item.trace_id for item in found])


@pytest.fixture
def project(store: Store) -> str:
    """Two spans of one trace, sent twice under one token and once more by the client."""
    name = f"p-{uuid.uuid4()}"
    root = SpanRow(
        name, TRACE, "a" * 16, NOW, name="ask", kind="CHAIN", input="who?", output="she",
        session_id="s1", duration_ns=2 * 10**9, prompt_version="v1", ingested_at=NOW // 10**6,
        attributes={"k": "it's"},
    )  # fmt: skip
    find = replace(root, span_id="b" * 16, parent_span_id="a" * 16, name="find", kind="RETRIEVER",
                   input="", output="", documents=["she did"], document_source="wiki",
                   start_time=NOW + 10**6)  # fmt: skip
    token = str(uuid.uuid4())
    for _ in range(2):
        rows = [replace(r, segment=token) for r in (root, find)]
        spans.insert_spans(store, rows, token)
    again = str(uuid.uuid4())
    spans.insert_spans(store, [replace(root, segment=again)], again)
    return name


def test_a_span_is_read_once_however_often_it_was_sent(store: Store, project: str) -> None:
    assert sorted(spans.span_ids(store, project)) == [(TRACE, "a" * 16), (TRACE, "b" * 16)]
    assert spans.count_spans(store, project) == 2
    assert ingest.stored_by_ledger(store)["traces"][project] == 3
    assert project in spans.projects(store)


def test_an_insert_of_many_blocks_is_stored_whole_and_once(store: Store) -> None:
    """clickhouse-connect compresses block by block: a body of several lz4 frames."""
    name, token = f"p-{uuid.uuid4()}", str(uuid.uuid4())
    rows = [
        SpanRow(name, f"{n:032x}", f"{n:016x}", NOW + n, input="long " * 60, segment=token)
        for n in range(20_000)
    ]
    for _ in range(2):
        spans.insert_spans(store, rows, token)
    assert spans.count_spans(store, name) == 20_000
    assert ingest.stored_by_ledger(store)["traces"][name] == 20_000


def test_lists_and_single_traces_show_text_and_segments(store: Store, project: str) -> None:
    first, last = spans.time_range(store, project)
    assert (first, last) == (NOW, NOW + 10**6)
    (row,) = spans.list_traces(store, project, NOW, NOW + 10**9, search="WHO")
    assert (row["trace_id"], row["name"], row["input"], row["spans"]) == (TRACE, "ask", "who?", 2)
    assert (row["segment_prompt_version"], row["segment_document_source"]) == ("v1", "wiki")
    assert spans.list_traces(store, project, NOW, NOW + 10**9, search="nowhere") == []
    root, find = spans.trace_spans(store, project, TRACE)
    assert (root["input"], root["attributes"]) == ("who?", {"k": "it's"})
    assert list(find["documents"]) == ["she did"]


def test_search_sees_whole_texts_in_any_case_and_alphabet(store: Store) -> None:
    name, token = f"p-{uuid.uuid4()}", str(uuid.uuid4())
    texts = {
        "1": {"input": "x " * 300 + "Kendrick LAMAR"},
        "2": {"output": "Ошибка в договоре"},
        "3": {"documents": ["one", "a STRIKE at bowling"]},
        "4": {"name": "rerank documents"},
        "5": {"output": "привет рано, тобой"},
    }
    spans.insert_spans(store, [
        SpanRow(name, f"{n:0>32}", "a" * 16, NOW, segment=token, **{"name": "ask", **held})  # type: ignore[arg-type]
        for n, held in texts.items()
    ], token)  # fmt: skip

    def found(search: str) -> list[str]:
        rows = spans.list_traces(store, name, NOW - 1, NOW + 1, search=search)
        return [row["trace_id"].lstrip("0") for row in rows]

    assert found("lamar kendrick") == ["1"]
    assert found("ДОГОВОРЕ") == ["2"]
    assert found("товар") == []
    assert found("bowling strike") == ["3"] and found("one strike bowling") == ["3"]
    assert found("Rerank doc") == ["4"]
    assert found(f"{2:032x}") == ["2"]
    assert found("lamar strike") == []


def test_a_list_is_filtered_by_trace_and_reads_little_of_a_long_range(store: Store) -> None:
    name, token, day = f"p-{uuid.uuid4()}", str(uuid.uuid4()), 86_400 * 10**9
    rows = [
        SpanRow(name, f"{n:032x}", f"{part:016x}", NOW - n * day // 2000 + part,
                parent_span_id="" if part == 0 else f"{0:016x}", segment=token,
                model="m" if part == 1 and n % 2 else "", status="ERROR" if n == 40 else "OK",
                document_source="wiki" if part == 2 else "")
        for n in range(20_000) for part in range(3)
    ]  # fmt: skip
    spans.insert_spans(store, rows, token)
    first, last = spans.time_range(store, name)
    page = spans.list_traces(store, name, first, last + 1, limit=50)
    assert [row["trace_id"] for row in page] == [f"{n:032x}" for n in range(50)]
    assert {row["spans"] for row in page} == {3}
    both = {"model": "m", "document_source": "wiki"}
    page = spans.list_traces(store, name, first, last + 1, limit=50, where=both)
    assert [row["trace_id"] for row in page] == [f"{2 * n + 1:032x}" for n in range(50)]
    (row,) = spans.list_traces(store, name, first, last + 1, where={"status": "ERROR"})
    assert (row["trace_id"], row["errors"], row["spans"]) == (f"{40:032x}", 3, 3)
    with pytest.raises(ValueError, match="attributes"):
        spans.list_traces(store, name, first, last, where={"attributes": "x"})


def test_work_is_offered_until_it_is_scored(store: Store, project: str) -> None:
    time.sleep(1.1)
    (sample,) = due(store, project, "e", "1", 0, 10)
    assert (sample.question, sample.answer, sample.documents) == ("who?", "she", ("she did",))
    assert (sample.span_id, sample.session_id, sample.start_time) == ("a" * 16, "s1", NOW)
    done = ScoreRow(project, "e", "1", TRACE, "a" * 16, NOW, "scored", 0.5,
                    time.time_ns() // 10**6, session_id="s1")  # fmt: skip
    scores.insert_scores(store, [done, done])
    assert due(store, project, "e", "1", 0, 10) == []
    assert len(due(store, project, "e", "2", 0, 10)) == 1
    (seen,) = scores.observations(store, project, "e", "1", NOW, NOW + 10**9)
    assert (seen.value, seen.session_id, seen.time) == (0.5, "s1", NOW)
    assert seen.segment["prompt_version"] == "v1"
    (summary,) = scores.evaluators(store, project)
    assert (summary["scored"], summary["mean"]) == (1, 0.5)
    assert scores.trace_scores(store, project, TRACE)[0]["value"] == 0.5


def test_work_of_late_is_found_without_reading_what_is_older(store: Store, project: str) -> None:
    now_ms = time.time_ns() // 10**6
    assert len(due(store, project, "g", "1", 0, 10, now_ms - 60_000)) == 1
    assert due(store, project, "g", "1", 0, 10, now_ms + 60_000) == []


def test_a_failed_judgement_is_counted_and_never_a_zero(store: Store, project: str) -> None:
    row = ScoreRow(project, "f", "1", TRACE, "a" * 16, NOW, "error", math.nan, 1, reason="timeout")
    scores.insert_scores(store, [row])
    (summary,) = scores.evaluators(store, project)
    assert (summary["scored"], summary["errors"]) == (0, 1) and math.isnan(summary["mean"])
    assert scores.observations(store, project, "f", "1", NOW, NOW + 10**9) == []


def test_embeddings_findings_and_deliveries_come_back(store: Store, project: str) -> None:
    scores.insert_embeddings(
        store, [EmbeddingRow(project, "input", "m", TRACE, "a" * 16, NOW, [0.5, 0.25], 1)]
    )
    assert scores.embeddings(store, project, "input", NOW, NOW + 1) == [(NOW, TRACE, [0.5, 0.25])]
    found = FindingRow(project, "f1", "groundedness", "d", "{}", "confirmed", 1000, 0, 2000, 5, 5,
                       0.9, 0.5, -0.4, -0.5, -0.3, 0.001, 1.0, "{}", 3000)  # fmt: skip
    findings.insert_findings(store, [found])
    (row,) = findings.list_findings(store, project)
    assert (row["onset_ms"], row["effect"]) == (1000, -0.4)
    sent = DeliveryRow(project, "d1", "f1", "r", "log", "", "pending", 0, 0, "", "{}", 5, 1)
    findings.insert_deliveries(store, [sent, replace(sent, status="delivered", updated_at=2)])
    assert [d["status"] for d in findings.list_deliveries(store, project)] == ["delivered"]


def test_an_empty_project_has_no_rows_and_no_error(store: Store) -> None:
    assert spans.time_range(store, "nobody") == (0, 0)
    assert spans.list_traces(store, "nobody", 0, 1) == []
    assert scores.evaluators(store, "nobody") == []


def test_errors_are_typed_by_clickhouses_code(store: Store) -> None:
    with pytest.raises(Permanent, match="Code: 62"):
        store.rows("SELEC 1")
    with pytest.raises(Retryable, match="Code: 60"):
        store.rows("SELECT 1 FROM nothing_here")


def test_the_first_and_last_span_are_found_wherever_they_lie(store: Store) -> None:
    name, now, day = f"edges-{uuid.uuid4().hex[:8]}", time.time_ns(), 86_400 * 10**9
    assert spans.time_range(store, name) == (0, 0)
    old = SpanRow(name, "1" * 32, "1" * 16, now - 400 * day, retention_days=0)
    spans.insert_spans(store, [old], f"{name}-1")
    assert spans.time_range(store, name) == (old.start_time, old.start_time)
    wanted = old.start_time
    for n, at in enumerate((now - 60 * day, now - 3 * day, now - 2 * day // 24, now, now + day)):
        late = replace(old, trace_id=f"{n + 2}" * 32, span_id=f"{n + 2}" * 16, start_time=at)
        spans.insert_spans(store, [late], f"{name}-{n + 2}")
        assert spans.time_range(store, name) == (wanted, at)
        assert spans.newest(store, name) == at
    deletion.erase(store, name, [("trace", "1" * 32), ("trace", "6" * 32)], deletion.Names())
    assert spans.time_range(store, name) == (now - 60 * day, now)
