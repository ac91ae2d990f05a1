"""`assay drift` on files: one answer per test, in JSON or words, and errors that say what to do."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import numpy as np
import pytest

from assay.cli import build_parser
from assay.drift import run
from schemas.clickhouse import Store
from schemas.models import SpanRow
from schemas.queries import spans
from schemas.settings import Settings, from_environment


def write(folder: Path, name: str, shift: float) -> str:
    draw = np.random.default_rng(len(name))
    rows = [
        {"score": float(draw.normal(shift, 1)), "model": "ab"[int(draw.random() < 0.5 + shift / 3)],
         "text": f"question {n} about parcels", "user": f"u{n // 4}"}
        for n in range(200)
    ]  # fmt: skip
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return str(path)


def command(folder: Path, shift: float, *more: str) -> int:
    parsed = build_parser().parse_args([
        "drift", "--reference", write(folder, "old", 0.0),
        "--current", write(folder, "newer", shift), *more,
    ])  # fmt: skip
    return run(from_environment({}), parsed)


@pytest.mark.parametrize(
    ("column", "detectors"),
    [
        ("score", {"ks", "mann_whitney"}),
        ("model", {"g_test"}),
        ("text", {"ks", "mann_whitney", "g_test"}),
    ],
)
def test_every_test_answers_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], column: str, detectors: set[str]
) -> None:
    assert command(tmp_path, 1.0, "--column", column, "--no-embedding", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {f["detector"] for f in found} == detectors
    assert all({"statistic", "p_value", "effect", "verdict"} <= set(f) for f in found)
    if column != "text":
        assert {f["verdict"] for f in found} == {"changed"}


def test_quiet_columns_are_called_quiet_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path, 0.0, "--column", "score", "--session-column", "user") == 0
    told = capsys.readouterr().out
    assert "in 50 and 50 sessions" in told and "no change found (80% power from" in told


def test_a_missing_column_is_named_with_those_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path, 0.0, "--column", "scores") == 2
    assert "no column 'scores'; there are score, model, text, user" in capsys.readouterr().err


def test_an_empty_column_is_no_data_and_not_no_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "e.jsonl").write_text('{"score": null, "x": 1}\n' * 5)
    assert command(tmp_path, 0.0, "--column", "score", "--current", str(tmp_path / "e.jsonl")) == 2
    assert "no data" in capsys.readouterr().err


def stored(settings: Settings, project: str, *more: str) -> int:
    parsed = build_parser().parse_args([
        "drift", "--project", project, "--reference", "2026-01-05..2026-01-06",
        "--current", "2026-01-06..2026-01-07", *more,
    ])  # fmt: skip
    return run(settings, parsed)


def test_metrics_of_stored_ranges_are_compared_by_session(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    project, draw = f"ranges-{uuid.uuid4().hex[:8]}", np.random.default_rng(4)
    rows = []
    for n in range(400):
        day, slower = n // 200, 2.0 if n >= 200 else 1.0
        at = (1_767_571_200 + day * 86_400 + n) * 10**9  # 2026-01-05
        rows.append(SpanRow(
            project, uuid.uuid4().hex, f"{n + 1:016x}", at, session_id=f"s{n // 2}", kind="LLM",
            duration_ns=int(1e9 * slower * draw.lognormal(0, 0.3)), retention_days=0,
            input="x" * int(draw.integers(20, 80)),
        ))  # fmt: skip
    spans.insert_spans(store, rows, project)
    assert stored(settings, project, "--metric", "latency", "--metric", "input_length",
                  "--json") == 0  # fmt: skip
    found = json.loads(capsys.readouterr().out)
    verdicts = {(each["feature"], each["verdict"]) for each in found}
    assert verdicts == {("latency", "changed"), ("input_length", "no change found")}
    assert {each["sessions_current"] for each in found} == {100}
    quiet = next(e for e in found if (e["feature"], e["detector"]) ==
                 ("input_length", "mann_whitney"))  # fmt: skip
    assert 0 < quiet["detectable"] < 1
    assert stored(settings, project, "--metric", "nothing") == 2
    assert "there is no metric 'nothing'; there are latency, cost" in capsys.readouterr().err
    assert stored(settings, "nobody", "--metric", "latency") == 2
    assert "no data" in capsys.readouterr().err
