"""Replaced judges and samples, and values that came or went, are findings of their own."""

from __future__ import annotations

import json
import time
import uuid

from monitors.values import value_findings
from monitors.versions import unknown, version_findings
from schemas.clickhouse import Store
from schemas.models import ScoreRow, SpanRow
from schemas.queries import scores, spans
from schemas.queries.monitoring import newest_versions

DAY = 86_400 * 10**9
NOW = time.time_ns()


def _scored(store: Store, project: str, day: int, version: str, probability: float) -> None:
    at = NOW - day * DAY
    scores.insert_scores(store, [
        ScoreRow(project, "groundedness", version, uuid.uuid4().hex, "a" * 16, at + n, "scored",
                 0.5, (NOW - day * DAY) // 10**6, probability=probability) for n in range(60)
    ])  # fmt: skip


def test_another_judge_version_is_no_quality_drift(store: Store) -> None:
    project = f"version-{uuid.uuid4().hex[:8]}"
    _scored(store, project, 6, "zz-old", 1.0)
    _scored(store, project, 4, "aa-new", 1.0)
    (found,) = version_findings(store, project, NOW - 14 * DAY, NOW)
    assert (found.signal, found.status) == ("version_groundedness", "observed")
    assert "another judge, not another quality" in json.loads(found.details)["sentence"]
    assert newest_versions(store, project) == {"groundedness": "aa-new"}
    assert unknown([found], [{"finding_id": found.finding_id}]) == []


def test_another_sampling_probability_is_a_finding_of_its_own(store: Store) -> None:
    project = f"sample-{uuid.uuid4().hex[:8]}"
    _scored(store, project, 6, "1", 1.0)
    _scored(store, project, 4, "1", 0.1)
    (found,) = version_findings(store, project, NOW - 14 * DAY, NOW)
    assert (found.signal, found.effect) == ("sampling_groundedness", -0.9)
    _scored(store, project + "x", 6, "1", 1.0)
    assert version_findings(store, project + "x", NOW - 14 * DAY, NOW) == []


def test_new_and_vanished_values_are_seen_and_rare_ones_are_not(store: Store) -> None:
    project = f"values-{uuid.uuid4().hex[:8]}"
    rows = []
    for n in range(400):
        late = n >= 300
        model = ("new" if n % 2 else "kept") if late else ("old" if n % 2 else "kept")
        text = "Wie kann ich das Passwort und die Adresse ändern?" if late and n % 3 == 0 else (
            "How do I change the address of my account?")  # fmt: skip
        rows.append(SpanRow(
            project, uuid.uuid4().hex, f"{n + 1:016x}", NOW - (1 if late else 5) * DAY + n * 10**9,
            kind="LLM", model=model, input=text, session_id=f"s{n}",
            environment="odd" if n == 399 else "prod",
        ))  # fmt: skip
    spans.insert_spans(store, rows, project)
    found = value_findings(store, project, NOW - 9 * DAY, NOW - 3 * DAY, NOW)
    told = {(f.signal, f.segment, f.effect > 0) for f in found}
    assert told == {
        ("values_model", '{"model": "new"}', True), ("values_model", '{"model": "old"}', False),
        ("values_language", '{"language": "de"}', True),
    }  # fmt: skip
    assert all(f.status == "observed" for f in found)
