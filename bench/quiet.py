"""Real quiet series: the minutes before the incidents of the live-video data (RobustSpot, MIT).

Each incident's minutes before its labelled time are the streams of its five columns' values with
enough traffic, and of all of it: the measure is value / cnt, a minute is a block. They are not 30
days, and an incident has ten: what is counted are alarms of single streams judged behind six
minutes, beside what the threshold allows, and the mean e-value.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from monitors.drift.e_detector import Days, threshold

COLUMNS = ("cdn", "bitrate", "device", "p2p", "isp")
LEAST = 200  # requests a minute, on average
SHARE = 0.5  # false alarms that one stream may have in 30 minutes
BEHIND = 6  # minutes: an incident has ten before it


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
    c = threshold(1, SHARE)
    rung = judged = 0
    e_values: list[float] = []
    for label in labels:
        y = streams(folder / label["file"], int(label["timestamp"]))
        if y.ndim < 2 or y.shape[1] <= BEHIND:
            continue
        n, length = y.shape
        none = np.zeros(length, np.int64)
        alone = Days(y, none, np.arange(n), np.zeros(n), BEHIND)
        for minute in range(length):
            before = alone.sums
            alone.step(minute)
            if minute >= BEHIND:
                e_values.append(float(np.mean(alone.sums / (1 + before))))
                judged += n
            for stream in np.flatnonzero(alone.sums >= c):
                rung += 1
                alone.ring(int(stream), minute)
    half = 1.96 * np.std(e_values, ddof=1) / len(e_values) ** 0.5
    print(
        f"live-video, {len(labels)} incidents' quiet minutes, judged behind {BEHIND}: {judged}"
        f" minutes of streams, {rung} alarms, {judged / c:.0f} allowed; mean e-value over"
        f" streams {np.mean(e_values):.2f} +- {half:.2f} (at most 1 where the null holds)"
    )


if __name__ == "__main__":
    import sys

    minutes(Path(sys.argv[1]))
