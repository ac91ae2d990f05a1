"""A project as monitors leave it: sixty scored traces and a finding on prompt version v2."""

from __future__ import annotations

import json
import time

import pytest

from schemas.clickhouse import Store
from schemas.models import FindingRow, LogRow, ScoreRow, SpanRow
from schemas.queries import findings, logs, scores, spans

START = time.time_ns() - 20 * 3600 * 10**9


@pytest.fixture(scope="module")
def project() -> str:
    return f"ui-{time.time_ns()}"


@pytest.fixture
def filled(store: Store, project: str) -> str:
    """Sixty scored traces with a finding on prompt version v2."""
    rows = [
        SpanRow(project, f"{n:032x}", f"{n:016x}", START + n * 10**12, kind="CHAIN", name="ask",
                input="who?", output=f"answer {n}", session_id=f"s{n}", duration_ns=10**9,
                prompt_version="v2" if n % 2 else "v1", segment="seed")
        for n in range(1, 61)
    ]  # fmt: skip
    spans.insert_spans(store, rows, project)
    judged = [
        ScoreRow(project, "groundedness", "1", r.trace_id, r.span_id, r.start_time, "scored",
                 0.8 - 0.3 * (n > 30), 1)
        for n, r in enumerate(rows)
    ]  # fmt: skip
    scores.insert_scores(store, judged)
    details = {
        "sentence": "groundedness fell for v2", "version": "1",
        "candidates": [{"segment": {"prompt_version": "v2"}, "share": 1.0, "effect": -0.3,
                        "effect_low": -0.4, "effect_high": -0.2, "n": 60}],
        "examples": {"after": [rows[-1].trace_id]},
    }  # fmt: skip
    found = FindingRow(project, "f", "groundedness", "mean_shift", '{"prompt_version": "v2"}',
                       "confirmed", rows[30].start_time // 10**6, 0, 1, 30, 30, 0.8, 0.5, -0.3,
                       -0.4, -0.2, 0.001, 1.0, json.dumps(details), 1)  # fmt: skip
    findings.insert_findings(store, [found])
    last = rows[-1]
    record = LogRow(project, last.start_time, "l1", last.trace_id, last.span_id, 13, "WARN",
                    body="the cache is cold")  # fmt: skip
    logs.insert_logs(store, [record], f"{project}-logs")
    return project


@pytest.fixture
def hostile(store: Store) -> str:
    """Values of a trace and of a finding that a browser would act on if they were not escaped."""
    name = f"hostile-{time.time_ns()}"
    image = "![a](http://example.invalid/a.png)"
    script = "<img src=x onerror=alert(1)>"
    row = SpanRow(name, "e" * 32, "e" * 16, START, kind="LLM", name=f"{image} {script}",
                  input=script, output=image, prompt_version=image, segment="hostile",
                  attributes={"k": script})  # fmt: skip
    spans.insert_spans(store, [row], name)
    found = FindingRow(name, "f", "groundedness", "mean_shift", json.dumps({"model": image}),
                       "confirmed", START // 10**6, 0, 1, 30, 30, 0.8, 0.5, -0.3, -0.4, -0.2,
                       0.001, 1.0, json.dumps({"sentence": f"it fell for {image} {script}"}),
                       1)  # fmt: skip
    findings.insert_findings(store, [found])
    return name
