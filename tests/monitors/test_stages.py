"""The stage that moved a score is told from traces; findings carry it; too little is said."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from monitors.rootcause.leaves import LeavesError
from monitors.rootcause.stage import attribute
from monitors.stages import Window, attributed, said, with_stages
from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.models import FindingRow, ScoreRow, SpanRow
from schemas.queries import scores, spans
from schemas.queries.mixes import Frozen
from schemas.queries.stages import STAGES, stages
from schemas.settings import Settings

HOUR = 3600 * 10**9
SPLIT = time.time_ns() // HOUR * HOUR - 24 * HOUR
WINDOW = Window(SPLIT - 30 * HOUR, SPLIT, SPLIT + 20 * HOUR)
N = 1500


@pytest.fixture(scope="module")
def project() -> str:
    return f"stages-{uuid.uuid4()}"


@pytest.fixture
def stored(store: Store, project: str) -> str:
    """1,500 answers: since the split what is retrieved is worse, and a new prompt, which does no
    harm, is in half of the sessions. A second project has other scores under the same ids."""
    if spans.time_range(store, project)[1]:
        return project
    draw = np.random.default_rng(8)
    rows, judged = [], []
    for n in range(N):
        at = WINDOW.start + n * 50 * HOUR // N
        late, trace = at >= SPLIT, f"{n + 1:032x}"
        top = float(np.clip(draw.normal(0.75 - 0.2 * late, 0.1), 0, 1))
        score = float(np.clip(top + draw.normal(0, 0.08), 0, 1))
        version = "v2" if late and n // 3 % 2 else "v1"
        session = f"s{n // 3}"
        for name, value in ((project, score), (f"{project}-other", 0.5)):
            rows += [
                SpanRow(name, trace, f"{n + 1:016x}", at, session_id=session, kind="CHAIN",
                        input="where is my parcel? " * (1 + n % 5), output="- here"),
                SpanRow(name, trace, f"{n + 1:015x}a", at + 1, f"{n + 1:016x}", kind="RETRIEVER",
                        session_id=session, documents=["d"], document_ids=["1"],
                        document_scores=[top], document_source="wiki"),
                SpanRow(name, trace, f"{n + 1:015x}b", at + 2, f"{n + 1:016x}", kind="LLM",
                        session_id=session, model="m", prompt_version=version,
                        finish_reason="stop"),
                SpanRow(name, trace, f"{n + 1:015x}c", at + 3, f"{n + 1:016x}", kind="EMBEDDING",
                        session_id=session, model="e"),
            ]  # fmt: skip
            judged.append(ScoreRow(name, "groundedness", "1", trace, "s", at, "scored", value, 1))
        if n % 2:
            judged.append(ScoreRow(project, "context_relevance", "1", trace, "s", at, "scored",
                                   top > 0.6, 1))  # fmt: skip
    spans.insert_spans(store, rows, project)
    scores.insert_scores(store, judged)
    return project


def finding(project: str, segment: dict[str, str], version: str = "1") -> FindingRow:
    onset, start, end = (ns // 10**6 for ns in (WINDOW.split, WINDOW.start, WINDOW.end))
    return FindingRow(project, "f", "groundedness", "mean_shift", json.dumps(segment), "confirmed",
                      onset, start, end, 300, 200, 0.75, 0.55, -0.2, -0.22, -0.18, 0.001, 1.0,
                      json.dumps({"version": version, "sentence": "it fell"}), 1)  # fmt: skip


def test_the_stage_of_a_drop_is_told_from_a_harmless_change(store: Store, stored: str) -> None:
    told = attributed(store, stored, "groundedness", "1", WINDOW)
    assert [e.stages for e in told.found.effects if e.named] == [("retrieval",)]
    change = told.found.after - told.found.before
    assert told.found.effects[0].change == pytest.approx(change, abs=0.03) and change < -0.15
    assert set(told.columns["retrieval"]) == {"retrieval_score", "context_relevance"}
    assert told.columns["prompt"] == ["prompt_version"] and "model" not in told.columns
    assert told.sessions == (300, 200) and told.one_in == 1


def test_columns_are_what_the_spans_say(store: Store, stored: str) -> None:
    row, *_ = stages(store, stored, "groundedness", "1", WINDOW.start, WINDOW.end)
    assert {f"stage_{name}" for held in STAGES.values() for name in held} <= set(row)
    assert row["session"] == "s0" and row["stage_language"] == "en"
    assert (row["stage_model"], row["stage_embedding_model"]) == ("m", "e")
    assert (row["stage_documents"], row["stage_document_source"]) == (1.0, "wiki")
    assert row["stage_output_format"] == "list" and row["stage_input_length"] == 20
    assert row["stage_topic"] == "" and np.isnan(row["stage_context_relevance"])
    half = stages(store, stored, "groundedness", "1", WINDOW.start, WINDOW.end, one_in=2)
    assert 600 < len(half) < 900
    topics = Frozen([[1.0, 0.0]], ["a"], 0.5)
    some = stages(store, stored, "groundedness", "1", WINDOW.start, WINDOW.end, topics)
    assert len(some) == N


def test_some_stages_alone_may_be_asked_for(store: Store, stored: str) -> None:
    told = attributed(store, stored, "groundedness", "1", WINDOW, only=("input", "prompt"))
    assert set(told.columns) == {"input", "prompt"}
    with pytest.raises(LeavesError, match="no stage brain; there are input, embedding"):
        attributed(store, stored, "groundedness", "1", WINDOW, only=("brain",))


def test_a_finding_carries_its_stages_in_its_segment(store: Store, stored: str) -> None:
    inside = json.loads(with_stages(store, stored, finding(stored, {"model": "m"})).details)
    assert [e["stage"] for e in inside["stages"] if e["named"]] == ["retrieval"]
    assert inside["stages_of"]["segment"] == {"model": "m"} and inside["sentence"] == "it fell"
    new = json.loads(with_stages(store, stored, finding(stored, {"prompt_version": "v2"})).details)
    assert new["stages_of"]["segment"] == {}  # it has no past: all traffic is looked at
    assert sum(e["change"] for e in new["stages"]) + new["stages_of"]["unexplained"] == (
        pytest.approx(new["stages_of"]["after"] - new["stages_of"]["before"])
    )


def test_unequal_sampling_is_no_change_of_the_input(store: Store) -> None:
    """Long questions are answered worse, and always were. Since the split short ones are judged at
    a tenth, so that most scores are of long ones; what truly fell is what no column shows."""
    project, draw = f"stages-{uuid.uuid4()}", np.random.default_rng(5)
    rows, judged, whole = list[SpanRow](), list[ScoreRow](), dict[bool, list[float]]()
    for n in range(3000):
        at = WINDOW.start + n * 50 * HOUR // 3000
        late, long, trace = at >= SPLIT, bool(draw.random() < 0.5), f"{n + 1:032x}"
        value = float(0.8 - 0.3 * long - 0.1 * late + draw.normal(0, 0.1))
        whole.setdefault(late, []).append(value)
        chance = 0.1 if late and not long else 1.0
        if draw.random() >= chance:
            continue
        rows.append(SpanRow(project, trace, trace[16:], at, kind="LLM",
                            input="why? " * (20 if long else 1), output="so"))  # fmt: skip
        judged.append(ScoreRow(project, "groundedness", "1", trace, "s", at, "scored", value, 1,
                               probability=chance))  # fmt: skip
    spans.insert_spans(store, rows, project)
    scores.insert_scores(store, judged)
    told = attributed(store, project, "groundedness", "1", WINDOW)
    assert [e.stages for e in told.found.effects if e.named] == [("score",)]
    for mean, late in ((told.found.before, False), (told.found.after, True)):
        assert mean == pytest.approx(np.mean(whole[late]), abs=0.02)
    seen = stages(store, project, "groundedness", "1", WINDOW.start, WINDOW.end)
    plain = attribute(
        {"input": {"length": np.array([r["stage_input_length"] for r in seen])}},
        [r["score"] for r in seen], np.array([r["time_ns"] >= SPLIT for r in seen]),
        [r["session"] for r in seen],
    )  # fmt: skip
    mixed = next(e for e in plain.effects if e.stages == ("input",))
    assert mixed.named and mixed.change < -0.1, "without weights the questions would be blamed"


def test_too_little_is_said(store: Store, stored: str) -> None:
    with pytest.raises(LeavesError, match="too little: 0 sessions before and 0 after"):
        attributed(store, stored, "groundedness", "9", WINDOW)
    short = json.loads(with_stages(store, stored, finding(stored, {}, "9")).details)
    assert short["stages_note"].startswith("too little") and "stages" not in short
    other = finding(stored, {}, "")  # of no score
    assert with_stages(store, stored, other) is other


def test_another_project_has_its_own_scores(store: Store, stored: str) -> None:
    told = attributed(store, f"{stored}-other", "groundedness", "1", WINDOW)
    assert told.found.before == told.found.after == 0.5
    assert not any(row["named"] for row in said(told))


def test_a_finding_does_not_wait_for_stages_that_cannot_be_read(settings: Settings) -> None:
    class Broken(Store):
        """Asks for a table that is not there."""

        def rows_as(
            self, sql: str, parameters: Mapping[str, Any], settings: Mapping[str, Any]
        ) -> list[dict[str, Any]]:
            return super().rows_as("SELECT * FROM nowhere", {}, {})

    store = Broken(clickhouse.url(settings))
    told = json.loads(with_stages(store, "p", finding("p", {})).details)
    assert told["stages_note"].startswith("the traces could not be read")
    assert told["sentence"] == "it fell"
    store.close()
