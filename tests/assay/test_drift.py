"""`assay drift` on files: one answer per test, in JSON or words, and errors that say what to do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assay.cli import build_parser
from assay.drift import run
from schemas.settings import from_environment


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
