"""The spool keeps what it acknowledged and refuses in words what it cannot keep."""

from __future__ import annotations

import errno
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from collector.segment import Damage, declared, read, token_of, walk
from collector.spool import Limits, Spool, SpoolInUseError
from schemas.errors import Retryable
from tests.conftest import wait_until


def test_what_was_appended_is_read_in_whole_records(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Limits(free_floor=0))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: spool.append(b"%d" % n, 1), range(200)))
    spool.close()
    found = [r.body for path in spool.sealed() for r in read(path)]
    assert sorted(found) == sorted(b"%d" % n for n in range(200))


def test_a_torn_tail_ends_the_segment_without_an_error(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Limits(free_floor=0))
    spool.append(b"one", 1)
    spool.append(b"two", 1)
    spool.close()
    (path,) = spool.sealed()
    whole = path.read_bytes()
    for cut in range(1, 10):
        path.write_bytes(whole[:-cut])
        assert [r.body for r in read(path)] == [b"one"]
    path.write_bytes(whole[:-1] + b"X")
    assert [r.body for r in read(path)] == [b"one"]


def test_segments_of_a_killed_process_are_found_with_their_token(tmp_path: Path) -> None:
    before = Spool(tmp_path / "spool", Limits(free_floor=0, age=3600))
    before.append(b"one", 1)
    (left,) = (tmp_path / "spool").glob("*.open")
    token = token_of(left)
    shutil.copytree(tmp_path / "spool", tmp_path / "after")
    again = Spool(tmp_path / "after", Limits(free_floor=0))
    (path,) = again.sealed()
    assert (token_of(path), [r.body for r in read(path)]) == (token, [b"one"])
    assert len(token) == 36


def test_a_full_spool_refuses_with_a_retryable_reason(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Limits(free_floor=0, total=10))
    spool.append(b"x" * 20, 1)
    with pytest.raises(Retryable, match="full"):
        spool.append(b"x", 1)
    assert "full" in spool.refusal()


def test_a_full_disk_refuses_before_it_writes(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Limits(free_floor=2**62))
    with pytest.raises(Retryable, match="free disk"):
        spool.append(b"x", 1)


def test_a_segment_is_sealed_by_its_number_of_spans(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Limits(free_floor=0, spans=10, age=3600))
    spool.append(b"x", 10)
    wait_until(lambda: len(spool.sealed()) == 1, "the segment is sealed")


def test_a_second_collector_is_kept_out_of_the_folder(tmp_path: Path) -> None:
    first = Spool(tmp_path, Limits(free_floor=0))
    with pytest.raises(SpoolInUseError, match="in use"):
        Spool(tmp_path)
    first.close()
    first.release()
    Spool(tmp_path, Limits(free_floor=0)).close()


def test_a_failed_fsync_refuses_and_leaves_what_was_safe_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, Limits(free_floor=0, age=3600))
    spool.append(b"one", 1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _no_space)
        with pytest.raises(Retryable, match="disk refused"):
            spool.append(b"two", 1)
    spool.append(b"three", 1)
    spool.close()
    found = [[r.body for r in read(path)] for path in spool.sealed()]
    assert found == [[b"one"], [b"three"]]
    assert [declared(path) for path in spool.sealed()] == [1, 1]


def test_an_offer_tells_once_its_bytes_are_on_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Limits(free_floor=0))
    told: list[str] = []
    for n in range(50):
        while not spool.offer(b"%d" % n, 1, told.append):
            time.sleep(0.01)  # a segment is being sealed
    wait_until(lambda: len(told) == 50, "all are told of")
    assert told == [""] * 50
    spool.close()
    found = [r.body for path in spool.sealed() for r in read(path)]
    assert found == [b"%d" % n for n in range(50)]
    with pytest.raises(Retryable, match="stopping"):
        spool.offer(b"x", 1, told.append)


def test_an_offer_whose_fsync_fails_tells_of_it_and_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, Limits(free_floor=0, age=3600))
    spool.append(b"one", 1)
    told: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _no_space)
        assert spool.offer(b"two", 1, told.append)
        wait_until(lambda: bool(told), "it is told of")
    assert len(told) == 1 and "No space" in told[0]
    spool.close()
    assert [r.body for path in spool.sealed() for r in read(path)] == [b"one"]


def test_half_a_write_is_cut_off_and_the_segment_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, Limits(free_floor=0, age=3600))
    spool.append(b"one", 1)
    write, calls = os.write, []

    def half(handle: int, data: memoryview) -> int:
        calls.append(1)
        return write(handle, data[:5]) if len(calls) == 1 else _no_space()

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(Retryable, match="cannot be written"):
            spool.append(b"two", 1)
    spool.append(b"three", 1)
    spool.close()
    (path,) = spool.sealed()
    assert [r.body for r in read(path)] == [b"one", b"three"]


def test_a_segment_that_was_removed_is_never_acknowledged(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", Limits(free_floor=0, age=3600))
    spool.append(b"one", 1)
    shutil.rmtree(tmp_path / "spool")
    with pytest.raises(Retryable, match="was removed"):
        spool.append(b"two", 1)
    spool.append(b"three", 1)
    spool.close()
    assert [r.body for path in spool.sealed() for r in read(path)] == [b"three"]


@pytest.mark.parametrize("field", ["length", "spans", "time", "checksum", "body"])
def test_records_behind_a_damaged_one_are_found(tmp_path: Path, field: str) -> None:
    spool = Spool(tmp_path, Limits(free_floor=0))
    bodies = [b"%d " % n * 500 for n in range(9)]
    for body in bodies:
        spool.append(body, 1)
    spool.close()
    (path,) = spool.sealed()
    data = bytearray(path.read_bytes())
    at = data.index(bodies[4]) + {"length": -19, "spans": -15, "time": -6, "checksum": -2}.get(
        field, 100
    )
    data[at] ^= 0xFF
    path.write_bytes(data)
    assert [r.body for r in read(path)] == bodies[:4] + bodies[5:]
    (damage,) = [item for item in walk(path) if isinstance(item, Damage)]
    assert not damage.torn
    assert declared(path) == 9


def test_a_damaged_header_costs_no_record_and_gives_the_same_token_each_time(
    tmp_path: Path,
) -> None:
    spool = Spool(tmp_path, Limits(free_floor=0))
    spool.append(b"one", 1)
    spool.close()
    (path,) = spool.sealed()
    data = path.read_bytes()
    path.write_bytes(data[:20] + b"\0" + data[21:])
    assert [r.body for r in read(path)] == [b"one"]
    assert token_of(path) == token_of(path) != ""
    path.write_bytes(data[:20] + b"\1" + data[21:])
    assert token_of(path).startswith("damaged-")


def _no_space(*_arguments: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_steady_load_does_not_keep_a_segment_open(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Limits(free_floor=0, spans=10, age=3600))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: spool.append(b"%d" % n, 1), range(400)))
    spool.close()
    assert {declared(path) for path in spool.sealed()} == {10}
