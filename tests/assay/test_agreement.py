"""Labels from a file, agreement with them, and a mean that they put right: over a real store."""

from __future__ import annotations

import json
import random
import time
import uuid
from pathlib import Path

import pytest

from assay import agreement, label
from schemas.clickhouse import Store
from schemas.models import ScoreRow
from schemas.queries import deletion, labels, scores
from schemas.settings import Settings

GOOD = {"trace_id": "t1", "evaluator": "kind", "label": "yes", "annotator": "ann", "sampling": 0.1}


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
    assert agreement.run(settings, project, "kind", "", True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["version"] == "v1"
    assert found["statuses"] == {"scored": 1200, "unscored": 0, "error": 3}
    assert found["uncorrected"]["low"] > 0.6
    assert found["corrected"]["low"] < 0.6 < found["corrected"]["high"]
    narrow = found["corrected"]["high"] - found["corrected"]["low"]
    assert narrow < found["labels_alone"]["high"] - found["labels_alone"]["low"]
    assert found["drawn"]["auroc"]["low"] > 0.6
    assert agreement.run(settings, project, "kind", "v1", False) == 0
    said = capsys.readouterr().out
    assert "agreement on 300 drawn labels" in said and "corrected mean    0." in said


def test_convenience_labels_agree_or_not_but_correct_no_mean(
    settings: Settings, project: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(told(project, 20).replace('"sampling": 0.05', '"sampling": "convenience"'))
    assert label.run(settings, project, str(path)) == 0
    assert agreement.run(settings, project, "kind", "", False) == 0
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
