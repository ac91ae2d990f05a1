"""`assay rootcause` on files: causes as JSON, a report in words, and errors that say what to do."""

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
from assay.tables import read_table
from schemas.clickhouse import Store
from schemas.models import SpanRow
from schemas.queries.spans import insert_spans
from schemas.settings import Settings, from_environment


def write(folder: Path, iso: bool = False) -> Path:
    """Twelve minutes of 60 rows; in the last one bitrate 2000 over p2p stutters."""
    draw = np.random.default_rng(1)
    lines = ["min,bitrate,p2p,value,cnt"]
    for minute in range(12):
        for bitrate in (500, 2000, 4000):
            for p2p in (0, 1):
                bad = 0.6 if (minute, bitrate, p2p) == (11, 2000, 1) else 0.02
                at = f"2026-11-01T00:{minute:02d}:00Z" if iso else 600 + 60 * minute
                lines += [f"{at},{bitrate},{p2p},{draw.binomial(100, bad)},100" for _ in range(3)]
    path = folder / "incident.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def command(path: str, *more: str, at: str = "1260") -> int:
    parsed = build_parser().parse_args([
        "rootcause", "--input", path, "--time-column", "min", "--at", at,
        "--measure", "value/cnt", "--dimensions", "bitrate,p2p", *more,
    ])  # fmt: skip
    return run(from_environment({}), parsed)


def test_causes_come_as_json_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(str(write(tmp_path)), "--json") == 0
    causes = json.loads(capsys.readouterr().out)
    assert [c["segment"] for c in causes] == [{"bitrate": ["2000"], "p2p": ["1"]}]
    assert causes[0]["share"] == pytest.approx(1, abs=0.2) and causes[0]["p_value"] == 1 / 12


def test_times_may_be_iso_8601(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write(tmp_path, iso=True))
    assert command(path, "--json", at="2026-11-01T00:11:00") == 0
    assert json.loads(capsys.readouterr().out)[0]["segment"] == {"bitrate": ["2000"], "p2p": ["1"]}


def test_words_say_how_sure_the_answer_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command(str(write(tmp_path)))
    told = capsys.readouterr().out
    assert "bitrate=2000 and p2p=1: from 0.0" in told and "no p-value can be under 0.083" in told


@pytest.mark.parametrize(
    ("more", "at", "said"),
    [
        (("--measure", "value/count"), "1260", "there is no column 'count'; there are min, "),
        (("--dimensions", ""), "1260", "no dimension is named"),
        ((), "5", "no rows on one side"),
        ((), "yesterday", "is no number"),
    ],
)
def test_mistakes_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], at: str, said: str
) -> None:
    assert command(str(write(tmp_path)), *more, at=at) == 2
    assert said in capsys.readouterr().err


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("/nowhere/x.csv") == 2
    assert "there is no file /nowhere/x.csv" in capsys.readouterr().err


def test_json_lines_and_parquet_read_like_csv(tmp_path: Path) -> None:
    from pyarrow import parquet

    table = read_table(str(write(tmp_path)))
    parquet.write_table(table, tmp_path / "t.parquet")
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in table.to_pylist()))
    assert read_table(str(tmp_path / "t.parquet")).equals(table)
    assert read_table(str(tmp_path / "t.jsonl")).to_pylist() == table.to_pylist()


def test_stored_traces_are_searched_by_project_and_metric(
    store: Store, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    project, draw = f"stored-{uuid.uuid4().hex[:8]}", np.random.default_rng(2)
    now = time.time_ns()
    begin, at = now - 48 * 3600 * 10**9, now - 8 * 3600 * 10**9
    rows = []
    for moment in np.sort(draw.uniform(begin, now, 2500)):
        trace = uuid.uuid4().hex
        model, version = draw.choice(["a", "b", "c"]), draw.choice(["v1", "v2"])
        bad = model == "b" and version == "v2" and moment >= at
        rows.append(SpanRow(
            project, trace, trace[:16], int(moment), kind="LLM", model=model,
            prompt_version=version, attributes={"tenant": "t"},
            status="ERROR" if draw.random() < 0.05 + 0.5 * bad else "OK",
        ))  # fmt: skip
    insert_spans(store, rows, project)
    times = [datetime.fromtimestamp(ns / 1e9, UTC).isoformat() for ns in (begin, at)]
    asked = ["rootcause", "--project", project, "--since", times[0], "--at", times[1], "--json"]
    assert run(settings, build_parser().parse_args([*asked, "--metric", "errors"])) == 0
    (first, *_) = json.loads(capsys.readouterr().out)
    assert first["segment"] == {"model": ["b"], "prompt_version": ["v2"]}
    assert first["p_value"] <= 0.05 and first["after"] > 0.4
    assert run(settings, build_parser().parse_args([*asked, "--metric", "nothing"])) == 2
    assert "there are errors, latency, cost, tokens" in capsys.readouterr().err
    for named, said in (
        ("colour", "traces have no column 'colour'; there are model, "),
        ("topic", "no topics are frozen"),
        ("attributes.tenat", "has attributes.tenat; there are attributes.tenant"),
    ):
        asked += ["--metric", "errors", "--dimensions", named]
        assert run(settings, build_parser().parse_args(asked)) == 2
        assert said in capsys.readouterr().err  # fmt: skip
