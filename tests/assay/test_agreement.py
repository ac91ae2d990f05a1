"""Labels from a file, agreement with them, and a mean that they put right: over a real store."""

from __future__ import annotations

import argparse
import json
import random
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from assay import agreement, label
from schemas.clickhouse import Store
from schemas.models import ScoreRow, SpanRow
from schemas.queries import deletion, labels, scores, spans
from schemas.settings import Settings

GOOD = {"trace_id": "t1", "evaluator": "kind", "label": "yes", "annotator": "ann", "sampling": 0.1}


def ask(settings: Settings, project: str, **more: Any) -> int:
    given = {"project": project, "evaluator": "kind", "version": "", "json": False, "since": "",
             "until": "", "segment": [], "by": ""}  # fmt: skip
    return agreement.run(settings, argparse.Namespace(**{**given, **more}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sampling": None}, "sampling must be the probability with which"),
        ({"sampling": 0}, "sampling must be the probability"),
        ({"sampling": True}, "sampling must be the probability"),
        ({"label": "perhaps"}, "label 'perhaps' is neither a number from 0 to 1 nor one of yes"),
        ({"label": 3}, "label 3 is neither"),
        ({"trace_id": ""}, "trace_id must be a text"),
        ({"annotator": ""}, "annotator must be a text"),
        ({"note": "x"}, "note is not known; there are: trace_id"),
    ],
)
def test_a_line_that_cannot_be_used_says_why(change: dict[str, object], said: str) -> None:
    rows, faults = label.read([json.dumps(GOOD), json.dumps({**GOOD, **change})], "p", {}, 1)
    assert len(rows) == 1
    assert faults[0].startswith("line 2: ") and said in faults[0]


def test_labels_are_words_numbers_or_those_of_a_rubric() -> None:
    worth = {"kind": {"partly": 0.5, "no": 0.25}}
    given = ["Partly", "no", "yes", True, 0.75, "FAIL"]
    lines = [json.dumps({**GOOD, "label": each}) for each in given]
    rows, faults = label.read(lines, "p", worth, 1)
    assert (faults, [row.value for row in rows]) == ([], [0.5, 0.25, 1.0, 1.0, 0.75, 0.0])


@pytest.fixture
def project(store: Store) -> str:
    """1,200 scored traces in 600 sessions: the judge says 0.9 of what people call bad half the
    time, so that its mean is too high; three errors."""
    name, draw, now = f"labels-{uuid.uuid4().hex[:8]}", random.Random(5), time.time_ns()
    rows = []
    for i in range(1203):
        truth = i % 10 < 6
        value = 0.9 if truth or draw.random() < 0.5 else 0.1
        status = "scored" if i < 1200 else "error"
        rows.append(ScoreRow(name, "kind", "v1", f"{name}-{i}", "s", now, status, value,
                             now // 10**6, session_id=f"{name}-{i // 2}"))  # fmt: skip
    scores.insert_scores(store, rows)
    return name


def told(project: str, step: int, annotator: str = "ann") -> str:
    return "".join(
        json.dumps(
            {**GOOD, "trace_id": f"{project}-{i}", "label": i % 10 < 6, "annotator": annotator,
             "sampling": 1 / step}
        ) + "\n"
        for i in random.Random(9).sample(range(1200), 1200 // step)
    )  # fmt: skip


def test_labels_put_a_judges_mean_right(
    store: Store, settings: Settings, project: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = tmp_path / "labels.jsonl"
    path.write_text(told(project, 4))
    assert label.run(settings, project, str(path)) == 0
    assert "300 labels stored: 300 of a probability sample" in capsys.readouterr().out
    assert ask(settings, project, json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["version"] == "v1"
    assert found["statuses"] == {"scored": 1200, "unscored": 0, "error": 3}
    assert found["uncorrected"]["low"] > 0.6
    assert found["corrected"]["low"] < 0.6 < found["corrected"]["high"]
    narrow = found["corrected"]["high"] - found["corrected"]["low"]
    assert narrow < found["labels_alone"]["high"] - found["labels_alone"]["low"]
    assert found["drawn"]["auroc"]["low"] > 0.6
    assert ask(settings, project, version="v1") == 0
    said = capsys.readouterr().out
    assert "agreement on 300 drawn labels" in said and "corrected mean    0." in said


def test_convenience_labels_agree_or_not_but_correct_no_mean(
    settings: Settings, project: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(told(project, 20).replace('"sampling": 0.05', '"sampling": "convenience"'))
    assert label.run(settings, project, str(path)) == 0
    assert ask(settings, project) == 0
    said = capsys.readouterr().out
    assert "agreement on 60 convenience labels" in said
    assert "corrected mean    none: no label is of a probability sample" in said


def test_a_file_with_a_fault_stores_nothing(
    store: Store, settings: Settings, project: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = tmp_path / "labels.jsonl"
    path.write_text(told(project, 100) + "{\n")
    assert label.run(settings, project, str(path)) == 1
    assert "line 13: not JSON" in (said := capsys.readouterr().err)
    assert "1 lines cannot be used; nothing was stored" in said
    assert labels.labels(store, project, "kind") == []


def test_a_later_label_of_the_same_annotator_replaces_it_and_deletion_takes_it(
    store: Store, settings: Settings, project: str, tmp_path: Path
) -> None:
    path = tmp_path / "labels.jsonl"
    trace = f"{project}-7"
    for word, annotator in (("yes", "ann"), ("no", "ann"), ("yes", "bob")):
        given = {**GOOD, "trace_id": trace, "label": word, "annotator": annotator}
        path.write_text(json.dumps(given))
        assert label.run(settings, project, str(path)) == 0
        time.sleep(0.005)
    rows = labels.labels(store, project, "kind")
    assert [(row["annotator"], row["value"]) for row in rows] == [("ann", 0.0), ("bob", 1.0)]
    ids = [("trace", trace)]
    assert deletion.count(store, project, ids, deletion.Names())["labels"] >= 2
    deletion.erase(store, project, ids, deletion.Names())
    assert labels.labels(store, project, "kind") == []


def test_labels_of_another_time_are_borrowed_and_tested(
    store: Store, settings: Settings, project: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Older traces of another version, where the judge is off by as much, and by more."""
    now, draw = time.time_ns(), random.Random(6)
    old = now - 20 * 86400 * 10**9
    rows, lines = [], []
    for i in range(2400):
        truth = i % 10 < 6
        trace = f"{project}-old-{i}"
        value = 0.9 if truth or draw.random() < 0.5 else 0.1
        rows.append(ScoreRow(project, "kind", "v0", trace, "s", old, "scored", value, 1,
                             session_id=f"{project}-old-{i // 2}"))  # fmt: skip
        lines.append(json.dumps({**GOOD, "trace_id": trace, "label": truth, "sampling": 1.0}))
    scores.insert_scores(store, rows)
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join(lines))
    assert label.run(settings, project, str(path)) == 0
    assert ask(settings, project, since="7d") == 0
    said = capsys.readouterr().out
    assert "2400 labels of 1200 sessions: untested, too few labels of its own; not used" in said
    path.write_text(told(project, 2))
    assert label.run(settings, project, str(path)) == 0
    capsys.readouterr()
    assert ask(settings, project, since="7d", json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["borrowed"]["verdict"] == "agree"
    assert found["borrowed"]["mean_low"] < 0.6 < found["borrowed"]["mean_high"]
    assert found["calibration"][2] < found["calibration"][0]
    assert found["corrected"]["low"] < 0.6 < found["corrected"]["high"]
    path.write_text("\n".join(line.replace('"label": true', '"label": false') for line in lines))
    time.sleep(0.005)
    assert label.run(settings, project, str(path)) == 0
    capsys.readouterr()
    assert ask(settings, project, since="7d") == 0
    assert "differ; not used" in capsys.readouterr().out


def test_agreement_is_told_by_segment(
    store: Store, settings: Settings, project: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    now = time.time_ns()
    made = [SpanRow(project, f"{project}-{i}", "s", now, kind="LLM", model=f"m{i % 2}")
            for i in range(1200)]  # fmt: skip
    spans.insert_spans(store, made, uuid.uuid4().hex)
    path = tmp_path / "labels.jsonl"
    path.write_text(told(project, 4))
    assert label.run(settings, project, str(path)) == 0
    assert ask(settings, project, by="model", segment=["model=m1"], json=True) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(found["segments"]) == {"m1"} and found["statuses"]["scored"] == 600
    assert ask(settings, project, by="colour") == 1
    assert "colour is no segment; there are: model" in capsys.readouterr().err
