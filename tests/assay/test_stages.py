"""`assay rootcause --stages` on a file: JSON, a report in words, and what a wrong option gets."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from assay.cli import build_parser
from assay.rootcause import run
from schemas.clickhouse import Store
from schemas.models import ScoreRow, SpanRow
from schemas.queries import scores, spans
from schemas.settings import Settings, from_environment


def write(folder: Path) -> str:
    """800 calls by the minute; from minute 600 on a new prompt in half of them costs 0.3."""
    draw = np.random.default_rng(4)
    lines = ["min,session,topic,top_score,version,score"]
    for minute in range(800):
        new = minute >= 600 and (minute // 2) % 2
        top, topic = draw.normal(0.5, 0.1), draw.choice(["a", "b"])
        score = f"{top + 0.05 * draw.normal() - 0.3 * new:.4f}" if minute % 50 else ""
        lines.append(f"{minute},s{minute // 2},{topic},{top:.4f},v{1 + new},{score}")
    path = folder / "calls.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def command(path: str, stages: str, *more: str) -> int:
    parsed = build_parser().parse_args([
        "rootcause", "--input", path, "--time-column", "min", "--at", "600", "--measure", "score",
        "--session", "session", "--stages", stages, *more,
    ])  # fmt: skip
    return run(from_environment({}), parsed)


STAGES = "input=topic;retrieval=top_score;prompt=version"


def test_the_stage_is_named_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(write(tmp_path), STAGES, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [e["stages"] for e in found["effects"] if e["named"]] == [["prompt"]]
    assert found["effects"][0]["change"] == pytest.approx(-0.15, abs=0.02)
    parts = sum(e["change"] for e in found["effects"]) + found["unexplained"]
    assert parts == pytest.approx(found["after"] - found["before"])


def test_the_report_adds_up_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(write(tmp_path), STAGES) == 0
    said = capsys.readouterr().out
    assert "\nprompt: -0.1" in said
    assert "unexplained" in said
    assert "together" in said


def test_a_quiet_window_names_no_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(write(tmp_path), STAGES, "--at", "300", "--window", "300") == 0
    assert "No stage moved it for certain." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("stages", "more", "message"),
    [
        ("retrieval", (), "must be like retrieval=source,top_score"),
        ("input=language", (), "there is no column 'language'"),
        (STAGES, ("--at", "795"), "sessions on one side"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
    stages: str, more: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    assert command(write(tmp_path), stages, *more) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_stored_traces_need_only_project_metric_and_times(
    store: Store, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    project, draw = f"staged-{uuid.uuid4()}", np.random.default_rng(6)
    now = time.time_ns()
    begin, at = now - 40 * 3600 * 10**9, now - 15 * 3600 * 10**9
    rows, judged = [], []
    for n, moment in enumerate(np.linspace(begin + 10**9, now - 10**9, 600).astype(np.int64)):
        trace = uuid.uuid4().hex
        new = moment >= at and n // 2 % 2
        rows.append(SpanRow(project, trace, trace[:16], int(moment), session_id=f"s{n // 2}",
                            kind="LLM", model="m2" if new else "m1",
                            input="hello " * int(draw.integers(1, 9))))  # fmt: skip
        judged.append(ScoreRow(project, "groundedness", "1", trace, "s", int(moment), "scored",
                               float(0.8 - 0.3 * new + draw.normal(0, 0.05)), 1))  # fmt: skip
    spans.insert_spans(store, rows, project)
    scores.insert_scores(store, judged)
    times = [datetime.fromtimestamp(ns / 1e9, UTC).isoformat() for ns in (begin, at)]
    asked = ["rootcause", "--project", project, "--since", times[0], "--at", times[1]]

    def told(*more: str) -> tuple[int, str, str]:
        code = run(settings, build_parser().parse_args([*asked, *more]))
        return code, *capsys.readouterr()

    code, out, _ = told("--metric", "groundedness", "--stages", "--json")
    found = json.loads(out)
    assert code == 0 and found["columns"] == {"input": ["input_length"], "model": ["model"]}
    assert [e["stages"] for e in found["effects"] if e["named"]] == [["model"]]
    code, out, _ = told("--metric", "groundedness", "--stages")
    assert code == 0 and "\nmodel: -0.1" in out and "input=input_length; model=model." in out
    assert "no stage brain" in told("--metric", "groundedness", "--stages", "brain")[2]
    code, _, said = told("--metric", "beauty", "--stages")
    assert code == 2 and "no metric 'beauty'" in said and "there are groundedness" in said
    assert "too little" in told("--metric", "groundedness", "--stages", "--window", "60")[2]
