"""How much of the spool's room is used."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from collector.lanes import used
from collector.spool import Limits

MIB = 2**20


def fill(folder: Path, name: str, size: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("wb") as file:
        file.truncate(size)


def test_the_fullest_lane_counts(tmp_path: Path) -> None:
    limits = Limits(total=4 * MIB, free_floor=0)
    assert used(tmp_path, limits) == 0.0
    fill(tmp_path / "0" / "traces", "a.sealed", MIB)
    fill(tmp_path / "0" / "logs", "a.sealed", MIB)
    fill(tmp_path / "1" / "traces", "a.sealed", 2 * MIB)
    fill(tmp_path / "1" / "traces", "b.open", MIB)
    fill(tmp_path / "1" / "traces" / "kept", "c.sealed", MIB)
    assert used(tmp_path, limits) == pytest.approx(0.75)
    fill(tmp_path / "1" / "traces", "c.sealed", 9 * MIB)
    assert used(tmp_path, limits) == 1.0


def test_a_disk_without_room_is_a_full_spool(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert used(tmp_path, Limits(free_floor=2 * free)) == 1.0
    fill(tmp_path / "0" / "traces", "a.sealed", 3 * MIB)  # a file with a hole: the disk stays free
    tight = used(tmp_path, Limits(free_floor=shutil.disk_usage(tmp_path).free - MIB))
    assert 0.5 < tight <= 1.0
