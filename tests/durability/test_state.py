"""State that was damaged, wiped, restored, or written by an older version."""

from __future__ import annotations

import json
import os
import shutil
import struct
import time
import uuid
import zlib
from importlib.resources import files
from pathlib import Path

import pytest

from schemas import clickhouse
from schemas.migrate import statements
from tests.conftest import wait_until
from tests.durability.harness import Load, Site, batch

CLOCK = """
import pathlib, time
_file = pathlib.Path(__file__).with_name("shift")
_time, _time_ns = time.time, time.time_ns
_shift = lambda: int(_file.read_text() or 0)
time.time = lambda: _time() + _shift()
time.time_ns = lambda: _time_ns() + _shift() * 10**9
"""
# Code 6, CANNOT_PARSE_TEXT: one of the codes by which ClickHouse refuses a row for good.
PICKY = "CONSTRAINT picky CHECK toUInt8(if(startsWith(name, 'poison'), toString(name), '1')) = 1"


def first_format(*requests: bytes, torn: bytes = b"") -> bytes:
    """A segment as version 0.1.0 wrote it, spelled out in bytes."""
    parts = [b"ASSAY1\n" + str(uuid.uuid4()).encode() + b"\n"]
    for body in requests:
        head = struct.pack("<IIQ", len(body), 3, time.time_ns())
        parts.append(head + struct.pack("<I", zlib.crc32(head + body)) + body)
    return b"".join(parts) + torn


MIGRATIONS = sorted(f.name for f in files("schemas").joinpath("sql").iterdir())


def remake(site: Site, old: str, new: str) -> None:
    """Make the table that INSERTs go to again, with a change in its statement."""
    store = clickhouse.connect(site.settings)
    (create,) = [s for s in statements("0001_init.sql") if "TABLE spans_in" in s]
    later = [s for n in MIGRATIONS for s in statements(n) if "ALTER TABLE spans_in" in s]
    store.command("DROP TABLE spans_in")
    for statement in (create.replace(old, new), *later):
        store.command(statement)


def test_a_clock_that_jumps_back_and_forth_loses_nothing(tmp_path: Path) -> None:
    seam = tmp_path / "seam"
    seam.mkdir()
    (seam / "sitecustomize.py").write_text(CLOCK)
    shift = seam / "shift"
    shift.write_text("0")
    path = os.pathsep.join([str(seam), os.environ.get("PYTHONPATH", "")])
    with Site(tmp_path, PYTHONPATH=path) as site:
        with Load(site) as load:
            for seconds in (0, -3600, 7200, -80_000):
                shift.write_text(str(seconds))
                load.more(300)
            site.kill_collector()
            shift.write_text("-7200")
            site.start_collector()
            load.more(300)
        assert set(load.statuses) <= {0}
        site.settle(load.acknowledged)
        assert site.metrics()["rejected"] == 0


def test_damage_on_disk_costs_only_the_damaged_record_and_is_reported(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.kill_store()
        with Load(site) as load:
            wait_until(lambda: len(site.segments()) >= 3, "three segments wait")
        site.kill_collector()
        hurt = sorted(site.segments(), key=lambda p: p.stat().st_size)[-1]
        data = bytearray(hurt.read_bytes())
        data[len(data) // 2] ^= 0x10
        hurt.write_bytes(data)
        request, ids = batch()
        half = first_format(batch()[0].SerializeToString())[60:-100]
        left = site.lane / f"{time.time_ns():020d}-00000000.open"
        left.write_bytes(first_format(request.SerializeToString(), torn=half))
        acknowledged = {*load.acknowledged, *ids}
        site.start_collector()
        site.start_store()
        wait_until(lambda: site.metrics()["waiting"] == 0, "the spool is drained")
        found = site.stored()
        assert len(found) == len(set(found))
        assert set(found) < acknowledged
        lost = site.metrics()["damaged"]
        assert lost == len(acknowledged) - len(found) == 3
        kept = site.lane / "damaged" / hurt.name
        assert kept.read_bytes() == data
        assert "is damaged; 3 items of it are lost" in site.log()


def test_a_poison_span_is_dead_lettered_and_the_others_are_stored(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        remake(site, "\n)\nENGINE", f",\n{PICKY}\n)\nENGINE")
        bad, others = [], []
        with Load(site) as load:
            for _ in range(3):
                load.more(100)
                request, ids = batch(5)
                request.resource_spans[0].scope_spans[0].spans[2].name = "poison"
                assert site.post(request).status_code == 200
                bad.append(ids.pop(2))
                others += ids
            site.kill_collector()
            site.start_collector()
        site.settle(load.acknowledged + others)
        metrics = site.metrics()
        assert (metrics["dead"], metrics["damaged"]) == (3, 0)
        assert metrics["written"] == site.counted()
        lines = (site.lane / "dead_letters.jsonl").read_text().splitlines()
        dead = [json.loads(line) for line in lines]
        assert {(d["row"]["trace_id"], d["row"]["span_id"]) for d in dead} == set(bad)
        assert all("Code: 6" in d["reason"] for d in dead)


def test_segments_wait_for_a_table_that_lacks_a_column(tmp_path: Path) -> None:
    """As after an upgrade whose migration has not run yet: no span is at fault."""
    with Site(tmp_path) as site:
        remake(site, " links String,", "")
        with Load(site) as load:
            load.more(300)
            wait_until(lambda: "takes no data" in site.log(), "ClickHouse refuses")
        assert site.metrics()["dead"] == 0
        assert not (site.lane / "dead_letters.jsonl").exists()
        remake(site, "", "")
        site.settle(load.acknowledged)


def test_a_wiped_spool_starts_anew_and_clickhouse_takes_all_of_it(tmp_path: Path) -> None:
    acknowledged = []
    with Site(tmp_path) as site:
        for _ in range(2):
            with Load(site) as load:
                load.more(300)
            acknowledged += load.acknowledged
            site.settle(acknowledged)
            site.kill_collector()
            shutil.rmtree(site.lane)
            site.start_collector()
        assert site.counted() == len(acknowledged)


@pytest.mark.slow
def test_a_spool_beside_an_older_or_a_newer_clickhouse_stores_all_once(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        with Load(site) as load:
            load.more(300)
        site.settle(load.acknowledged)
        acknowledged = list(load.acknowledged)
        site.kill_store()
        shutil.copytree(tmp_path / "store", tmp_path / "backup", symlinks=True)
        with Load(site) as load:
            load.more(300)
            wait_until(lambda: len(site.segments()) >= 2, "segments wait")
        acknowledged += load.acknowledged
        site.kill_collector()
        shutil.copytree(site.lane, tmp_path / "waiting")
        site.start_store()
        site.start_collector()
        site.settle(acknowledged)
        for older in (False, True):
            site.kill_collector()
            site.kill_store()
            shutil.rmtree(site.lane)
            shutil.copytree(tmp_path / "waiting", site.lane)
            if older:
                shutil.rmtree(tmp_path / "store")
                shutil.copytree(tmp_path / "backup", tmp_path / "store", symlinks=True)
            site.start_store()
            site.start_collector()
            site.settle(acknowledged)
            assert site.counted() == len(acknowledged)


def test_segments_of_the_first_version_are_drained(tmp_path: Path) -> None:
    site = Site(tmp_path)
    spool = site.settings.spool
    spool.mkdir(parents=True, exist_ok=True)
    requests = [batch() for _ in range(4)]
    bodies = [request.SerializeToString() for request, _ in requests]
    now = time.time_ns()
    (spool / f"{now:020d}-0a1b2c3d.sealed").write_bytes(first_format(*bodies[:2]))
    (spool / f"{now + 1:020d}-1a1b2c3d.sealed").write_bytes(first_format(bodies[2], torn=b"\0" * 7))
    (spool / f"{now + 2:020d}-2a1b2c3d.open").write_bytes(first_format(bodies[3], torn=b"\1" * 30))
    (spool / f"{now + 3:020d}-3a1b2c3d.sealed").write_bytes(b"")
    (spool / f"{now + 4:020d}-4a1b2c3d.open").write_bytes(b"ASSAY1\n0")
    (tmp_path / "ledger.json").write_text('{"received": 7, "written": 7, "requests": 1}')
    with site:
        site.settle([each for _, ids in requests for each in ids])
        metrics = site.metrics()
        assert (metrics["written"], metrics["received"], metrics["damaged"]) == (7 + 12, 7 + 12, 0)
