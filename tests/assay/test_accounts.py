"""`assay spool` and the ledger's account in `assay doctor`, over real segments and a real store."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assay import spool as command
from assay.accounts import accounts
from collector.lanes import DEAD, Lane, folder_of, open_lane, take_over
from collector.ledger import Ledger, read
from collector.signals.traces import traces
from collector.spool import Limits, Spool
from collector.writer import Writer
from schemas.clickhouse import Store
from schemas.errors import Permanent
from schemas.models import RejectionRow
from schemas.queries.rejections import insert_rejections
from schemas.queries.spans import count_spans, insert_spans
from schemas.settings import Settings
from tests.collector.test_writer import _request

LIMITS = Limits(free_floor=0)


@pytest.fixture
def mine(settings: Settings, tmp_path: Path) -> Settings:
    """The session's store and a spool of its own."""
    password = settings.password_file.read_text()
    url = f"http://assay:{password}@127.0.0.1:{settings.store_port}/assay"
    return dataclasses.replace(settings, home=tmp_path, clickhouse_url=url)


def _close(spool: Spool) -> None:
    spool.close()
    spool.release()


def _lane(settings: Settings, worker: int = 0) -> Lane:
    return open_lane(folder_of(settings.spool, worker, "traces"), traces([]), LIMITS)


def _request_of(project: str, count: int) -> bytes:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest.FromString(_request(count))
    name = request.resource_spans[0].resource.attributes.add(key="service.name")
    name.value.string_value = project
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.start_time_unix_nano = time.time_ns()
    return request.SerializeToString()


def test_what_was_refused_is_shown_and_stored_by_another_try(
    mine: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    project = f"dead-{uuid.uuid4()}"
    lane = _lane(mine)
    lane.spool.append(_request_of(project, 3), 3)
    lane.ledger.add("received", {project: 3})
    _close(lane.spool)

    def refuse(rows: object, token: str) -> None:
        raise Permanent("Code: 6 no such luck")

    def insert(rows: object, token: str) -> None:
        insert_spans(store, rows, token)  # type: ignore[arg-type]

    dead = lane.folder / DEAD
    Writer(lane.spool, lane.ledger, lane.signal, refuse, dead).write(lane.spool.sealed()[0])
    assert command.inspect(mine) == 0
    assert "dead      3: Code: 6 no such luck" in capsys.readouterr().out
    said = " | ".join(text for well, text in accounts(mine) if not well)
    assert "3 spans of" in said and "assay spool requeue" in said
    assert command.requeue(mine) == 0
    (asked,) = lane.folder.glob("requeue-*.jsonl")
    for _ in range(2):  # the second time as after kill -9 before the file was removed
        content = asked.read_text()
        Writer(lane.spool, lane.ledger, lane.signal, insert, dead).requeue(asked)
        asked.write_text(content)
    asked.unlink()
    assert count_spans(store, project) == 3
    totals = Ledger(lane.folder / "ledger.json").totals()[project]
    assert (totals["received"], totals["written"], totals["dead"]) == (3, 3, 0)
    assert all(well for well, _ in accounts(mine))


def test_a_gap_between_the_ledger_and_clickhouse_is_explained(mine: Settings) -> None:
    lane = _lane(mine)
    lane.ledger.add("received", {"gone": 5})
    lane.ledger.add("written", {"gone": 5})
    lane.ledger.save()
    _close(lane.spool)
    (text,) = [text for well, text in accounts(mine) if not well]
    assert "holds 0 of 5 written spans of gone: was it restored from an older backup" in text


def test_what_more_workers_left_is_taken_over_with_its_counts(mine: Settings) -> None:
    for worker in (0, 1, 2):
        lane = _lane(mine, worker)
        lane.spool.append(_request_of("shop", 2), 2)
        lane.ledger.add("received", {"shop": 2})
        lane.ledger.add("written", {"shop": 10})
        lane.ledger.save()
        _close(lane.spool)
    busy = Spool(folder_of(mine.spool, 2, "traces"), LIMITS)
    take_over(mine.spool, mine.home, workers=1)
    _close(busy)
    assert len(list(folder_of(mine.spool, 0, "traces").glob("*.sealed"))) == 2
    assert len(list(folder_of(mine.spool, 2, "traces").glob("*.sealed"))) == 1
    assert read(folder_of(mine.spool, 0, "traces") / "ledger.json")["shop"]["written"] == 20
    take_over(mine.spool, mine.home, workers=1)
    lane = _lane(mine)
    assert lane.ledger.totals()["shop"] == {"received": 36, "written": 30}
    _close(lane.spool)


def test_the_first_versions_spool_and_counts_are_taken_over(mine: Settings) -> None:
    old = Spool(mine.spool, LIMITS)
    old.append(_request_of("shop", 2), 2)
    _close(old)
    (mine.home / "ledger.json").write_text(json.dumps({"received": 9, "written": 7}))
    take_over(mine.spool, mine.home, workers=1)
    lane = _lane(mine)
    assert [p.suffix for p in mine.spool.iterdir() if p.is_file()] == [""]  # its lock
    assert lane.ledger.totals() == {"": {"received": 7, "written": 7}, "shop": {"received": 2}}
    _close(lane.spool)


def test_what_was_refused_at_the_door_is_told_with_its_sdk(mine: Settings, store: Store) -> None:
    project, now = f"door-{uuid.uuid4()}", time.time_ns() // 10**6
    day = datetime.fromtimestamp(now / 1000, UTC).date()
    row = RejectionRow(project, day, "traces", "trace_id must be 16 bytes", "opentelemetry js 2.1",
                       '{"name": "ask"}', 7, now, now)  # fmt: skip
    insert_rejections(store, [row, row], str(uuid.uuid4()))
    lane = _lane(mine)
    lane.ledger.add("received", {project: 14})
    lane.ledger.add("rejected", {project: 14})
    lane.ledger.save()
    _close(lane.spool)
    [line] = [text for well, text in accounts(mine) if "refused in" in text and project in text]
    assert "14 spans" in line and "opentelemetry js 2.1, as 'ask'" in line
    assert line.endswith("UTC: trace_id must be 16 bytes")
