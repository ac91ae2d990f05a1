"""A small disk: a file system of its own where one may be mounted, else one that is counted.

Only root may mount, and not in every container. What is counted answers as the system does: a write
beyond the size is cut short, the next one says that there is no space left, and the free space is
what the files leave.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

NAMED = "ASSAY_TEST_DISK"  # size and folder, for processes that are started
MIB = 2**20


class Usage(NamedTuple):
    """As shutil.disk_usage says it."""

    total: int
    used: int
    free: int


def mounted(folder: Path, size: int) -> bool:
    """Whether a tmpfs of so many bytes could be mounted on a folder."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def counted(folder: Path, size: int) -> tuple[Callable[[int, Any], int], Callable[[Any], Any]]:
    """os.write and shutil.disk_usage as if the folder were a disk of so many bytes."""
    write, usage = os.write, shutil.disk_usage

    def taken() -> int:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    def within(file: int, data: Any) -> int:
        if Path(os.readlink(f"/proc/self/fd/{file}")).is_relative_to(folder):
            data = data[: max(0, size - taken())]
            if not data:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, data)

    def said(path: Any) -> Any:
        if not Path(path).is_relative_to(folder):
            return usage(path)
        return Usage(size, taken(), max(0, size - taken()))

    return within, said


def install() -> None:
    """In a process that was started with NAMED: called by a `sitecustomize` of ours."""
    size, _, folder = os.environ[NAMED].partition(":")
    within, said = counted(Path(folder), int(size))
    patch = pytest.MonkeyPatch()  # never undone: the process is the test's
    patch.setattr(os, "write", within)
    patch.setattr(shutil, "disk_usage", said)


def small(folder: Path, size: int, patch: pytest.MonkeyPatch) -> None:
    """Make a folder a disk of so many bytes, for this process and those that it starts."""
    folder.mkdir()
    if mounted(folder, size):
        return
    within, said = counted(folder, size)
    patch.setattr(os, "write", within)
    patch.setattr(shutil, "disk_usage", said)
    site = folder.parent / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "from tests.durability.small_disk import install\n\ninstall()\n"
    )
    patch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(Path(__file__).parents[2])]))
    patch.setenv(NAMED, f"{size}:{folder}")
