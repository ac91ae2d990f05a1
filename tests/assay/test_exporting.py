"""What is exported comes back as it was: spans of real SDKs by OTLP/JSON, tables as Parquet."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyarrow import parquet

from assay.cli import build_parser
from assay.exporting import ExportError, moment, run
from bench.sdks.fields import rows
from collector.normalise import rows as normalised
from schemas.clickhouse import Store
from schemas.models import ScoreRow, SpanRow
from schemas.openinference import request
from schemas.queries import export, scores, spans
from schemas.registry import load
from schemas.settings import Settings
from tests.collector.test_sdks import RECORDINGS

# What a span says of itself, not what it says of its call; and what an SDK wrapped twice.
NOT_COMPARED = {"attributes", "resource", "convention", "events", "ingested_at", "segment"}
UNWRAPPED = {("langfuse", "tool_arguments"), ("openllmetry", "tool_arguments"),
             ("openllmetry", "tool_results"), ("vercel_ai", "tool_results")}  # fmt: skip
NAMED = {("otel_openai", "tool_ids"), ("otel_openai", "tool_result_ids"),
         ("otel_openai", "output_messages"), ("otel_genai_openai", "output_messages")}  # fmt: skip


@pytest.mark.parametrize("name", RECORDINGS)
def test_columns_of_a_real_sdk_survive_a_round_trip(name: str) -> None:
    """Where a column differs it has gained: a wrapping is gone, or a call its id."""
    rules = [made() for made in load("convention", "collector.conventions").values()]
    for row in rows(RECORDINGS[name]):
        whole = {**dataclasses.asdict(row), "start_ns": row.start_time}
        (again,) = normalised(request([whole]), rules, row.ingested_at * 10**6, row.segment)
        before, after = dataclasses.asdict(row), dataclasses.asdict(again)
        changed = {c for c in before if str(before[c]) != str(after[c])} - NOT_COMPARED
        assert {(name, column) for column in changed} <= UNWRAPPED | NAMED
        # The text of an answer is a column, and an attribute only where no messages have it.
        assert set(before["attributes"]) - set(after["attributes"]) <= {"ai.response.text"}


NOW = int(datetime.now(UTC).timestamp()) * 10**9 - 3600 * 10**9


def _fill(store: Store, project: str, count: int) -> None:
    said = json.dumps([{"role": "user", "content": "why?"}])
    spans.insert_spans(
        store,
        [
            SpanRow(project, f"{n:032x}", f"{n:016x}", NOW + n * 10**9, name="ask", kind="LLM",
                    input="why?", output=f"so {n}", input_messages=said, model="m",
                    documents=["a", "b"], document_ids=["1", "2"], document_scores=[0.5, 0.25],
                    document_sources=["x", "y"], tags=["t"], attributes={"k": "v"},
                    duration_ns=10**6, resource={"service.name": "s"}, service="s")
            for n in range(1, count + 1)
        ],
        f"export/{project}",
    )  # fmt: skip
    scores.insert_scores(
        store,
        [ScoreRow(project, "e", "1", f"{1:032x}", f"{1:016x}", NOW, "scored", 0.5, NOW // 10**6)],
    )


def _export(settings: Settings, *words: str) -> int:
    return run(settings, build_parser().parse_args(["export", *words]))


@pytest.fixture(scope="module")
def project(settings: Settings) -> str:
    from schemas import clickhouse

    store = clickhouse.connect(settings)
    _fill(store, "exported", 25)
    store.close()
    return "exported"


def test_spans_are_written_as_lines_of_otlp(
    settings: Settings, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PIECE", 10)
    path = tmp_path / "spans.jsonl"
    assert _export(settings, "--project", project, "--output", str(path)) == 0
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    found = [
        span for line in lines for group in line["resourceSpans"]
        for scope in group["scopeSpans"] for span in scope["spans"]
    ]  # fmt: skip
    assert len(lines) == 3 and [int(s["spanId"], 16) for s in found] == list(range(1, 26))
    assert found[0]["traceId"] == f"{1:032x}"
    keys = {a["key"]: a["value"] for a in found[0]["attributes"]}
    assert keys["retrieval.documents.1.document.content"] == {"stringValue": "b"}
    assert keys["k"] == {"stringValue": "v"}


def test_spans_are_written_as_a_table(settings: Settings, project: str, tmp_path: Path) -> None:
    path = tmp_path / "spans.parquet"
    words = ("--project", project, "--format", "parquet", "--output", str(path))
    assert _export(settings, *words) == 0
    table = parquet.read_table(path).to_pylist()
    assert len(table) == 25
    assert (table[0]["output"], table[0]["documents"]) == ("so 1", ["a", "b"])
    assert table[0]["document_scores"] == [0.5, 0.25] and dict(table[0]["attributes"]) == {"k": "v"}
    assert table[0]["start_ns"] == NOW + 10**9


def test_scores_are_written_as_a_table(settings: Settings, project: str, tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    words = ("--project", project, "--what", "scores", "--format", "parquet", "--output", str(path))
    assert _export(settings, *words) == 0
    (row,) = parquet.read_table(path).to_pylist()
    assert (row["evaluator"], row["value"], row["status"]) == ("e", 0.5, "scored")


def test_a_range_holds_what_starts_in_it(settings: Settings, project: str, tmp_path: Path) -> None:
    since = datetime.fromtimestamp((NOW + 5 * 10**9) / 1e9, UTC).isoformat()
    until = datetime.fromtimestamp((NOW + 8 * 10**9) / 1e9, UTC).isoformat()
    path = tmp_path / "some.parquet"
    words = ["--project", project, "--format", "parquet", "--output", str(path)]
    assert _export(settings, *words, "--since", since, "--until", until) == 0
    assert [int(s, 16) for s in parquet.read_table(path)["span_id"].to_pylist()] == [5, 6, 7]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--project", "nobody", "--output", "x.jsonl"], "there is no project"),
        (["--project", "p", "--output", "x", "--since", "yesterday"], "is no time"),
        (["--project", "p", "--output", "-", "--format", "parquet"], "needs a file"),
        (["--project", "p", "--output", "x", "--what", "scores"], "--format parquet"),
        (["--project", "exported", "--output", "no/folder/x"], "No such file"),
    ],
)
def test_what_cannot_be_exported_is_said(
    settings: Settings, project: str, words: list[str], reason: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert _export(settings, *words) == 1
    assert reason in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_times_are_read_in_words() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert moment("2d", now) == moment("2026-11-21T12:00", now)
    assert moment("2026-11-21T12:00+02:00", now) == moment("2026-11-21T10:00", now)
    with pytest.raises(ExportError):
        moment("2026-13-01", now)
