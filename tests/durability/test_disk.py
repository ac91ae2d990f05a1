"""A full disk: nothing is acknowledged, and intake goes on once there is room."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from grpc_status import rpc_status

from collector.segment import read
from collector.spool import Limits, Spool
from schemas.errors import Retryable
from tests.conftest import wait_until
from tests.durability.harness import EXPORT, Load, Site, batch

INSIDE = "ASSAY_TEST_MAY_MOUNT"  # set in namespaces of our own


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to mount a small file system on; unmounted in the end."""
    folder = tmp_path / "spool"
    folder.mkdir()
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


def small(folder: Path, size: str) -> None:
    """Mount a tmpfs."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def passed_elsewhere(request: pytest.FixtureRequest, folder: Path) -> bool:
    """Whether the test ran, and passed, in namespaces where this user may mount, since here only
    root may. Where the kernel grants neither there is no small disk to fill: the one skip."""
    if os.geteuid() == 0 or INSIDE in os.environ:
        return False
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-m", "pytest", "-q",
         "-p", "no:cacheprovider", "--basetemp", str(folder / "inside"), request.node.nodeid],
        cwd=request.config.rootpath, env={**environ, INSIDE: "1", "LC_ALL": "C"},
        capture_output=True, text=True,
    )  # fmt: skip
    if "Operation not permitted" in done.stderr and not done.stdout:
        pytest.skip(
            f"a disk that fills is a small file system, and nobody but root may mount one here"
            f" ({done.stderr.strip()}): `sudo make test`, in a container with CAP_SYS_ADMIN"
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return True


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
            assert httpx.get(f"{site.base}/readyz").status_code == 503
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
    tmp_path: Path, mount: Path, request: pytest.FixtureRequest
) -> None:
    if passed_elsewhere(request, mount.parent):
        return
    small(mount, "2100m")  # the floor is 2 GiB; memory is used only for what is written
    with Site(tmp_path) as site:
        site.kill_store()
        with Load(site, make=lambda: batch(1, 500_000)) as load:
            refused(load)
            site.start_store()
            load.more(50)
        site.settle(load.acknowledged)


def test_a_disk_that_runs_full_in_the_middle_keeps_what_was_acknowledged(
    mount: Path, request: pytest.FixtureRequest
) -> None:
    if passed_elsewhere(request, mount.parent):
        return
    small(mount, "1m")
    spool = Spool(mount, Limits(free_floor=0, age=3600))
    kept: list[bytes] = []
    for _ in range(3):
        with pytest.raises(Retryable, match="No space left"):
            while True:
                body = b"%06d" % len(kept) * 5000
                spool.append(body, 1)
                kept.append(body)
        while spool.sealed():
            spool.delete(spool.sealed()[0])
        found = [r.body for path in mount.glob("*.open") for r in read(path)]
        assert found == kept[len(kept) - len(found) :] != []
    spool.close()
    assert [r.body for path in spool.sealed() for r in read(path)][-1] == kept[-1]
