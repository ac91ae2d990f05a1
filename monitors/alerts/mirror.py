"""The outbox on disk and its image in ClickHouse, which pages and people read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from monitors.alerts import groups
from monitors.alerts.journal import Event, Journal, Pending
from monitors.alerts.message import read
from schemas.clickhouse import Store
from schemas.models import DeliveryRow
from schemas.queries import findings, tombstones


def mirror(journal: Journal, store: Store) -> None:
    """Store what ClickHouse lacks; what is done and stored leaves the disk. Storing the same twice
    is harmless: newer rows replace older ones of their id. Raises Retryable, Permanent, OSError."""
    for event in journal.events():
        if not event.stored:
            findings.insert_findings(store, event.findings)
            findings.insert_deliveries(store, [p.row for p in event.pending])
            journal.put(replace(event, stored=True))


def forget(journal: Journal, store: Store) -> None:
    """Do as `assay delete` did: alerts of deleted projects leave the disk, and the others lose
    their links to deleted traces. Raises Retryable, Permanent, OSError."""
    waiting, grouped = journal.events(), groups.load(journal)
    buried = tombstones.read(store) if waiting or grouped else None
    if grouped and buried is not None:
        groups.strip(journal, buried)
    for event in waiting:
        made = event.created_ms * 10**6
        if buried is None or not buried.found.get(event.project):
            continue
        if buried.covers(event.project, (), made):
            journal.discard(event.event_id)
            continue
        for pending in event.pending:
            try:
                message = read(pending.row.body)
            except (ValueError, TypeError):
                continue
            kept = tuple(
                e for e in message.examples
                if not buried.covers(event.project, [("trace", e["trace_id"])], made)
            )  # fmt: skip
            if kept != message.examples:
                body = replace(message, examples=kept).body
                event = event.replaced(replace(pending, row=replace(pending.row, body=body)))
                journal.put(event)


def row(found: dict[str, Any]) -> DeliveryRow:
    """A delivery as `list_deliveries` gives it."""
    whole = {
        **found,
        "next_attempt_at": found["next_attempt_ms"],
        "updated_at": found["updated_us"],
    }
    return DeliveryRow(**{f.name: whole[f.name] for f in fields(DeliveryRow)})


def adopt(journal: Journal, store: Store, projects: Sequence[str]) -> int:
    """Take over what ClickHouse says is pending and this disk does not know: the disk was lost, or
    an older version wrote it. The number of deliveries. Raises Retryable, Permanent, OSError."""
    known = {p.row.delivery_id for e in journal.events() for p in e.pending}
    taken = 0
    for project in projects:
        for found in findings.list_deliveries(store, project):
            mine = row(found)
            if mine.status != "pending" or mine.delivery_id in known:
                continue
            try:
                key = read(mine.body).key
            except (ValueError, TypeError):
                key = mine.delivery_id
            made = mine.updated_at // 1000
            name = f"adopted-{hashlib.sha256(mine.delivery_id.encode()).hexdigest()[:24]}"
            journal.put(Event(name, project, key, made, (Pending(mine, made),), (), True))
            taken += 1
    return taken
