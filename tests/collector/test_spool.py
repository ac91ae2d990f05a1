"""The spool keeps what it acknowledged and refuses in words what it cannot keep."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from collector.spool import Limits, Spool, read, token_of
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
    spool = Spool(tmp_path, Limits(free_floor=0, age=3600))
    spool.append(b"one", 1)
    (left,) = tmp_path.glob("*.open")
    token = token_of(left)
    again = Spool(tmp_path, Limits(free_floor=0))
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
