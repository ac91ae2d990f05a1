"""Topics are found, named by their words, frozen, and say what appeared, grew and shrank."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.cli import build_parser
from assay.topics import run
from monitors.topics import OUTSIDE, assign, fit, load, moved, save, watched_file
from schemas.clickhouse import Store
from schemas.models import EmbeddingRow, SpanRow
from schemas.queries import scores, spans
from schemas.settings import Settings

SUBJECTS = ("where is my parcel", "refund for invoice", "reset the password", "weather tomorrow")
AT = 1_767_571_200  # 2026-01-05


def draw(mix: list[float], n: int, seed: int) -> tuple[list[str], NDArray[np.float64]]:
    """Texts of subjects and vectors around their axes."""
    random = np.random.default_rng(seed)
    subject = random.choice(len(mix), n, p=mix)
    vectors = np.eye(8)[subject] + random.normal(0, 0.08, (n, 8))
    return [f"{SUBJECTS[s]} {k % 7}" for k, s in enumerate(subject)], vectors


def test_topics_are_named_by_the_words_that_set_them_apart() -> None:
    topics = fit(*draw([0.4, 0.3, 0.3], 300, 1), 3)
    assert {frozenset(label.split(", ")) for label in topics.labels} == {
        frozenset({"parcel"}), frozenset({"refund", "invoice"}), frozenset({"reset", "password"}),
    }  # fmt: skip


def test_a_subject_that_was_never_seen_is_of_no_topic_and_appeared() -> None:
    topics = fit(*draw([0.4, 0.3, 0.3, 0], 400, 2), 3)
    old = assign(topics, draw([0.4, 0.3, 0.3, 0], 300, 3)[1])
    new = assign(topics, draw([0.3, 0.25, 0.25, 0.2], 300, 4)[1])
    assert (new == OUTSIDE).mean() > 0.15
    found = moved(topics, old, new, (np.arange(300), np.arange(300)))
    assert (found[0].label, found[0].verdict) == ("(new)", "appeared")


def test_a_topic_grows_and_another_shrinks() -> None:
    topics = fit(*draw([0.4, 0.3, 0.3], 400, 5), 3)
    sides = [assign(topics, draw(mix, 300, 6)[1]) for mix in ([0.4, 0.3, 0.3], [0.2, 0.3, 0.5])]
    found = moved(topics, *sides, (np.arange(300), np.arange(300)))
    assert {(m.label, m.verdict) for m in found if m.verdict != "no change found"} == {
        ("parcel", "shrank"), ("password, reset", "grew"),
    }  # fmt: skip


def test_quiet_sessions_of_one_subject_are_no_change() -> None:
    """60 quiet pairs of 40 sessions of 5 at level .05: 3 expected; 10 or more: below 1e-3."""
    topics = fit(*draw([0.4, 0.3, 0.3], 400, 7), 3)
    random, alarms = np.random.default_rng(8), 0
    session = np.repeat(np.arange(40), 5)
    for _ in range(60):
        old, new = (np.repeat(random.integers(0, 3, 40), 5) for _ in range(2))
        found = moved(topics, old, new, (session, session))
        alarms += found[0].verdict != "no change found"
    assert alarms < 10


def test_the_command_freezes_topics_and_uses_them_again(
    store: Store, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = f"topics-{uuid.uuid4().hex[:8]}"
    for day, mix in enumerate(([0.4, 0.3, 0.3, 0.0], [0.3, 0.2, 0.3, 0.2])):
        texts, vectors = draw(mix, 250, 9 + day)
        rows = [
            SpanRow(project, uuid.uuid4().hex, f"{n + 1:016x}", (AT + day * 86_400 + n) * 10**9,
                    input=text, kind="LLM", retention_days=0) for n, text in enumerate(texts)
        ]  # fmt: skip
        spans.insert_spans(store, rows, f"{project}/{day}")
        scores.insert_embeddings(store, [
            EmbeddingRow(project, "input", "m", r.trace_id, r.span_id, r.start_time, v.tolist(),
                         AT * 1000, 0) for r, v in zip(rows, vectors, strict=True)
        ])  # fmt: skip
    frozen = tmp_path / "topics.json"
    common = ["topics", "--project", project, "--reference", "2026-01-05..2026-01-06",
              "--current", "2026-01-06..2026-01-07"]  # fmt: skip
    first = [*common, "--count", "3", "--json", "--save", str(frozen), "--watch"]
    assert run(settings, build_parser().parse_args(first)) == 0
    told = json.loads(capsys.readouterr().out)
    new = told["topics"][0]
    assert new["verdict"] == "appeared" and "weather" in new["label"]
    assert watched_file(settings.home, project).read_text() == frozen.read_text()
    assert run(settings, build_parser().parse_args([*common, "--topics", str(frozen)])) == 0
    assert f"version {told['version']}" in capsys.readouterr().out
    later = ["topics", "--project", project, "--reference", "2026-01-05..2026-01-06",
             "--current", "2026-02-06..2026-02-07"]  # fmt: skip
    assert run(settings, build_parser().parse_args(later)) == 2
    assert "no data" in capsys.readouterr().err
    held = load(frozen)
    save(held, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == frozen.read_text()
