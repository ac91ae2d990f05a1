"""One look at one project: findings of what is fully judged, alerts, deliveries."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from monitors.alerts.outbox import Sink, drain
from monitors.alerts.rules import messages
from monitors.findings import WINDOW_NS, embedding_finding, known, score_finding
from schemas.clickhouse import Store
from schemas.models import FindingRow
from schemas.queries import findings, monitoring, scores, spans
from schemas.settings import Settings

log = logging.getLogger("assay.monitors")
SCORES = ("groundedness", "answer_relevance", "refusal")
FIELDS = ("input", "output")
COVERED = 0.98


def look(store: Store, project: str) -> list[FindingRow]:
    """New findings of the last 48 hours of traffic; nothing on half-judged data."""
    _, last = spans.time_range(store, project)
    window = (last - WINDOW_NS - 3600 * 10**9, last + 1)
    signals = len(SCORES) + len(FIELDS)
    result: list[FindingRow | None] = []
    judged = True
    for row in scores.evaluators(store, project):
        if row["evaluator"] not in SCORES:
            continue
        name, version = row["evaluator"], row["version"]
        traces, done = monitoring.coverage(store, project, name, version, *window)
        if not traces or done < COVERED * traces:
            judged = False
            continue
        seen = scores.observations(store, project, name, version, *window)
        result.append(score_finding(project, name, version, seen, signals))
    for field in FIELDS if judged else ():
        rows = scores.embeddings(store, project, field, *window)
        result.append(embedding_finding(project, field, rows, signals))
    earlier = findings.list_findings(store, project)
    return [f for f in result if f is not None and not known(f, earlier)]


def once(store: Store, settings: Settings, sinks: Mapping[str, Sink], last: dict[str, int]) -> None:
    """Look at every project whose scores changed since `last`, then send what is due."""
    sink = "webhook" if settings.webhook_url else "log"
    for project in spans.projects(store):
        state = hash(str(scores.evaluators(store, project)))
        if last.get(project) != state:
            for found in look(store, project):
                log.info("finding in %s: %s", project, found.details)
                # The delivery first: a crash between the two repeats both under the same ids.
                now = time.time_ns() // 10**6
                findings.insert_deliveries(store, messages(found, sink, settings.webhook_url, now))
                findings.insert_findings(store, [found])
            last[project] = state
        drain(store, project, sinks, settings)
