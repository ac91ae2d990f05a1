"""Real quiet series: the minutes before the incidents of the live-video data (RobustSpot, MIT).

Each incident's minutes before its labelled time are the streams of its five columns' values with
enough traffic, and of all of it: the measure is value / cnt, a minute is a block. They are not 30
days, so what is counted are alarms per stream and minute beside what the threshold allows.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from monitors.drift.e_detector import HISTORY, Days, threshold

COLUMNS = ("cdn", "bitrate", "device", "p2p", "isp")
LEAST = 200  # requests a minute, on average
SHARE = 0.5  # false alarms that are expected in this many minutes, as the budget in 30 days
SPAN = 30


def streams(path: Path, before: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Means (streams, minutes) before a moment."""
    sums: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(dict)
    minutes = set()
    with path.open() as file:
        for row in csv.DictReader(file):
            minute = int(row["min"])
            if minute >= before:
                continue
            minutes.add(minute)
            for key in [("", ""), *((c, row[c]) for c in COLUMNS if c in row)]:
                cell = sums[key].setdefault(minute, [0.0, 0.0])
                cell[0] += float(row["value"])
                cell[1] += float(row["cnt"])
    order = sorted(minutes)
    return np.array([
        [by[m][0] / by[m][1] for m in order] for by in sums.values()
        if len(by) == len(order) and all(c > 0 for _, c in by.values())
        and np.mean([c for _, c in by.values()]) >= LEAST
    ])  # fmt: skip


def minutes(folder: Path) -> None:
    """Print how often detectors of blocks ring in minutes in which nothing was labelled."""
    labels = json.loads((folder / "labels.json").read_text())
    rung = judged = expected = 0.0
    lengths = []
    for name, label in sorted(labels.items()):
        at = int(label["time"] if isinstance(label, dict) else label[0])
        y = streams(folder / f"{name}.csv", at)
        lengths.append(y.shape[-1])
        if y.ndim < 2 or y.shape[1] <= HISTORY:
            continue
        n, length = y.shape
        none = np.zeros(length, np.int64)
        days = Days(y, none, np.zeros(n, np.int64), np.zeros(n))
        c = threshold(n, SHARE)
        for minute in range(length):
            days.step(minute)
            which = np.flatnonzero(days.sums >= c)
            rung += bool(len(which))
            for stream in which:
                days.ring(int(stream), minute)
        judged += length - HISTORY
        expected += (length - HISTORY) * SHARE / SPAN
    print(f"live-video, {len(lengths)} series of {min(lengths)} to {max(lengths)} quiet minutes:"
          f" {rung:.0f} episodes in {judged:.0f} judged minutes, {expected:.1f} allowed")  # fmt: skip


if __name__ == "__main__":
    import sys

    minutes(Path(sys.argv[1]))
