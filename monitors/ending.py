"""What alerts of findings said is over, once the traffic says so."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from monitors.alerts.journal import Journal
from monitors.alerts.message import Message
from monitors.alerts.mirror import row
from monitors.alerts.recovery import ENOUGH, RECENT_NS, end, still_open, why_over
from monitors.alerts.recovery_blocks import why_days_over, why_filled
from monitors.fields import SECONDS
from monitors.series import DAY_NS, Held, margin_of, read
from monitors.streams import DAYS, finished
from schemas.clickhouse import Store
from schemas.control import MonitorPolicy
from schemas.models import DeliveryRow
from schemas.queries import fields, findings, monitoring, scores, spans
from schemas.queries.mixes import NO_TOPIC

Alive = dict[str, list[tuple[DeliveryRow, Message]]]


def open_alerts(store: Store, project: str, journal: Journal) -> Alive:
    """Firing messages of findings by their alert's key, those in the journal among them. Raises
    Retryable, Permanent."""
    told = {d["delivery_id"]: row(d) for d in findings.list_deliveries(store, project)}
    told |= {p.row.delivery_id: p.row for e in journal.events() for p in e.pending
             if e.project == project}  # fmt: skip
    return still_open(told.values())


def finish(
    store: Store, project: str, policy: MonitorPolicy, journal: Journal,
    earlier: Sequence[Mapping[str, Any]], held: Held | None,
) -> None:  # fmt: skip
    """Say of alerts of findings (`earlier`) that they are over, where they are; of streams only
    with `held`, when a block was over. Raises Retryable, Permanent, OSError."""
    alive = open_alerts(store, project, journal)
    for found in earlier if alive else ():
        sent = alive.get(found["finding_id"])
        if sent is not None and (why := _why(store, project, policy, found, held)):
            journal.put(end(found["finding_id"], sent, why, time.time_ns() // 10**6))


def _why(
    store: Store, project: str, policy: MonitorPolicy, found: Mapping[str, Any], held: Held | None
) -> str:
    """Why a finding is over, "" where it is not or nobody can say yet."""
    if why := _superseded(store, project, found, held):
        return why
    if found["detector"] == "e_detector":
        return "" if held is None else _stream(store, project, policy, found, held)
    _, last = spans.time_range(store, project)
    start = last - RECENT_NS
    if found["onset_ms"] * 10**6 > start:
        return ""
    if found["detector"] == "missing_field":
        return why_filled(found, fields.filled(store, project, start, last + 1, SECONDS))
    if found["detector"] != "mean_shift":
        return ""
    version = json.loads(found["details"]).get("version", "")
    rows = scores.observations(store, project, found["signal"], version, start, last + 1)
    return why_over(found, rows, policy.margin)


def _superseded(
    store: Store, project: str, found: Mapping[str, Any], held: Held | None
) -> str:  # fmt: skip
    """Why nobody can say any more whether a finding goes on: what judged it was replaced. An
    evaluator's version has to be gone from the last RECENT_NS of traffic, since two versions score
    side by side while workers are replaced; topics are frozen anew by hand, and at once."""
    details, segment = json.loads(found["details"]), json.loads(found["segment"])
    version = details.get("version", "")
    by_topics = version if found["signal"] == "topic_share" else details.get("topics", "")
    if by_topics or "topic" in segment:
        if held is None:
            return ""
        labels = [*held.topics.names(), NO_TOPIC] if held.topics else []
        if by_topics and by_topics != held.topics_version:
            now = held.topics_version or "none any more"
            return f"superseded: it is by topics {by_topics}, and watched are {now}"
        if not by_topics and segment["topic"] not in labels:
            return "superseded: its topic is not watched any more"
    if not version or found["signal"] == "topic_share":
        return ""
    _, last = spans.time_range(store, project)
    chosen = monitoring.samplings(store, project, last - RECENT_NS, last + 1)
    scored: dict[str, int] = {}
    for each in chosen:
        if each["evaluator"] == found["signal"]:
            scored[each["version"]] = scored.get(each["version"], 0) + int(each["scored"])
    others = [name for name, n in scored.items() if n >= ENOUGH]
    if version in scored or not others:
        return ""
    return (
        f"superseded: it is by version {version} of {found['signal']}, and traffic is scored by"
        f" {', '.join(others)} now, which is not compared with it"
    )


def _stream(
    store: Store, project: str, policy: MonitorPolicy, found: Mapping[str, Any], held: Held
) -> str:
    """By means of days, whatever the length of the blocks that found it."""
    today = finished(time.time_ns(), 24)
    version = json.loads(found["details"]).get("version", "")
    streams = [
        each for each in read(store, project, (today - DAYS) * DAY_NS, today * DAY_NS, 24, held)
        if (each.signal, each.version) == (found["signal"], version)
    ]  # fmt: skip
    segment = json.loads(found["segment"])
    mine = next((each for each in streams if each.segment == segment), None)
    whole = next((each for each in streams if not each.column), None)
    margin = margin_of(found["signal"], policy.points, policy.factor)
    return why_days_over(found, mine, whole, today - 1, margin)
