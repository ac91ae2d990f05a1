"""The demo's report: each line a check that can fail."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import Any

from assay.receiver import Receiver
from schemas import clickhouse
from schemas.models import Observation
from schemas.queries import findings, scores, spans
from schemas.queries.summary import summarise
from schemas.settings import Settings

WINDOW_NS = 2 * 3600 * 10**9


def interval(values: list[float]) -> tuple[float, float]:
    """Mean and half-width of the 95% normal interval over independent units."""
    n = len(values)
    mean = sum(values) / n
    variance = sum((v - mean) ** 2 for v in values) / max(n - 1, 1)
    return mean, 1.96 * math.sqrt(variance / n)


def by_session(rows: list[Observation]) -> list[float]:
    """Mean per session: the unit of inference."""
    groups: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        groups[row.session_id or row.trace_id].append(row.value)
    return [sum(v) / len(v) for v in groups.values()]


def _segments(rows: list[Observation]) -> None:
    for column in ("prompt_version", "model", "document_source"):
        for value in sorted({r.segment[column] for r in rows}):
            chosen = [r for r in rows if r.segment[column] == value]
            mean, half = interval(by_session(chosen))
            name = f"{column}={value or '(none)'}"
            print(f"    {name:34} {mean:.3f} ± {half:.3f}  (n={len(chosen)} traces)")


def print_report(
    settings: Settings, project: str, truth: dict[str, Any], receiver: Receiver
) -> bool:
    """Print stored = sent, scores by segment, the finding and the webhook; True if all held."""
    store = clickhouse.connect(settings)
    checks: list[bool] = []

    def check(holds: bool, text: str) -> None:
        checks.append(holds)
        print(f"  [{'ok' if holds else 'FAIL'}] {text}")

    sent = int(truth["spans"])
    stored = spans.count_spans(store, project)
    print("\n== Assay demo ==")
    check(stored == sent, f"spans: {sent} sent, {stored} stored")
    versions = scores.evaluators(store, project)
    first, last = spans.time_range(store, project)
    for row in versions:
        name, version = row["evaluator"], row["version"]
        said = summarise(store, project, name, version, first, last + 1).sentence()
        print(f"       {name:18} {said}")
    watched = [r for r in versions if r["evaluator"] == "groundedness"]
    check(bool(watched) and watched[0]["scored"] > 0, "groundedness scored")
    if watched:
        rows = scores.observations(
            store, project, "groundedness", watched[0]["version"], first, last + 1
        )
        print("    mean groundedness per segment, 95% interval by session:")
        _segments(rows)
    found = findings.list_findings(store, project)
    paged = [f for f in found if f["status"] == "confirmed"]
    deliveries = findings.list_deliveries(store, project)
    delivered = [d for d in deliveries if d["sink"] == "webhook" and d["status"] == "delivered"]
    for finding in found:
        print(f"  finding: {json.loads(finding['details']).get('sentence', finding['signal'])}")
    segment = truth.get("segment") or {}
    if segment:
        match = [
            f for f in paged
            if "groundedness" in f["signal"] and json.loads(f["segment"]) == segment
        ]  # fmt: skip
        check(bool(match), f"the regression's segment {json.dumps(segment)} is found")
        off = min((abs(f["onset_ms"] * 10**6 - truth["onset_ns"]) for f in match), default=-1)
        check(0 <= off <= WINDOW_NS, f"onset {truth['onset']}, found {off / 6e10:.0f} min from it")
        arrived = bool(delivered) and bool(receiver.bodies) and not receiver.refused
        check(arrived, f"webhook delivered, signature valid: {len(receiver.bodies)} received")
    else:
        check(not paged, f"no regression was injected; findings: {len(paged)}")
        check(not receiver.bodies, f"webhooks: {len(receiver.bodies)}")
    store.close()
    return all(checks)
