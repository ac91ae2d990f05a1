"""Quality: every figure with n and interval, failures by reason, a mean put right by people."""

from __future__ import annotations

import math
import uuid

import numpy as np

from schemas.canaries import CanaryRunRow
from schemas.clickhouse import Store
from schemas.models import LabelRow, ScoreRow
from schemas.queries import canary, labels, scores
from tests.ui.test_pages import _page, _words, where
from ui import quality

__all__ = ["where"]


def test_the_mean_has_n_interval_coverage_and_segments(filled: str) -> None:
    page = _page("quality", filled, evaluator="groundedness", by="prompt_version")
    assert not page.exception
    assert [m.value for m in page.metric] == ["0.655", "60", "0", "0", "100%"]
    assert "±" in _words(page) and "nobody knows whether this judge is right" in _words(page)
    table = page.dataframe[0].value
    assert set(table["prompt_version"]) == {"v1", "v2"} and set(table["n"]) == {30}
    assert "prompt_version%3D%22v1%22" in " ".join(table["traces"])


def test_labels_correct_the_mean_and_failures_have_reasons(store: Store, filled: str) -> None:
    start = scores.observations(store, filled, "groundedness", "1", 0, 2**62)[0].time
    failed = ScoreRow(filled, "groundedness", "1", "f" * 32, "f" * 16, start, "error", 0.0, 2,
                      reason="timeout")  # fmt: skip
    scores.insert_scores(store, [failed])
    told = [
        LabelRow(filled, "groundedness", f"{n:032x}", "", "ada", float(n % 2), "x", "probability",
                 0.5, "", 1)
        for n in range(1, 31)
    ]  # fmt: skip
    labels.insert_labels(store, told)
    page = _page("quality", filled, evaluator="groundedness")
    assert not page.exception
    said = _words(page)
    assert "prediction-powered inference" in said and "Agreement on 30 drawn labels" in said
    assert list(page.dataframe[-1].value["reason"]) == ["timeout"]


def test_a_judge_that_is_always_too_kind_is_put_right() -> None:
    draw = np.random.default_rng(3)
    truth = draw.random(2000) < 0.4
    rows = [
        {"trace_id": str(n), "span_id": "", "session_id": "", "status": "scored",
         "value": 0.9 if good else 0.6, "probability": 1.0}
        for n, good in enumerate(truth)
    ]  # fmt: skip
    told = [
        {"trace_id": str(n), "span_id": "", "annotator": "ada", "value": float(truth[n]),
         "chosen": "probability", "probability": 0.2}
        for n in range(2000) if draw.random() < 0.2
    ]  # fmt: skip
    found = quality.beside_people(rows, told)
    plain, right, alone = found.means
    assert plain.low > truth.mean() and right.low < truth.mean() < right.high
    assert right.high - right.low < alone.high - alone.low
    assert (right.n, plain.n, found.labelled) == (len(told), 2000, len(told))


def test_reliability_has_an_interval_and_n_for_each_tenth() -> None:
    bins = quality.reliability(np.array([0.05, 0.07, 1.0]), np.array([0.0, 1.0, 1.0]))
    assert [(b["n"], b["share"]) for b in bins] == [(2, 0.5), (1, 1.0)]
    assert all(b["low"] < b["high"] for b in bins)


def _run(evaluator: str, n: int, verdict: str, shift: float) -> CanaryRunRow:
    made = math.nan if verdict == "null" else shift
    return CanaryRunRow(
        evaluator, "1", "set", f"run{n}", verdict, 50, 0, 0.8 + shift, made, made - 0.01,
        made + 0.01, 0.015, '["judge-2024"]', 1_700_000_000_000 + n * 86_400_000,
    )  # fmt: skip


def test_scores_since_the_last_good_canary_run_are_marked(store: Store, filled: str) -> None:
    name = f"canary-{uuid.uuid4()}"
    start = scores.observations(store, filled, "groundedness", "1", 0, 2**62)[0].time
    scores.insert_scores(store, [
        ScoreRow(filled, name, "1", "e" * 32, "e" * 16, start, "scored", 0.5, 2)
    ])  # fmt: skip
    page = _page("quality", filled, evaluator=name)
    assert "Canaries" not in _words(page) and not page.warning
    for n, (verdict, shift) in enumerate([("null", 0.0), ("good", 0.001), ("drifted", -0.2)]):
        canary.insert_run(store, _run(name, n, verdict, shift), [])
    page = _page("quality", filled, evaluator=name)
    assert not page.exception
    assert "since 2023-11-15 22:13" in page.warning[0].value
    table = next(each.value for each in page.dataframe if "meaning" in each.value)
    assert list(table["verdict"]) == ["drifted", "good", "null"]
    assert table["shift"][0] == "-0.200 (-0.210 to -0.190)" and table["shift"][2] == ""
    canary.insert_run(store, _run(name, 3, "good", 0.0), [])
    assert not _page("quality", filled, evaluator=name).warning
