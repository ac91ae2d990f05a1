"""`assay spool inspect|requeue`: what waits on disk, what was refused, and another try for it."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

from collector import requeue as letters
from collector.lanes import DEAD
from collector.ledger import ITEMS
from collector.segment import declared
from schemas.settings import Settings


def _lanes(settings: Settings) -> list[Path]:
    return sorted(p for p in settings.spool.glob("*/*") if p.is_dir() and p.name in ITEMS)


def run(settings: Settings, action: str) -> int:
    """`inspect` or `requeue`. Returns the exit code."""
    return inspect(settings) if action == "inspect" else requeue(settings)


def inspect(settings: Settings) -> int:
    """One block per worker and signal that holds anything. Returns the exit code."""
    shown = 0
    for lane in _lanes(settings):
        sealed, opened = sorted(lane.glob("*.sealed")), sorted(lane.glob("*.open"))
        damaged = sorted((lane / "damaged").glob("*.sealed"))
        dead = _reasons(lane / DEAD)
        if not (sealed or opened or damaged or dead):
            continue
        shown += 1
        items = ITEMS[lane.name].replace("_", " ")
        print(f"worker {lane.parent.name}, {lane.name}  ({lane})")
        if sealed or opened:
            size = sum(p.stat().st_size for p in (*sealed, *opened))
            count = sum(declared(p) for p in (*sealed, *opened))
            age = time.time() - min(p.stat().st_mtime for p in (*sealed, *opened))
            print(f"  waiting   {len(sealed)} segments and {len(opened)} open: {count} {items},"
                  f" {size / 2**20:.1f} MiB, the oldest {age:.0f} s old")  # fmt: skip
        for path in damaged:
            print(f"  damaged   {path.name}: its readable records are stored; kept for you to see")
        for reason, count in dead.most_common(5):
            print(f"  dead      {count}: {reason[:160]}")
        if dead:
            print(f"            {lane / DEAD}; once the cause is mended: assay spool requeue")
    if not shown:
        print(f"nothing waits in {settings.spool}, and nothing was refused")
    return 0


def _reasons(path: Path) -> Counter[str]:
    if not path.exists():
        return Counter()
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return Counter(line["reason"] for line in lines)


def requeue(settings: Settings) -> int:
    """Put every dead letter up for another try; a running collector makes it at once."""
    total = sum(letters.ask(lane / DEAD) for lane in _lanes(settings))
    print(f"{total} dead letters will be tried again by the collector; `assay spool inspect` shows"
          " what is refused again")  # fmt: skip
    return 0
