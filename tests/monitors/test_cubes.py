"""Sums along the axes of a few wide tables are the sums of each set of columns."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from monitors.rootcause.cubes import along, cover, place

SIZES = (4, 4, 6, 7, 5, 8, 3, 150, 9)


def test_wide_tables_cover_every_set_once_within_their_size() -> None:
    sets = [s for n in (1, 2, 3) for s in combinations(range(len(SIZES)), n)]
    made = cover(sets, SIZES, 50_000, 10)
    assert sorted(s for _, mine in made for s in mine) == sorted(sets)
    assert len(made) < len(sets) / 3
    for wide, mine in made:
        assert all(set(s) <= set(wide) for s in mine)
        assert np.prod([SIZES[c] for c in wide]) * 10 <= 50_000 or wide in mine


def test_sums_along_axes_are_those_of_the_columns() -> None:
    draw = np.random.default_rng(3)
    codes = [draw.integers(0, size, 3000) for size in SIZES[:5]]
    value = draw.normal(size=3000)
    wide = (0, 2, 3, 4)
    shape = [SIZES[c] for c in wide]
    table = np.bincount(place(codes, SIZES, wide), value, int(np.prod(shape))).reshape(shape)
    for n in (1, 2, 3, 4):
        for columns in combinations(wide, n):
            size = int(np.prod([SIZES[c] for c in columns]))
            alone = np.bincount(place(codes, SIZES, columns), value, size)
            assert np.allclose(along(table, wide, columns).ravel(), alone)
