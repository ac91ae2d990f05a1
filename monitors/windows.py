"""Sessions as units of inference, and the segments over which a change is searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from schemas.models import Observation

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
COLUMNS = ("model", "prompt_version", "document_source", "service_version", "environment")
MIN_UNITS = 40


@dataclass(frozen=True, slots=True)
class Units:
    """Session means by time. `residual` is the value less the mean of its full segment cell, so
    that a change of mix between constant segments is no change of quality."""

    time: NDArray[np.int64]
    value: Floats
    residual: Floats
    segments: list[dict[str, str]]
    members: Bools  # (segments, units)
    traces: list[str]


def units(observations: Sequence[Observation]) -> Units:
    """One unit per session and segment cell; every segment of at most two columns."""
    groups: dict[tuple[str, ...], list[Observation]] = {}
    for o in observations:
        cell = tuple(o.segment.get(c, "") for c in COLUMNS)
        groups.setdefault((o.session_id or o.trace_id, *cell), []).append(o)
    keys = sorted(groups, key=lambda k: groups[k][0].time)
    time = np.array([groups[k][0].time for k in keys], dtype=np.int64)
    value = np.array([np.mean([o.value for o in groups[k]]) for k in keys])
    cells = [k[1:] for k in keys]
    residual = value.copy()
    for cell in set(cells):
        mine = np.array([c == cell for c in cells])
        residual[mine] -= value[mine].mean()
    segments, members = _segments(cells)
    return Units(time, value, residual, segments, members, [groups[k][0].trace_id for k in keys])


def _segments(cells: list[tuple[str, ...]]) -> tuple[list[dict[str, str]], Bools]:
    table = np.array(cells, dtype=object).reshape(len(cells), len(COLUMNS))
    singles: list[tuple[dict[str, str], Bools]] = []
    for index, column in enumerate(COLUMNS):
        values = sorted(set(table[:, index]) - {""})
        if len(values) > 1:
            singles += [({column: v}, np.asarray(table[:, index] == v, bool)) for v in values]
    pairs = [
        ({**a, **b}, ma & mb)
        for (a, ma), (b, mb) in combinations(singles, 2)
        if a.keys() != b.keys()
    ]
    everything: list[tuple[dict[str, str], Bools]] = [({}, np.ones(len(cells), bool))]
    kept = [(s, m) for s, m in [*everything, *singles, *pairs] if m.sum() >= MIN_UNITS]
    if not kept:
        return [], np.zeros((0, len(cells)), bool)
    return [s for s, _ in kept], np.array([m for _, m in kept])
