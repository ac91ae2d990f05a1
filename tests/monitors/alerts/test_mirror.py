"""The outbox follows what was deleted."""

from __future__ import annotations

import dataclasses
import time
import uuid
from pathlib import Path

from monitors.alerts.compose import address
from monitors.alerts.journal import Event, Journal
from monitors.alerts.message import read
from monitors.alerts.mirror import forget, mirror
from schemas.alerting import AlertPolicy
from schemas.clickhouse import Store
from schemas.queries import tombstones
from schemas.queries.findings import list_deliveries
from tests.monitors.alerts.receivers import message

NOW = time.time_ns() // 10**6


def waiting(journal: Journal, project: str) -> None:
    traces = ({"trace_id": "a" * 32, "url": "u"}, {"trace_id": "b" * 32, "url": "u"})
    text = dataclasses.replace(message(), project=project, examples=traces)
    pending = address(text, project, "on-call", AlertPolicy(), "", NOW)
    journal.put(Event(project, project, project, NOW, (pending,)))


def test_alerts_of_a_deleted_project_leave_the_disk_and_do_not_come_back(
    store: Store, tmp_path: Path
) -> None:
    journal = Journal(tmp_path)
    gone, stays = f"gone-{uuid.uuid4()}", f"stays-{uuid.uuid4()}"
    for project in (gone, stays):
        waiting(journal, project)
    tombstones.bury(store, gone, [("project", "")], time.time_ns(), NOW)
    forget(journal, store)
    mirror(journal, store)
    assert [e.project for e in journal.events()] == [stays]
    assert list_deliveries(store, gone) == []
    assert len(list_deliveries(store, stays)) == 1
    assert [p.stem for p in tmp_path.glob("*.event")] == [stays]


def test_a_waiting_alert_loses_its_links_to_deleted_traces_and_keeps_its_id(
    store: Store, tmp_path: Path
) -> None:
    journal = Journal(tmp_path)
    project = f"trace-{uuid.uuid4()}"
    waiting(journal, project)
    before = journal.events()[0].pending[0].row
    tombstones.bury(store, project, [("trace", "a" * 32)], time.time_ns(), NOW)
    forget(journal, store)
    (event,) = journal.events()
    after = event.pending[0].row
    assert [e["trace_id"] for e in read(after.body).examples] == ["b" * 32]
    assert after.delivery_id == before.delivery_id and "a" * 32 not in after.body
