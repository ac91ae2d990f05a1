"""Lanes: per worker and signal a folder with spool, ledger and dead letters.

`ASSAY_HOME/spool/<worker>/<signal>/`. Worker 0 takes over what an older version left directly in
`spool/`, and what workers left that are not started any more.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from collector import ledger as ledgers
from collector.kept import FOLDER
from collector.ledger import Ledger, Totals
from collector.load import waiting
from collector.segment import token_of
from collector.signals.base import Signal
from collector.spool import Limits, Spool, SpoolInUseError, floor

log = logging.getLogger("assay.collector")
DEAD = "dead_letters.jsonl"
_SEGMENTS = ("*.open", "*.sealed", "*.split")


@dataclass(frozen=True, slots=True)
class Lane:
    """One signal's way to disk."""

    signal: Signal
    folder: Path
    spool: Spool
    ledger: Ledger


def folder_of(root: Path, worker: int, signal: str) -> Path:
    return root / str(worker) / signal


def open_lane(folder: Path, signal: Signal, limits: Limits | None = None) -> Lane:
    """Open a folder and count what waits in it. Raises SpoolInUseError."""
    spool = Spool(folder, limits)
    ledger = Ledger(folder / "ledger.json")
    ledger.recover({token_of(path): waiting(path, signal) for path in spool.sealed()})
    return Lane(signal, folder, spool, ledger)


def take_over(root: Path, home: Path, workers: int) -> None:
    """Before worker 0 opens its lanes: move to them what nobody else will drain."""
    for folder, signal in _left(root, workers):
        target = folder_of(root, 0, signal)
        try:
            _free(folder)
        except SpoolInUseError:
            log.warning("%s is still in use; the next start takes it over", folder)
            continue
        _move(folder, target)
    if any(root.glob("*.sealed")) or any(root.glob("*.open")) or (home / "ledger.json").exists():
        target = folder_of(root, 0, "traces")
        target.mkdir(parents=True, exist_ok=True)
        for name in ("ledger.json", DEAD):  # where the first version kept them
            if (home / name).exists() and not (target / name).exists():
                (home / name).rename(target / name)
        _move(root, target)


def _left(root: Path, workers: int) -> Iterator[tuple[Path, str]]:
    for folder in sorted(root.glob("*/*")):
        number = folder.parent.name
        if folder.is_dir() and number.isdecimal() and int(number) >= workers:
            yield folder, folder.name


def _free(folder: Path) -> None:
    """Seals what is open, too. Raises SpoolInUseError."""
    spool = Spool(folder)
    spool.close()
    spool.release()


def _move(folder: Path, target: Path) -> None:
    """Segments carry their token with them; counts are added to the target's."""
    target.mkdir(parents=True, exist_ok=True)
    moved = [path for pattern in _SEGMENTS for path in sorted(folder.glob(pattern))]
    for path in moved:
        path.rename(target / path.name)
    if (folder / FOLDER).is_dir():
        (target / FOLDER).mkdir(exist_ok=True)
        for path in (folder / FOLDER).iterdir():
            path.rename(target / FOLDER / path.name)
    if moved:
        log.info("%d segments of %s are taken over", len(moved), folder)
    if folder.parent.name.isdecimal():
        mine = Ledger(target / "ledger.json")
        for project, counts in ledgers.read(folder / "ledger.json").items():
            for name, count in counts.items():
                mine.add(name, {project: count})
        mine.save()
        (folder / "ledger.json").unlink(missing_ok=True)
        if (folder / DEAD).exists():
            with (target / DEAD).open("ab") as file:
                file.write((folder / DEAD).read_bytes())
            (folder / DEAD).unlink()


def totals(root: Path, lanes: Sequence[Lane], signal: str) -> Totals:
    """One signal's counters: of this process as they are, of others as they last saved them."""
    mine = [lane for lane in lanes if lane.signal.name == signal]
    own = {lane.folder for lane in mine}
    parts = [lane.ledger.totals() for lane in mine]
    parts += [
        ledgers.read(path / "ledger.json") for path in root.glob(f"*/{signal}") if path not in own
    ]
    return ledgers.total(parts)


def segments(root: Path) -> tuple[int, int]:
    """Segments of all workers: (waiting, kept aside as damaged)."""
    return len(list(root.glob("*/*/*.sealed"))), len(list(root.glob("*/*/damaged/*.sealed")))


def used(root: Path, limits: Limits | None = None) -> float:
    """The share (0 to 1) of the spool's room that is used: at 1 intake stops. The room ends where
    the fullest lane reaches its limit, or where the disk has no more than its floor left."""
    limits = limits or Limits()
    lanes: Counter[Path] = Counter()
    for path in (found for suffix in _SEGMENTS for found in root.glob(f"*/*/{suffix}")):
        with contextlib.suppress(FileNotFoundError):  # written to ClickHouse meanwhile
            lanes[path.parent] += path.stat().st_size
    disk = shutil.disk_usage(root)
    least = floor(disk.total) if limits.free_floor is None else limits.free_floor
    held, left = lanes.total(), disk.free - least
    if left <= 0:
        return 1.0
    return min(1.0, max(max(lanes.values(), default=0) / limits.total, held / (held + left)))
