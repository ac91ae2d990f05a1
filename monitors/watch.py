"""One look at one project: findings of what is fully judged, alerts, deliveries."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from opentelemetry import trace

from monitors.alerts.outbox import Sink, drain
from monitors.alerts.rules import NAME, messages
from monitors.fields import field_findings
from monitors.findings import WINDOW_NS, embedding_finding, known, score_finding
from schemas import control
from schemas.clickhouse import Store
from schemas.control import AlertPolicy, MonitorPolicy
from schemas.models import FindingRow
from schemas.queries import findings, monitoring, scores, spans
from schemas.settings import Settings

log = logging.getLogger("assay.monitors")
SCORES = ("groundedness", "answer_relevance", "refusal")
FIELDS = ("input", "output")
COVERED = 0.98


def look(store: Store, project: str, policy: MonitorPolicy) -> list[FindingRow]:
    """New findings of the last 48 hours of traffic; of scores and texts nothing on half-judged
    data. The policy's level is divided by the number of signals (Bonferroni), missing fields
    together being one."""
    _, last = spans.time_range(store, project)
    window = (last - WINDOW_NS - 3600 * 10**9, last + 1)
    level = policy.alpha / (len(SCORES) + len(FIELDS) + 1)
    result: list[FindingRow | None] = [*field_findings(store, project, *window, level)]
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
        result.append(score_finding(project, name, version, seen, level, policy.margin))
    for field in FIELDS if judged else ():
        rows = scores.embeddings(store, project, field, *window)
        result.append(embedding_finding(project, field, rows, level))
    earlier = findings.list_findings(store, project)
    return [f for f in result if f is not None and not known(f, earlier)]


def once(store: Store, settings: Settings, sinks: Mapping[str, Sink], last: dict[str, int]) -> None:
    """Look at every project whose scores changed since `last`, then send what is due."""
    state = control.read(store)
    alerts = state.alerts or {NAME: AlertPolicy("webhook" if settings.webhook_url else "log")}
    for project in spans.projects(store):
        minute = spans.time_range(store, project)[1] // (60 * 10**9)
        seen = hash(str((scores.evaluators(store, project), state.monitor, minute)))
        if last.get(project) != seen:
            with trace.get_tracer("assay").start_as_current_span("look") as span:
                span.set_attribute("project", project)
                fresh = look(store, project, state.monitor)
            for found in fresh:
                log.info("finding in %s: %s", project, found.details)
                # The delivery first: a crash between the two repeats both under the same ids.
                now = time.time_ns() // 10**6
                sent = messages(found, alerts, settings.webhook_url, now)
                findings.insert_deliveries(store, sent)
                findings.insert_findings(store, [found])
            last[project] = seen
        drain(store, project, sinks, settings)
