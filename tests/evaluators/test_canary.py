"""A judge that changes behind its endpoint is noticed, and its scores since are marked."""

from __future__ import annotations

import argparse
import json
import math
import random
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from assay import canary as command
from evaluators import canary
from evaluators.base import Result, failed, scored
from schemas.canaries import CanaryPolicy
from schemas.clickhouse import Store
from schemas.models import Sample, ScoreRow
from schemas.queries import canary as queries
from schemas.queries import evaluation, scores
from schemas.queries.summary import summarise
from schemas.settings import Settings


class Judge:
    """An endpoint that answers a little differently each time, and may come to mean another."""

    level, needs, model, probability, judge = "trace", ("answer",), "asked", 0.1, "endpoint"

    def __init__(self, name: str) -> None:
        self.name, self.version = name, "v1"
        self.draw, self.shift, self.down = random.Random(3), 0.0, False

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        if self.down:
            return [failed("unreachable: nobody there") for _ in samples]
        return [scored(int(s.answer) / 50 + self.shift + self.draw.gauss(0, 0.01)) for s in samples]


@pytest.fixture
def judge(store: Store) -> Judge:
    made = Judge(f"judge_{uuid.uuid4().hex[:8]}")
    text = "".join(json.dumps({"answer": str(i), "label": "yes"}) + "\n" for i in range(5, 45))
    queries.put(store, command.rows_of(text, made.name, evaluation.now_ms(store)))
    return made


def run(store: Store, judge: Judge) -> str:
    found = canary.run(store, judge, CanaryPolicy(margin=0.02))
    time.sleep(0.003)  # runs are told apart by their time
    return found.verdict if found else "no set"


def test_the_first_runs_are_the_null_and_a_change_of_the_judge_is_drift(
    store: Store, judge: Judge
) -> None:
    assert [run(store, judge) for _ in range(6)] == ["null"] * 5 + ["good"]
    now = time.time_ns()
    rows = [
        ScoreRow("canary-test", judge.name, "v1", f"t{i}", "r", now, "scored", 0.5,
                 evaluation.now_ms(store))
        for i in range(3)
    ]  # fmt: skip
    scores.insert_scores(store, rows)
    assert summarise(store, "canary-test", judge.name, "v1", 0, 2**62).doubtful == 0
    judge.shift = 0.1
    assert run(store, judge) == "drifted"
    found = queries.runs(store, judge.name)[-1]
    assert found["low"] > 0.05 and 0 < found["detectable"] < 0.1
    whole = summarise(store, "canary-test", judge.name, "v1", 0, 2**62)
    assert whole.doubtful == 3 and "since the judge's canaries drifted" in whole.sentence()
    judge.shift = 0.0
    assert run(store, judge) == "good"
    assert queries.doubtful_since(store, judge.name, "v1") == 0


def test_a_run_of_errors_is_no_null_and_no_drift(store: Store, judge: Judge) -> None:
    judge.down = True
    assert run(store, judge) == "failed"
    judge.down = False
    assert run(store, judge) == "null"
    other = Judge(judge.name)
    other.version = "v2"  # another version has a null of its own
    assert run(store, other) == "null"
    assert run(store, Judge("has_no_set")) == "no set"


def test_the_worker_makes_the_null_look_by_look_and_then_keeps_to_the_schedule(
    store: Store, judge: Judge
) -> None:
    clock = [0.0]
    keeper = canary.Keeper(lambda _: [judge], lambda: clock[0])
    made = []
    for _ in range(8):
        made.append(keeper(store))
        made.append(keeper(store))  # within the minute nothing is looked at
        clock[0] += canary.LOOK_SECONDS
        time.sleep(0.003)
    assert made == [1, 0] * 5 + [0, 0] * 3


def test_a_set_is_checked_and_runs_are_shown(
    store: Store, settings: Settings, judge: Judge, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with pytest.raises(command.CanaryError, match="line 2: answer is not a text"):
        command.rows_of('{"answer": "a"}\n{"answer": 3}\n', "x", 1)
    (row,) = command.rows_of('{"answer": "a"}\n{"answer": "a"}\n', "x", 1)
    assert math.isnan(row.label)
    for _ in range(6):
        run(store, judge)
    given = argparse.Namespace(action="show", evaluator=judge.name, file="", repeats=1)
    assert command.run(settings, given) == 0
    said = capsys.readouterr().out
    assert "40 rows" in said and said.count(" null ") == 5 and "smallest detectable" in said
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"answer": "Paris."}\n')
    for action in ("put", "run"):
        given = argparse.Namespace(action=action, evaluator="refusal", file=str(rows), repeats=2)
        assert command.run(settings, given) == 0
    assert "refusal" in capsys.readouterr().out
