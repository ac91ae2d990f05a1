"""Sessions as units of inference, and the segments over which a change is searched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from schemas.models import Observation
from schemas.queries.spans import SEGMENT_COLUMNS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]
MIN_UNITS = 40  # a segment needs this many
MIN_CELL = 10  # rarer combinations of values share one centre
OTHER = "(other)"
ENDS = 0.15  # a lasting value occurs in the first and in the last such part of the window


@dataclass(frozen=True, slots=True)
class Units:
    """Means per session and segment cell, the units of a session next to each other, sessions by
    time (ns). `residual` is the value less the mean of its cell, so that a change of mix between
    lasting segments is no change of quality. A column of which a value came or went within the
    window is left out of the cells: what replaced something must be compared with it."""

    time: Integers
    value: Floats
    residual: Floats
    session: Integers  # 0, 1, 2, ... by the session's first moment
    segments: list[dict[str, str]]
    members: Bools  # (segments, units)


def units(observations: Sequence[Observation]) -> Units:
    """One unit per session and segment cell; every segment of at most two columns.

    A value seen in fewer than MIN_UNITS observations is pooled as OTHER: it could not be tested.
    """
    counts = Counter((c, o.segment.get(c, "")) for o in observations for c in SEGMENT_COLUMNS)
    begun: dict[str, int] = {}
    groups: dict[tuple[str, ...], list[Observation]] = {}
    for o in observations:
        found = [(c, o.segment.get(c, "")) for c in SEGMENT_COLUMNS]
        cell = tuple(v if counts[c, v] >= MIN_UNITS else OTHER for c, v in found)
        name = o.session_id or f"trace {o.trace_id}"
        begun[name] = min(begun.get(name, o.time), o.time)
        groups.setdefault((name, *cell), []).append(o)
    order = {name: n for n, name in enumerate(sorted(begun, key=lambda k: (begun[k], k)))}
    first = {key: min(o.time for o in group) for key, group in groups.items()}
    keys = sorted(groups, key=lambda k: (order[k[0]], first[k], k))
    value = np.array([np.mean([o.value for o in groups[k]]) for k in keys], dtype=np.float64)
    cells = [k[1:] for k in keys]
    lasting = _lasting([first[k] for k in keys], cells)
    segments, members = _segments(cells)
    return Units(
        np.array([first[k] for k in keys], dtype=np.int64), value,
        _residual(value, [tuple(c[i] for i in lasting) for c in cells]),
        np.array([order[k[0]] for k in keys], dtype=np.int64), segments, members,
    )  # fmt: skip


def _lasting(times: list[int], cells: list[tuple[str, ...]]) -> list[int]:
    """Indices of the columns whose tested values all occur at both ends of the window."""
    start, end = min(times, default=0), max(times, default=0)
    early, late = start + ENDS * (end - start), end - ENDS * (end - start)
    result = []
    for index in range(len(SEGMENT_COLUMNS)):
        seen: dict[str, list[int]] = {}
        for time, cell in zip(times, cells, strict=True):
            seen.setdefault(cell[index], []).append(time)
        tested = [t for value, t in seen.items() if value != OTHER]
        if all(min(t) <= early and max(t) >= late for t in tested):
            result.append(index)
    return result


def _residual(value: Floats, cells: list[tuple[str, ...]]) -> Floats:
    """Values less their cell's mean; all cells of fewer than MIN_CELL units count as one."""
    sizes = Counter(cells)
    names = {cell: n for n, cell in enumerate(sizes)}
    code = np.array([names[c] if sizes[c] >= MIN_CELL else len(names) for c in cells], dtype=int)
    total = np.bincount(code, value, len(names) + 1)
    return np.asarray(
        value - (total / np.maximum(np.bincount(code, None, len(names) + 1), 1))[code]
    )


def _segments(cells: list[tuple[str, ...]]) -> tuple[list[dict[str, str]], Bools]:
    table = np.array(cells, dtype=object).reshape(len(cells), len(SEGMENT_COLUMNS))
    singles: list[tuple[dict[str, str], Bools]] = []
    for index, column in enumerate(SEGMENT_COLUMNS):
        values = sorted(set(table[:, index]))
        if len(values) > 1:
            tested = [v for v in values if v not in ("", OTHER)]
            singles += [({column: v}, np.asarray(table[:, index] == v, bool)) for v in tested]
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
