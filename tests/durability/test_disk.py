"""A full disk: nothing is acknowledged, and intake goes on once there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from grpc_status import rpc_status

from collector.segment import read
from collector.spool import Limits, Spool
from schemas.errors import Retryable
from tests.conftest import wait_until
from tests.durability.harness import EXPORT, Load, Site, batch, client
from tests.durability.small_disk import MIB, counted, small


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Path]]:
    """Makes the spool's folder a disk of so many bytes; unmounted in the end."""
    folder = tmp_path / "spool"

    def made(size: int) -> Path:
        small(folder, size, monkeypatch)
        return folder

    yield made
    subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


def refused(load: Load) -> None:
    """Wait until every worker was refused again and again; nothing is acknowledged meanwhile."""
    begun = load.statuses.get(503, 0)
    wait_until(lambda: load.statuses.get(503, 0) > begun + 20, "the collector refuses")
    before = len(load.acknowledged)
    wait_until(lambda: load.statuses[503] > begun + 60, "it goes on refusing")
    assert len(load.acknowledged) == before
    assert set(load.statuses) == {503}


@pytest.mark.parametrize("size", [0, 3000])
def test_a_collector_that_cannot_write_refuses_until_there_is_room(
    tmp_path: Path, size: int
) -> None:
    with Site(tmp_path) as site:
        with Load(site) as load:
            load.more(300)
            site.limit_files(size)
            if size == 0:  # otherwise a small request still fits
                refused(load)
            else:
                wait_until(lambda: load.statuses.get(503, 0) > 60, "the collector refuses")
            answer = site.post(batch(3, 10_000)[0])
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert client().get(f"{site.base}/readyz").status_code == 503
            message = batch(3, 10_000)[0].SerializeToString()
            address = f"127.0.0.1:{site.settings.otlp_grpc_port}"
            with (
                grpc.insecure_channel(address) as channel,
                pytest.raises(grpc.RpcError) as error,
            ):
                channel.unary_unary(EXPORT)(message, timeout=20)
            assert error.value.code() is grpc.StatusCode.UNAVAILABLE
            assert "RetryInfo" in str(rpc_status.from_call(error.value).details)
            assert len(site.segments()) < 60, "refused requests leave no files behind"
            site.limit_files(-1)
            load.more(300)
        site.settle(load.acknowledged)


def test_a_disk_below_its_floor_stops_intake_until_clickhouse_takes_data(
    tmp_path: Path, disk: Callable[[int], Path]
) -> None:
    disk(2100 * MIB)  # the floor is 2 GiB; memory is used only for what is written
    with Site(tmp_path) as site:
        site.kill_store()
        with Load(site, make=lambda: batch(1, 500_000)) as load:
            refused(load)
            site.start_store()
            load.more(50)
        site.settle(load.acknowledged)


def test_a_disk_that_runs_full_in_the_middle_keeps_what_was_acknowledged(
    disk: Callable[[int], Path],
) -> None:
    folder = disk(MIB)
    spool = Spool(folder, Limits(free_floor=0, age=3600))
    kept: list[bytes] = []
    for _ in range(3):
        with pytest.raises(Retryable, match="No space left"):
            while True:
                body = b"%06d" % len(kept) * 5000
                spool.append(body, 1)
                kept.append(body)
        while spool.sealed():
            spool.delete(spool.sealed()[0])
        found = [r.body for path in folder.glob("*.open") for r in read(path)]
        assert found == kept[len(kept) - len(found) :] != []
    spool.close()
    assert [r.body for path in spool.sealed() for r in read(path)][-1] == kept[-1]


def test_a_disk_that_is_counted_answers_as_a_mounted_one(tmp_path: Path) -> None:
    write, usage = counted(tmp_path, 10)
    with (tmp_path / "inside").open("wb") as inside:
        assert [write(inside.fileno(), b"1234567") for _ in range(2)] == [7, 3]
        with pytest.raises(OSError, match="No space left"):
            write(inside.fileno(), b"1")
    assert usage(tmp_path) == (10, 10, 0)
    with Path(os.devnull).open("wb") as elsewhere:
        assert write(elsewhere.fileno(), b"1" * 20) == 20
