"""From a finding to its cause and an example; a question of one's own; a map of texts."""

from __future__ import annotations

import json
import time
import uuid

import numpy as np
import pandas as pd

from monitors.questions import answer_waiting
from schemas.clickhouse import Store
from schemas.filters import Condition, parse
from schemas.models import EmbeddingRow, FindingRow, SpanRow
from schemas.queries import findings, scores, spans
from schemas.questions import Question, ask
from schemas.settings import Settings
from tests.ui.pages import opened, words
from ui.drifting import plane
from ui.finding import segments
from ui.finding.ask import _search

NOW = time.time_ns() - 6 * 3600 * 10**9
HOUR = 3600 * 10**9


def test_a_finding_is_an_address_and_leads_to_examples(settings: Settings, filled: str) -> None:
    page = opened(settings, "findings", filled, finding="f")
    assert not page.exception
    said = words(page)
    assert "groundedness: prompt_version=v2" in said and "the likeliest moment" in said
    assert "before (n 15) and after (n 15)" in said
    links = [each.proto for each in page.get("page_link")]
    assert any(each.page == "trace" and f"{60:032x}" in each.query_string for each in links)
    assert any("prompt_version" in each.query_string for each in links)
    assert "No finding nothing" in words(opened(settings, "findings", filled, finding="nothing"))


def test_a_finding_shows_which_stage_moved_the_score(
    settings: Settings, store: Store, filled: str
) -> None:
    row = {"change": -0.1, "low": -0.12, "high": -0.08, "share": 0.9, "named": True}
    details = {
        "sentence": "it fell", "version": "1",
        "stages": [{"stage": "prompt or model", **row},
                   {"stage": "score", **row, "share": None, "named": False}],
        "stages_of": {"segment": {"model": "a"}, "sessions": [300, 200], "before": 0.8,
                      "after": 0.69, "unexplained": 0.01, "one_in": 1,
                      "columns": {"prompt": ["prompt_version"], "model": ["model"]}},
    }  # fmt: skip
    short = {"stages_note": "too little: 3 sessions"}
    made = [
        FindingRow(filled, name, "groundedness", "mean_shift", "{}", "confirmed", NOW // 10**6, 0,
                   1, 30, 30, 0.8, 0.5, -0.3, -0.4, -0.2, 0.001, 1.0, json.dumps(each), 1)
        for name, each in (("staged", details), ("short", short))
    ]  # fmt: skip
    findings.insert_findings(store, made)
    page = opened(settings, "findings", filled, finding="staged")
    said = words(page)
    assert not page.exception and "Beyond chance: prompt or model." in said
    assert "The mean of model=a went from 0.800 to 0.690 (300 sessions" in said
    (frame,) = [each.value for each in page.dataframe if "told by" in each.value]
    assert frame["stage"].tolist() == ["prompt or model", "score", "unexplained"]
    assert frame["told by"].tolist() == ["prompt_version, model", "", ""]
    assert frame["share of the change"].tolist() == ["90%", "", ""]
    assert "Not told: too little: 3 sessions." in words(
        opened(settings, "findings", filled, finding="short")
    )


def test_candidates_stand_below_what_holds_them() -> None:
    one = {"effect": -0.1, "effect_low": -0.2, "effect_high": 0.0, "share": 0.5, "n": 9}
    frame = segments.candidates(
        [
            {"segment": {"model": "a", "environment": "x"}, **one}, {"segment": {}, **one},
            {"segment": {"model": "a"}, **one},
        ]
    )  # fmt: skip
    assert [" ".join(s.replace("└", "").split()) for s in frame["segment"]] == [
        "all traffic", "model=a", "model=a and environment=x",
    ]  # fmt: skip
    depth = [len(s) - len(s.lstrip()) for s in frame["segment"]]
    assert depth[0] == 0 and depth[2] == 2 * depth[1] > 0


def test_a_question_is_answered_on_the_page(settings: Settings, store: Store) -> None:
    name = f"own-{uuid.uuid4()}"
    rows = [
        SpanRow(name, f"{n + 1:032x}", f"{n + 1:016x}", NOW + (n - 150) * 60 * 10**9,
                model="ab"[n % 2], duration_ns=(2 if n % 2 and n >= 150 else 1) * 10**9 + n)
        for n in range(300)
    ]  # fmt: skip
    spans.insert_spans(store, rows, name)
    wanted = ask(store, name, Question("latency_ms", NOW - 3 * HOUR, NOW, NOW + 3 * HOUR))
    assert "Searching" in words(opened(settings, "findings", name, question=wanted))
    answer_waiting(store)
    page = opened(settings, "findings", name, question=wanted)
    assert not page.exception and "150 traces before, 150 after" in words(page)
    assert page.dataframe[0].value["segment"].tolist() == ["model=b"]
    assert "search=model%3Db" in page.dataframe[0].value["traces"][0]
    assert "No question x" in words(opened(settings, "findings", name, question="x"))


def test_any_column_of_the_project_can_be_asked_for(settings: Settings, store: Store) -> None:
    name = f"any-{uuid.uuid4()}"
    rows = [
        SpanRow(name, f"{n + 1:032x}", f"{n + 1:016x}", NOW + (n - 150) * 60 * 10**9,
                attributes={"my tenant": "a'b"[n % 2 :]}, resource={"zone": "x"},
                duration_ns=(2 if n % 2 and n >= 150 else 1) * 10**9 + n)
        for n in range(300)
    ]  # fmt: skip
    spans.insert_spans(store, rows, name)
    page = opened(settings, "findings", name)
    offered = page.multiselect(key="ask-columns")
    assert {"attributes.my tenant", "resource.zone", "topic", "tool"} <= set(offered.options)
    columns = ("attributes.my tenant", "duration_ms")
    wanted = ask(store, name, Question("latency_ms", NOW - 3 * HOUR, NOW, NOW + 3 * HOUR, columns))
    answer_waiting(store)
    page = opened(settings, "findings", name, question=wanted)
    assert not page.exception and "150 traces before, 150 after" in words(page)


def test_a_segment_is_searched_by_what_a_search_can_say() -> None:
    said = parse(_search({"attributes.tenant": ["a'b"]}))
    assert said.conditions == (Condition("tenant", "=", "a'b"),)
    assert _search({"attributes.my tenant": ["a"], "resource.zone": ["b"], "tool": ["c"]}) == ""
    assert _search({"model": ["a"], "kind": ["LLM", "CHAIN"], "duration_ms": ["[1, 2)"]}) == (
        "model=a"
    )
    assert _search({"attributes.duration_ms": ["4"], "attributes.score.x": ["1"]}) == ""


def test_the_map_is_the_same_twice_and_a_lasso_chooses_points() -> None:
    vectors = np.random.default_rng(1).normal(size=(40, 8)) * [9, 3, 1, 1, 1, 1, 1, 1]
    points, share = plane.project(vectors)
    again, _ = plane.project(vectors.copy())
    assert np.allclose(points, again) and 0.8 < share < 1
    at = pd.Timestamp("2026-01-01", tz="UTC")
    frame = pd.DataFrame(
        {"x": points[:, 0], "y": points[:, 1], "trace": [f"t{n}" for n in range(40)],
         "topic": ["<a href='http://x'>y</a>", plane.OTHER] * 20, "time": at, "UTC": "UTC",
         "ns": range(40)}
    )  # fmt: skip
    made = plane.figure(frame, True)
    assert [len(each["x"]) for each in made["data"]] == [20, 20]
    assert "<a" not in json.dumps(made) and "&lt;a" in made["data"][0]["name"]
    first = [{"customdata": trace} for trace in made["data"][0]["customdata"][:3]]
    chosen = plane.inside(frame, [*first, {"customdata": ["t1"]}])
    assert list(chosen["trace"]) == ["t0", "t1", "t2", "t4"]
    assert plane.inside(frame, []).empty


def test_drift_shows_the_map_of_a_project(settings: Settings, store: Store) -> None:
    name = f"map-{uuid.uuid4()}"
    rows = [SpanRow(name, f"{n + 1:032x}", f"{n + 1:016x}", NOW + n * 10**9, input=f"q {n}",
                    duration_ns=10**6 * (n + 1)) for n in range(30)]  # fmt: skip
    spans.insert_spans(store, rows, name)
    draw = np.random.default_rng(3)
    scores.insert_embeddings(store, [
        EmbeddingRow(name, "input", "m", r.trace_id, r.span_id, r.start_time,
                     draw.normal(size=4).tolist(), 1) for r in rows
    ])  # fmt: skip
    page = opened(settings, "drift", name, signal="latency")
    assert not page.exception
    assert "30 of 30 traces" in words(page) and "Current is since" in words(page)
