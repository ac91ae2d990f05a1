"""Old spans are scored by a new evaluator or version, once, and read for a run over a query."""

from __future__ import annotations

import argparse
import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from assay import backfill, evaluate
from evaluators.base import Resources
from evaluators.metrics.refusal import Refusal, refusal
from evaluators.plan import Assignment
from evaluators.worker import Desk
from schemas.clickhouse import Store
from schemas.models import SpanRow
from schemas.queries import spans
from schemas.queries.summary import summarise
from schemas.settings import Settings

HOUR = 3600 * 10**9
NONE = Resources(embedder=None)  # type: ignore[arg-type]


@pytest.fixture
def project(store: Store) -> str:
    """120 traces in sessions of two over the last five hours; each third declines to answer."""
    name, now = f"back-{uuid.uuid4().hex[:8]}", time.time_ns()
    rows = [
        SpanRow(name, f"{name}-{i:03}", "r", now - 5 * HOUR + i * HOUR // 30, kind="CHAIN",
                input="why?", output="Paris." if i % 3 else "I cannot help with that.",
                session_id=f"s{i // 2}")
        for i in range(120)
    ]  # fmt: skip
    spans.insert_spans(store, rows, uuid.uuid4().hex)
    return name


def ask(project: str, **more: Any) -> argparse.Namespace:
    given = {"evaluator": "refusal", "project": project, "since": "10h", "until": "", "level": ""}
    return argparse.Namespace(**{**given, "sample": 1.0, **more})


def filled(store: Store, project: str, made: Assignment) -> int:
    """Items that a fill of the last ten hours worked off."""
    now = time.time_ns()
    return backfill.fill(store, project, [made], Desk(), now - 10 * HOUR, now)[made.name]


def test_a_backfill_scores_each_item_once_and_goes_on_where_it_was(
    store: Store, settings: Settings, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backfill.run(settings, ask(project, since="2h")) == 0  # the last two hours
    assert "0 had a score" in capsys.readouterr().out
    first = summarise(store, project, "refusal", Refusal().version, 0, 2**62).scored
    assert 0 < first < 120
    assert backfill.run(settings, ask(project)) == 0
    assert f"120 traces, {first} had a score" in capsys.readouterr().out
    found = summarise(store, project, "refusal", Refusal().version, 0, 2**62)
    assert (found.scored, found.traffic) == (120, 120)
    assert found.mean == pytest.approx(1 / 3)
    assert found.rules == ("backfill 1",)
    assert backfill.run(settings, ask(project)) == 0
    assert "120 traces, 120 had a score" in capsys.readouterr().out


def test_what_was_drawn_with_less_is_judged_again_so_that_weights_are_right(
    store: Store, project: str
) -> None:
    made = refusal(NONE)
    few = backfill.assigned(made, "trace", 0.3)
    assert filled(store, project, few) == 120
    assert filled(store, project, few) == 0
    part = summarise(store, project, made.name, made.version, 0, 2**62)
    assert 0 < part.scored < 120 and part.lowest_probability == pytest.approx(0.3)
    every = backfill.assigned(made, "trace", 1.0)
    assert filled(store, project, every) == 120
    whole = summarise(store, project, made.name, made.version, 0, 2**62)
    assert (whole.scored, whole.lowest_probability) == (120, 1.0)


def test_sessions_are_filled_as_sessions(store: Store, project: str) -> None:
    made = backfill.assigned(refusal(NONE), "session", 1.0)
    assert filled(store, project, made) == 60
    assert filled(store, project, made) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"evaluator": "refusl"}, "no evaluator is named 'refusl'; there are: answer_correctness"),
        ({"sample": 0.0}, "--sample takes a number over 0"),
        ({"since": "whenever"}, "is no time"),
    ],
)
def test_what_cannot_be_done_is_said(
    settings: Settings, change: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backfill.run(settings, ask("none", **change)) == 1
    assert said in capsys.readouterr().err


def test_a_run_over_a_query_gives_rows_and_gates_and_stores_nothing(
    store: Store, settings: Settings, project: str, tmp_path: Path
) -> None:
    target = tmp_path / "scores.jsonl"
    given = argparse.Namespace(
        evaluator="refusal", list=False, input="-", output=str(target), fail_under=0.9,
        project=project, since="10h", until="", option=[], judge="", prior=False,
        dataset="",
    )  # fmt: skip
    assert evaluate.run(settings, given) == 1
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert [row["trace_id"] for row in rows] == [f"{project}-{i:03}" for i in range(120)]
    assert (rows[0]["label"], rows[1]["label"], rows[0]["question"]) == ("yes", "no", "why?")
    assert summarise(store, project, "refusal", Refusal().version, 0, 2**62).seen == 0
