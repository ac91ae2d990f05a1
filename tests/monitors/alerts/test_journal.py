"""The outbox on disk survives what a process does not."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from monitors.alerts.compose import address
from monitors.alerts.journal import Event, Journal, OutboxInUseError
from schemas.alerting import AlertPolicy
from schemas.models import FindingRow
from tests.monitors.alerts.receivers import message

FOUND = FindingRow("shop", "f1", "g", "mean_shift", "{}", "confirmed", 1, 0, 2, 3, 4, 0.8, 0.6,
                   -0.2, -0.3, -0.1, 0.001, 0.9, "{}", 5)  # fmt: skip


def event(name: str = "f1", at: int = 1) -> Event:
    pending = address(message(), name, "on-call", AlertPolicy(), "https://x", at)
    return Event(name, "shop", name, at, (pending,), (FOUND,))


def test_what_was_put_is_there_after_a_restart(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    first.put(event("f2", 2))
    first.put(event("f1", 1))
    first.close()
    again = Journal(tmp_path)
    assert [e.event_id for e in again.events()] == ["f1", "f2"]
    assert again.events()[0] == event("f1", 1)
    assert again.findings("shop") == [FOUND, FOUND] and again.findings("other") == []


def test_an_event_leaves_once_it_is_done_and_clickhouse_has_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    sent = dataclasses.replace(event().pending[0].row, status="delivered")
    done = event().replaced(dataclasses.replace(event().pending[0], row=sent))
    journal.put(done)
    assert len(journal.events()) == 1 and not done.stored
    journal.put(dataclasses.replace(done, stored=True))
    assert journal.events() == [] and list(tmp_path.glob("*.event")) == []


def test_a_half_written_file_is_ignored_and_a_damaged_one_is_kept_apart(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.put(event("f1"))
    journal.close()
    (tmp_path / "f2.part").write_text('{"event_id": "f2"')
    (tmp_path / "f3.event").write_text('{"event_id"')
    (tmp_path / "f4.event").write_text(json.dumps({"pending": [], "findings": []}))
    again = Journal(tmp_path)
    assert [e.event_id for e in again.events()] == ["f1"]
    assert {p.name for p in tmp_path.glob("*.damaged")} == {"f3.event.damaged", "f4.event.damaged"}


def test_two_processes_never_send_from_one_folder(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    with pytest.raises(OutboxInUseError):
        Journal(tmp_path)
    first.close()
    Journal(tmp_path).close()


def test_only_the_owner_may_read_what_waits(tmp_path: Path) -> None:
    Journal(tmp_path / "outbox").close()
    assert (tmp_path / "outbox").stat().st_mode & 0o077 == 0


def test_a_small_document_is_kept_and_damage_to_it_is_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.load("gone") == {}
    journal.save("gone", {"a": {"b": 1}})
    assert journal.load("gone") == {"a": {"b": 1}}
    (tmp_path / "gone.json").write_text("{")
    assert journal.load("gone") == {}
