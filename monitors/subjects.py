"""The answer to which topics of inputs moved between two ranges: `monitors.topics` over a store."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from monitors.topics import OUTSIDE, assign, fit, moved, words
from schemas.clickhouse import Store
from schemas.control import MonitorPolicy
from schemas.queries.topics import inputs
from schemas.topics import Ranges

LEAST = 200  # inputs of the reference, as `assay topics` asks
MOST = 5000  # newest inputs of a side: a search must not hold the monitors up for long
COUNT = MonitorPolicy().topics
TOLD = 4000  # traces whose topic is told, for a map


def subjects(store: Store, project: str, asked: Ranges) -> dict[str, Any]:
    """Topics of the reference (fitted on it, seed 0) in both ranges, the most certain change first:
    version, n_before, n_after, topics (label, before, after, n_after, p_value, verdict) and `of`,
    the label by trace. Raises ValueError where there is too little."""
    sides = [
        inputs(store, project, *span, MOST)
        for span in ((asked.start_ns, asked.split_ns), (asked.split_ns, asked.end_ns))
    ]
    if len(sides[0]) < LEAST or len(sides[1]) < 2:
        raise ValueError(
            f"{len(sides[0])} embedded inputs in the reference and {len(sides[1])} since: topics"
            f" need {LEAST} and 2"
        )
    old, new = (np.array([row["vector"] for row in side], np.float64) for side in sides)
    found = fit([row["text"] for row in sides[0]], old, COUNT)
    which = assign(found, old), assign(found, new)
    units = tuple(
        np.unique([row["session"] for row in side], return_inverse=True)[1] for side in sides
    )
    far = np.where(which[1] == OUTSIDE, 0, OUTSIDE)
    outside = f"of no topic: {words([row['text'] for row in sides[1]], far, 1)[0]}"
    result = moved(found, *which, (units[0], units[1]), outside)
    names = {OUTSIDE: outside, **dict(enumerate(found.labels))}
    late = Counter(names[int(n)] for n in which[1])
    told = [(row["trace_id"], names[int(n)]) for side, kinds in zip(sides, which, strict=True)
            for row, n in zip(side, kinds, strict=True)]  # fmt: skip
    return {
        "version": found.version, "n_before": len(old), "n_after": len(new),
        "topics": [
            {"label": each.label, "before": each.before, "after": each.after,
             "n_after": late[each.label], "p_value": each.p_value, "verdict": each.verdict}
            for each in result
        ],
        "of": dict(told[-TOLD:]),
    }  # fmt: skip
