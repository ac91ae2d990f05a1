"""Sums over many sets of columns from few readings of the rows.

A table over five columns holds those over every two and three of them: they are its sums along axes
(the data cube of Gray et al., Data Mining and Knowledge Discovery 1, 1997). Rows are read once for
each of a few wide tables that together cover all sets, instead of once for each set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitors.windows import Floats, Integers

Columns = tuple[int, ...]
LEAST = 20_000  # cells up to which a table may grow whatever the number of rows


def limit(rows: int) -> int:
    """Cells of a table that cost about what reading the rows does."""
    return max(LEAST, rows // 2)


def cover(
    sets: Iterable[Columns], sizes: Sequence[int], most: int, blocks: int = 1
) -> list[tuple[Columns, list[Columns]]]:
    """(columns of a wide table, the sets that it is read for), greedily. No table has more than
    `most` cells, but for sets that have more by themselves; each set is covered once."""
    left = set(sets)
    made = []
    for first in sorted(left, key=lambda s: (-prod(sizes[c] for c in s), s)):
        if first not in left:
            continue
        held = set(first)
        while True:
            room = most // max(1, blocks * prod(sizes[c] for c in held))
            fits = [c for c in range(len(sizes)) if c not in held and sizes[c] <= room]
            gains = {c: _gain(held, c, left) / np.log(max(sizes[c], 2)) for c in fits}
            best = max(gains, key=lambda c: (gains[c], -c), default=None)
            if best is None or not gains[best]:
                break
            held.add(best)
        wide = tuple(sorted(held))
        mine = sorted(s for s in left if held.issuperset(s))
        left.difference_update(mine)
        made.append((wide, mine))
    return made


def _gain(held: set[int], more: int, left: set[Columns]) -> int:
    """How many more sets one more column covers."""
    inside = sorted(held)
    return sum(
        tuple(sorted((*rest, more))) in left
        for size in range(min(3, len(inside) + 1))
        for rest in combinations(inside, size)
    )


def place(codes: Sequence[Integers], sizes: Sequence[int], columns: Columns) -> Integers:
    """The cell (rows,) of each row in the table over the columns."""
    found = codes[columns[0]].astype(np.int64)
    for column in columns[1:]:
        found *= sizes[column]
        found += codes[column]
    return found


def along(table: NDArray[Any], wide: Columns, columns: Columns) -> Floats:
    """Sums of a table (one axis for each column of `wide`, and perhaps more) over the columns that
    are not wanted."""
    gone = tuple(n for n, column in enumerate(wide) if column not in columns)
    return np.asarray(table.sum(axis=gone) if gone else table, np.float64)
