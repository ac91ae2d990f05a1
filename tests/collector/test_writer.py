"""The writer splits a refused segment down to the poison span and keeps every other one."""

from __future__ import annotations

import base64
import errno
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import writer
from collector.dead_letters import Dead, bury
from collector.ledger import Ledger
from collector.normalise import rows
from collector.segment import declared, token_of
from collector.spool import Limits, Spool
from collector.writer import Writer, backoff
from schemas.errors import Permanent, Retryable
from schemas.models import SpanRow
from tests.conftest import wait_until


def _request(count: int) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for n in range(1, count + 1):
        scope.spans.add(trace_id=n.to_bytes(16, "big"), span_id=n.to_bytes(8, "big"), name=str(n))
    return request.SerializeToString()


def test_only_the_poison_span_is_dead_lettered(tmp_path: Path) -> None:
    stored: dict[str, list[str]] = {}

    def insert(rows: Sequence[SpanRow], token: str) -> None:
        if any(r.name == "7" for r in rows):
            raise Permanent("Code: 6 poison")
        assert token not in stored
        stored[token] = [r.name for r in rows]

    spool = Spool(tmp_path / "spool", Limits(free_floor=0))
    spool.append(_request(11), 11)
    spool.close()
    ledger = Ledger(tmp_path / "ledger.json")
    dead = tmp_path / "dead.jsonl"
    Writer(spool, ledger, [], insert, dead).write(spool.sealed()[0])
    kept = [int(n) for names in stored.values() for n in names]
    assert sorted(kept) == [n for n in range(1, 12) if n != 7]
    (line,) = dead.read_text().splitlines()
    assert json.loads(line)["span"]["name"] == "7"
    assert spool.sealed() == []
    totals = Ledger(tmp_path / "ledger.json").totals()
    assert (totals["written"], totals["dead"], totals["damaged"]) == (10, 1, 0)


def test_a_segment_waits_while_clickhouse_is_away(tmp_path: Path) -> None:
    def insert(rows: Sequence[SpanRow], token: str) -> None:
        raise Retryable("away")

    spool = Spool(tmp_path / "spool", Limits(free_floor=0))
    spool.append(_request(1), 1)
    spool.close()
    writer = Writer(spool, Ledger(tmp_path / "l.json"), [], insert, tmp_path / "d")
    with pytest.raises(Retryable):
        writer.write(spool.sealed()[0])
    assert len(spool.sealed()) == 1


def test_backoff_grows_to_its_ceiling() -> None:
    assert 0.1 <= backoff(0) <= 0.2
    assert 2.5 <= backoff(50) <= 5.0


def _spool(folder: Path, *bodies: bytes) -> Spool:
    spool = Spool(folder / "spool", Limits(free_floor=0))
    for body in bodies:
        (group,) = ExportTraceServiceRequest.FromString(body).resource_spans
        spool.append(body, len(group.scope_spans[0].spans))
    spool.close()
    return spool


def test_a_span_that_makes_no_row_is_dead_lettered_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def picky(request: ExportTraceServiceRequest, *rest: Any) -> list[SpanRow]:
        if b"\0\0\1" in request.SerializeToString():
            raise ValueError("a defect of ours")
        return rows(request, *rest)

    monkeypatch.setattr(writer, "rows", picky)
    stored: list[SpanRow] = []
    spool = _spool(tmp_path, _request(2))
    ledger = Ledger(tmp_path / "l.json")
    take = Writer(spool, ledger, [], lambda found, _token: stored.extend(found), tmp_path / "d")
    take.write(spool.sealed()[0])
    assert [row.name for row in stored] == ["2"]
    (line,) = (tmp_path / "d").read_text().splitlines()
    kept = ExportTraceServiceRequest.FromString(base64.b64decode(json.loads(line)["otlp"]))
    assert kept.resource_spans[0].scope_spans[0].spans[0].name == "1"
    assert (ledger.totals()["written"], ledger.totals()["dead"]) == (1, 1)


def test_a_retry_cuts_a_refused_segment_in_the_same_places(tmp_path: Path) -> None:
    calls: list[str] = []

    def insert(rows: Sequence[SpanRow], token: str) -> None:
        calls.append(token.partition(":")[2])
        assert calls[-1] == "" or {row.segment for row in rows} == {token}
        if any(row.name == "2" for row in rows):
            raise Permanent("Code: 6 poison")
        if len(calls) == 5:
            raise Retryable("away in between")

    spool = _spool(tmp_path, _request(4))
    take = Writer(spool, Ledger(tmp_path / "l.json"), [], insert, tmp_path / "d")
    with pytest.raises(Retryable):
        take.write(spool.sealed()[0])
    take.write(spool.sealed()[0])
    assert calls == ["", "0+2", "0+1", "1+1", "2+2", "0+1", "2+2"]
    assert list(spool.sealed()) == list((tmp_path / "spool").glob("*.split")) == []


def test_a_segment_that_was_counted_and_not_yet_deleted_is_counted_once(tmp_path: Path) -> None:
    inserted: list[int] = []
    spool = _spool(tmp_path, _request(2))
    (path,) = spool.sealed()
    content = path.read_bytes()
    for _ in range(2):  # the second time as after kill -9 between the two
        path.write_bytes(content)
        ledger = Ledger(tmp_path / "l.json")
        ledger.recover({token_of(p): declared(p) for p in spool.sealed()})
        take = Writer(spool, ledger, [], lambda r, _t: inserted.append(len(r)), tmp_path / "d")
        take.write(path)
        assert (ledger.totals()["written"], ledger.totals()["received"]) == (2, 2)
    assert inserted == [2, 2]  # its token says that these are the same rows


def test_a_full_disk_does_not_stop_the_spool_from_draining(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    spool = _spool(tmp_path, _request(2))
    ledger = Ledger(tmp_path / "l.json")
    monkeypatch.setattr(ledger, "save", no_space)
    Writer(spool, ledger, [], lambda _r, _t: None, tmp_path / "d").write(spool.sealed()[0])
    assert spool.sealed() == []
    assert ledger.totals()["written"] == 2


def test_a_damaged_segment_is_stored_as_far_as_it_can_be_read_and_kept_aside(
    tmp_path: Path,
) -> None:
    stored: list[SpanRow] = []
    spool = _spool(tmp_path, _request(2), _request(2), _request(2))
    (path,) = spool.sealed()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    ledger = Ledger(tmp_path / "l.json")
    ledger.recover({token_of(path): declared(path)})
    Writer(spool, ledger, [], lambda r, _t: stored.extend(r), tmp_path / "d").write(path)
    assert len(stored) == 4
    assert (spool.sealed(), spool.damaged()) == ([], 1)
    assert (tmp_path / "spool" / "damaged" / path.name).read_bytes() == data
    totals = ledger.totals()
    assert (totals["received"], totals["written"], totals["damaged"]) == (6, 4, 2)


def test_a_dead_letter_that_was_cut_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    (tmp_path / "d").write_text('{"reason": "cut o')
    bury(tmp_path / "d", "token", [Dead("why", otlp=b"x")])
    assert json.loads((tmp_path / "d").read_text().splitlines()[1])["reason"] == "why"


def test_a_segment_that_our_defect_holds_back_does_not_hold_back_the_others(
    tmp_path: Path,
) -> None:
    stored: list[str] = []
    mended = threading.Event()

    def insert(rows: Sequence[SpanRow], token: str) -> None:
        if len(rows) == 1 and not mended.is_set():
            raise RuntimeError("a defect of ours")
        stored.extend(row.name for row in rows)

    spool = Spool(tmp_path / "spool", Limits(free_floor=0, spans=1))
    for count in (1, 2, 3):
        spool.append(_request(count), count)
        wait_until(lambda: not list((tmp_path / "spool").glob("*.open")), "it is sealed")
    take = Writer(spool, Ledger(tmp_path / "l.json"), [], insert, tmp_path / "d")
    take.start()
    wait_until(lambda: len(spool.sealed()) == 1, "the other segments are written")
    assert len(stored) == 5
    mended.set()
    wait_until(lambda: len(stored) == 6, "it is stored once we mended it")
    take.stop()
    spool.close()
