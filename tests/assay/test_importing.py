"""Files of other tools become the rows that their SDKs would have made, in a running collector."""

from __future__ import annotations

import dataclasses
import gzip
import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from assay.cli import build_parser
from assay.exporting import run as export
from assay.formats.base import FormatError, hexadecimal, ns
from assay.importing import Sent, formats, recognised, run, send
from bench.sdks.fields import rows as recorded
from collector.normalise import rows as normalised
from collector.signals.base import projects
from schemas.clickhouse import Store
from schemas.models import SpanRow
from schemas.queries import scores, spans
from schemas.registry import load
from schemas.retention import Retentions
from schemas.settings import Settings
from tests.collector.conftest import collector as collector
from tests.collector.test_sdks import RECORDINGS
from tests.conftest import wait_until

FILES = Path(__file__).parents[1] / "golden" / "imports"
RULES = [made() for made in load("convention", "collector.conventions").values()]


def _spans(path: Path, form: str, **traces: bytes) -> list[SpanRow]:
    found: list[SpanRow] = []
    for signal, request in formats()[form].read(path, "p", dict(traces)):
        if signal == "traces":
            found += normalised(request, RULES, 1, "s", retentions=Retentions())
    return sorted(found, key=lambda row: row.span_id)


@pytest.mark.parametrize("name", ["phoenix_spans.json", "phoenix_spans.parquet"])
def test_an_export_of_phoenix_has_what_was_sent_to_it(name: str) -> None:
    """Phoenix 20.19 was sent a recording of LangChain, and exported it over REST and as Parquet."""
    sent = {row.span_id: row for row in recorded(RECORDINGS["openinference_langchain"])}
    found = _spans(FILES / name, "phoenix")
    assert len(found) == len(sent) == 5
    for row in found:
        was = sent[row.span_id]
        for column in (
            "trace_id", "name", "kind", "model", "provider", "input", "output", "input_messages",
            "output_messages", "session_id", "user_id", "tags", "prompt_version", "input_tokens",
            "output_tokens", "cache_read_tokens", "reasoning_tokens", "finish_reason", "documents",
            "document_ids", "document_sources", "tool_names", "tool_arguments", "tool_results",
            "status", "error_type", "cost_usd", "parent_span_id",
        ):  # fmt: skip
            assert getattr(row, column) == getattr(was, column), (row.name, column)
        assert abs(row.start_time - was.start_time) < 1000  # Phoenix keeps microseconds


def test_annotations_of_phoenix_need_their_spans() -> None:
    known, traces = formats()["phoenix"], {}
    with pytest.raises(FormatError, match="name the file with the spans before it"):
        list(known.read(FILES / "phoenix_annotations.json", "p", traces))
    list(known.read(FILES / "phoenix_spans.json", "p", traces))
    ((signal, request),) = known.read(FILES / "phoenix_annotations.json", "p", traces)
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    assert signal == "logs" and record.trace_id.hex().endswith("09")
    said = {a.key: a.value for a in record.attributes}
    assert said["gen_ai.evaluation.score.value"].double_value == 0.75
    assert said["assay.annotator_kind"].string_value == "HUMAN"


@pytest.mark.parametrize("name", ["langfuse_trace.json", "langfuse_observations.json"])
def test_an_export_of_langfuse_becomes_spans(name: str) -> None:
    by_name = {row.name: row for row in _spans(FILES / name, "langfuse")}
    assert set(by_name) == {"handle", "search", "answer", "track"}
    answer, root = by_name["answer"], by_name["handle"]
    assert {row.trace_id for row in by_name.values()} == {"0af7651916cd43dd8448eb211c80319c"}
    assert answer.parent_span_id == root.span_id == "b7ad6b7169203331"
    assert (answer.kind, answer.model, answer.input) == ("LLM", "gpt-4o-mini", "Where is my order?")
    assert answer.output == "It ships today." and "Be brief." in answer.input_messages
    assert (answer.input_tokens, answer.cache_read_tokens, answer.output_tokens) == (140, 40, 12)
    assert (answer.cost_usd, answer.cost_source) == (0.0042, "span")
    assert (answer.prompt_name, answer.prompt_version) == ("support", "3")
    assert (answer.session_id, answer.user_id) == ("session-1", "user-1")
    assert answer.first_token_ns == 250_000_000 and answer.duration_ns == 10**9
    search, track = by_name["search"], by_name["track"]
    assert (search.documents, search.document_sources) == (
        ["Orders ship within a day."],
        ["faq.md"],
    )
    assert search.span_id == hexadecimal("obs-uuid-1", 8).hex()
    assert (track.kind, track.status, track.status_message) == (
        "TOOL", "ERROR", "carrier timed out",
    )  # fmt: skip
    assert answer.environment == "production"


def test_a_trace_of_langfuse_without_observations_is_a_span(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    trace = json.loads((FILES / "langfuse_trace.json").read_text())
    trace["observations"] = []
    path.write_text(json.dumps(trace))
    (row,) = _spans(path, "langfuse")
    assert (row.name, row.session_id, row.output) == (
        "checkout-help",
        "session-1",
        "It ships today.",
    )


@pytest.mark.parametrize(
    ("name", "form"),
    [("phoenix_spans.json", "phoenix"), ("phoenix_spans.parquet", "phoenix"),
     ("phoenix_annotations.json", "phoenix"), ("langfuse_trace.json", "langfuse"),
     ("langfuse_observations.json", "langfuse"), ("langfuse_scores.jsonl", "langfuse")],
)  # fmt: skip
def test_a_files_format_is_told_by_what_stands_in_it(name: str, form: str) -> None:
    assert recognised(FILES / name, formats()).name == form


def _otlp(count: int, project: str, start: int | None = None) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = project
    scope = group.scope_spans.add()
    for _ in range(count):
        begin = time.time_ns() if start is None else start
        scope.spans.add(
            trace_id=uuid.uuid4().bytes, span_id=uuid.uuid4().bytes[:8], name="n",
            start_time_unix_nano=begin, end_time_unix_nano=begin + 1,
        )  # fmt: skip
    return request


def test_protobuf_comes_alone_or_behind_lengths(tmp_path: Path) -> None:
    bodies = [_otlp(2, "a").SerializeToString(), _otlp(3, "b").SerializeToString()]
    one, many = tmp_path / "one.pb", tmp_path / "many.bin.gz"
    one.write_bytes(bodies[0])
    many.write_bytes(gzip.compress(b"".join(len(b).to_bytes(4, "big") + b for b in bodies)))
    found: Counter[str] = Counter()
    for path in (one, many):
        assert recognised(path, formats()).name == "otlp"
        for signal, request in formats()["otlp"].read(path, "p", {}):
            assert signal == "traces"
            found.update(projects(request))
    assert found == {"a": 4, "b": 3}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", b"{", "is not JSON"),
        ("a.jsonl", b'{"resourceSpans": []}\nnot json', "line 2, is not JSON"),
        ("a.json", b"[1]", "is not a JSON object"),
        ("a.json", b'{"hello": 1}', "none of the formats"),
        ("a.pb", b"\xff\xff", "no OTLP request"),
        ("a.parquet", b"x", "is not Parquet"),
        ("a.json.gz", b"x", "cannot be read"),
        ("a.json", b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"zz"}]}]}]}', "hexa"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_with_the_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FormatError, match=reason) as error:
        list(recognised(path, formats()).read(path, "p", {}))
    assert str(path) in str(error.value)


def test_times_are_told_by_their_form() -> None:
    at = 1_767_607_200_000_000_000
    for value in ("2026-01-05T10:00:00.000Z", at, at // 10**3, at // 10**6, at // 10**9, str(at)):
        assert ns(value) == at
    assert ns("2026-01-05T10:00:00.123456+00:00") == at + 123_456_000
    assert ns(None) == ns("") == ns("soon") == 0


def test_ids_that_are_none_are_hashed_and_stay_the_same() -> None:
    assert hexadecimal("0af76519-16cd-43dd-8448-eb211c80319c", 16).hex().startswith("0af76519")
    assert hexadecimal("my trace", 16) == hexadecimal("my trace", 16) != hexadecimal("other", 16)
    assert len(hexadecimal("00" * 16, 16)) == 16 and any(hexadecimal("00" * 16, 16))


@pytest.fixture
def client(collector: Settings) -> Iterator[httpx.Client]:
    headers = {"content-type": "application/x-protobuf"}
    base = f"http://127.0.0.1:{collector.otlp_http_port}"
    with httpx.Client(base_url=base, headers=headers) as made:
        yield made


def _import(collector: Settings, *words: str) -> int:
    return run(collector, build_parser().parse_args(["import", *words]))


def test_spans_and_scores_land_in_the_project_with_their_own_times(
    collector: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    project = f"lf-{uuid.uuid4().hex[:8]}"
    files = [str(FILES / "langfuse_trace.json"), str(FILES / "langfuse_scores.jsonl")]
    for _ in range(2):  # what is imported twice is stored once
        assert _import(collector, *files, "--project", project, "--retention", "0") == 0
    assert "4 spans" in capsys.readouterr().out
    trace = "0af7651916cd43dd8448eb211c80319c"
    wait_until(lambda: len(spans.trace_spans(store, project, trace)) == 4, "spans are stored")
    wait_until(lambda: len(scores.trace_scores(store, project, trace)) == 3, "and scores")
    found = {row["evaluator"]: row for row in scores.trace_scores(store, project, trace)}
    assert (found["helpfulness"]["value"], found["helpfulness"]["source"]) == (0.8, "annotation")
    assert (found["correct"]["value"], found["correct"]["level"]) == (1.0, "trace")
    assert found["tone"]["reason"] == "label: formal"
    (root, *_) = spans.trace_spans(store, project, trace)
    assert root["start_ns"] == ns("2026-01-05T10:00:00Z") and root["retention_days"] == 0


def test_old_data_without_a_retention_is_refused_with_advice(
    collector: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "old.pb"
    path.write_bytes(_otlp(3, "old", ns("2025-01-05T10:00:00Z")).SerializeToString())
    assert _import(collector, str(path)) == 1
    said = capsys.readouterr()
    assert "not kept: 3" in said.err and "--retention 365" in said.err
    assert _import(collector, str(path), "--retention", "12") == 2
    assert _import(collector, str(path), "--format", "csv") == 2


def test_an_export_is_imported_again_as_it_was(
    collector: Settings, settings: Settings, store: Store, tmp_path: Path
) -> None:
    first, second = f"a-{uuid.uuid4().hex[:8]}", f"b-{uuid.uuid4().hex[:8]}"
    now = time.time_ns() - 10**9
    row = SpanRow(first, "ab" * 16, "cd" * 8, now, name="ask", kind="LLM", input="q", output="a",
                  model="gpt-4o-mini", input_tokens=5, documents=["d"], document_ids=["1"],
                  document_scores=[0.5], document_sources=["s"], document_source="s", service="app",
                  resource={"service.name": "app"}, attributes={"my.key": "v"})  # fmt: skip
    spans.insert_spans(store, [row], first)
    path = tmp_path / "spans.jsonl"
    words = ["export", "--project", first, "--output", str(path)]
    assert export(settings, build_parser().parse_args(words)) == 0
    assert _import(collector, str(path), "--project", second) == 0
    wait_until(lambda: bool(spans.trace_spans(store, second, "ab" * 16)), "it is stored")
    (found,) = spans.trace_spans(store, second, "ab" * 16)
    for column, value in dataclasses.asdict(row).items():
        if column in found and column not in {"project", "attributes", "resource", "start_time",
                                              "ingested_at", "segment", "convention", "cost_usd",
                                              "cost_source"}:  # fmt: skip
            assert found[column] == value or list(found[column]) == value, column
    assert found["attributes"]["my.key"] == "v"


def test_a_collector_that_is_not_there_is_named(tmp_path: Path) -> None:
    client = httpx.Client(base_url="http://127.0.0.1:1")
    with pytest.raises(FormatError, match="is the collector up"):
        send(client, "traces", _otlp(1, "p"), Sent())


def test_something_else_that_answers_is_no_collector(settings: Settings) -> None:
    client = httpx.Client(base_url=f"http://127.0.0.1:{settings.store_port}")
    with pytest.raises(FormatError, match="refuses with"):
        send(client, "traces", _otlp(1, "p"), Sent())
