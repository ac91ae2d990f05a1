"""Rows of a measure, counted by attribute combination (a leaf) and block of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitors.windows import Bools, Floats, Integers

BINS = 8
_TEXTS = {str, np.str_, type(None)}  # which Arrow takes as they are, at the speed of C
WIDEST = 2**62  # of keys that are made of several codes
MISSING = "(none)"  # a number that is not there
DISTINCT = 20  # numeric columns with more values than this are cut into BINS quantiles


class LeavesError(ValueError):
    """The rows cannot be searched; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Leaves:
    """`total` and `weight` (rows,) are sums of the measure and of its denominator for one leaf in
    one block; the measure of any group is sum(total) / sum(weight). `codes` (leaves, columns) index
    `values`, the names of each column's values."""

    columns: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: Integers
    leaf: Integers
    block: Integers
    total: Floats
    weight: Floats

    @property
    def blocks(self) -> int:
        return int(self.block.max()) + 1 if len(self.block) else 0

    def sums(self, chosen: Bools) -> tuple[Floats, Floats]:
        """(total, weight) per leaf over the chosen blocks (blocks,)."""
        rows, n = chosen[self.block], len(self.codes)
        return (
            np.bincount(self.leaf[rows], self.total[rows], n).astype(np.float64),
            np.bincount(self.leaf[rows], self.weight[rows], n).astype(np.float64),
        )


@dataclass(frozen=True, slots=True)
class Coded:
    """A column as `codes` (rows,) that index `names`."""

    names: tuple[str, ...]
    codes: Integers


def binned(array: Floats) -> Coded:
    """Numbers with many values cut at their quantiles; few are names of their own."""
    lost = ~np.isfinite(array)
    there = array[~lost]
    if len(pa.array(there).dictionary_encode().dictionary) > DISTINCT:
        edges = np.unique(np.quantile(there, np.linspace(0, 1, BINS + 1)))
        codes = np.searchsorted(edges, there, side="right") - 1
        codes = np.clip(codes, 0, len(edges) - 2)
        names = [f"[{a:g}, {b:g})" for a, b in pairwise(edges)]
        names[-1] = names[-1][:-1] + "]"
    else:
        found, codes = np.unique(there, return_inverse=True)
        names = list(map(str, found))
    held = np.full(len(array), len(names), np.int64)
    held[~lost] = codes
    return Coded((*names, MISSING) if lost.any() else tuple(names), held)


def identifier(name: str, values: int, rows: int) -> LeavesError:
    return LeavesError(
        f"column {name!r} has {values} values in {rows} rows: an identifier, no segment; leave it"
        " out of --dimensions"
    )


def _coded(name: str, column: Sequence[object] | Coded) -> Coded:
    if isinstance(column, Coded):
        return column
    array = np.asarray(column)
    if array.dtype.kind in "iuf":
        return binned(array)
    known, codes = _texts(column)
    if len(known) > max(DISTINCT, len(column) // 2):
        raise identifier(name, len(known), len(column))
    return Coded(known, codes)


def _texts(column: Sequence[object]) -> tuple[tuple[str, ...], Integers]:
    """(names in the order of their first row, code per row); None is ""."""
    if not set(map(type, column)) <= _TEXTS:
        column = ["" if v is None else str(v) for v in column]
    given = pa.array(column, pa.string())
    if isinstance(given, pa.ChunkedArray):  # what numpy's long texts become
        given = given.combine_chunks()
    coded = pc.fill_null(given, "").dictionary_encode()
    return tuple(coded.dictionary.to_pylist()), coded.indices.to_numpy().astype(np.int64)


def packed(codes: Integers) -> Integers:
    """One integer per row of (rows, columns) of codes: equal rows get equal, dense numbers."""
    key, size = np.zeros(len(codes), np.int64), 1
    for column in codes.T:
        wide = int(column.max(initial=0)) + 1
        if size > WIDEST // wide:
            key, size = _dense(key)
        key, size = key * wide + column, size * wide
    if size > 4 * len(key) + 1024:
        return _dense(key)[0]
    seen = np.zeros(size, bool)
    seen[key] = True
    return (np.cumsum(seen) - 1)[key]


def _dense(key: Integers) -> tuple[Integers, int]:
    """(numbers from 0 in the order of first rows, how many): by hashing, which sorts nothing."""
    coded = pa.array(key).dictionary_encode()
    return coded.indices.to_numpy().astype(np.int64), len(coded.dictionary)


def leaves(
    dimensions: Mapping[str, Sequence[object] | Coded], block: Integers, total: Floats,
    weight: Floats,
) -> Leaves:  # fmt: skip
    """Rows added up by leaf and block. Raises LeavesError where nothing could be searched."""
    if not dimensions:
        raise LeavesError("no dimension is named: say which columns to search, --dimensions a,b")
    coded = [_coded(name, column) for name, column in dimensions.items()]
    given = np.stack([c.codes for c in coded])
    leaf = packed(given.T)
    first = _first(leaf)
    cell = packed(np.stack([leaf, block]).T)
    at = _first(cell)
    codes = given[:, first].T
    return Leaves(
        tuple(dimensions), tuple(c.names for c in coded), codes, leaf[at], block[at],
        np.bincount(cell, total).astype(np.float64), np.bincount(cell, weight).astype(np.float64),
    )  # fmt: skip


def _first(dense: Integers) -> Integers:
    """The first row of each dense number."""
    found = np.empty(int(dense.max(initial=-1)) + 1, np.int64)
    found[dense[::-1]] = np.arange(len(dense) - 1, -1, -1)
    return found
