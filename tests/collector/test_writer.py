"""The writer splits a refused segment down to the poison span and keeps every other one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.ledger import Ledger
from collector.spool import Limits, Spool
from collector.writer import Writer, backoff
from schemas.errors import Permanent, Retryable
from schemas.models import SpanRow


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
    assert 7.5 <= backoff(50) <= 15.0
