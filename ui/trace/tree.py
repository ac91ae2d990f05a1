"""Spans as a tree: depth, critical path, retries, and which rows are on view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, overload

ALL_OPEN = 200  # spans of a trace that are shown unfolded at first
PAGE = 100  # rows of a page
Head = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Node:
    """A span in its place. `below` counts all spans under it and `failed` those of them with an
    error; `retry` is 2 for the second try of a call, 0 where there was one; `orphan`: it names a
    parent that is not stored."""

    head: Head
    depth: int
    children: int
    below: int
    failed: int
    critical: bool
    retry: int
    orphan: bool

    @property
    def id(self) -> str:
        return str(self.head["span_id"])


def end(head: Head) -> int:
    return int(head["start_ns"]) + int(head["duration_ns"])


@dataclass(frozen=True, slots=True)
class Grown:
    """What is known of each span, by its place among the heads."""

    heads: Sequence[Head]
    depth: Sequence[int]
    inside: Mapping[int, Sequence[int]]
    below: Sequence[int]
    failed: Sequence[int]
    path: AbstractSet[int]
    again: Mapping[int, int]
    known: Mapping[str, int]


class Tree(Sequence[Node]):
    """Spans in the order of a tree, or some of them. A node is made when it is looked at: of
    30,000 spans a page shows 100."""

    __slots__ = ("grown", "places")

    def __init__(self, grown: Grown, places: Sequence[int]) -> None:
        self.grown, self.places = grown, places

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, at: int) -> Node: ...
    @overload
    def __getitem__(self, at: slice) -> Tree: ...
    def __getitem__(self, at: int | slice) -> Node | Tree:
        if isinstance(at, slice):
            return Tree(self.grown, self.places[at])
        n, of = self.places[at], self.grown
        parent = of.heads[n]["parent_span_id"]
        return Node(
            of.heads[n], of.depth[n], len(of.inside.get(n, ())), of.below[n], of.failed[n],
            n in of.path, of.again.get(n, 0), bool(parent) and parent not in of.known,
        )  # fmt: skip

    def place(self, span_id: str) -> int:
        """Where a span stands in it, -1 where it does not."""
        n = self.grown.known.get(span_id, -1)
        return self.places.index(n) if n in self.places else -1

    def time(self) -> tuple[int, int]:
        """(first start, time to the last end, at least 1) of the whole trace in ns."""
        start = min(head["start_ns"] for head in self.grown.heads)
        return start, max(1, max(map(end, self.grown.heads)) - start)


def nodes(heads: Sequence[Head]) -> Tree:
    """Every span once, parents before children, siblings by start. Cycles are cut."""
    known = {head["span_id"]: n for n, head in enumerate(heads)}
    above = [known.get(head["parent_span_id"], n) for n, head in enumerate(heads)]
    starts = [head["start_ns"] for head in heads]
    inside: dict[int, list[int]] = {}
    roots = []
    for n, parent in enumerate(above):
        if parent == n:
            roots.append(n)
        else:
            inside.setdefault(parent, []).append(n)
    depth = [-1] * len(heads)
    order = _walk(roots, inside, starts, depth)
    if len(order) < len(heads):
        for n in range(len(heads)):  # what no root leads to goes round in circles
            if depth[n] < 0:
                order += _walk([n], inside, starts, depth)
    wrong = [head["status"] == "ERROR" for head in heads]
    below, failed = [0] * len(heads), [0] * len(heads)
    for n in reversed(order):
        parent = above[n]
        if parent != n:
            below[parent] += 1 + below[n]
            failed[parent] += failed[n] + wrong[n]
    grown = Grown(
        heads, depth, inside, below, failed, critical(roots, inside, heads),
        retries(inside, heads) if any(wrong) else {}, known,
    )  # fmt: skip
    return Tree(grown, order)


def _walk(
    roots: Sequence[int], inside: Mapping[int, Sequence[int]], starts: Sequence[int],
    depth: list[int],
) -> list[int]:  # fmt: skip
    """The spans that roots lead to and that have no depth yet, in order; they get theirs."""
    order = []
    start = starts.__getitem__
    stack = [(n, 0) for n in sorted(roots, key=start, reverse=True)]
    while stack:
        n, deep = stack.pop()
        if depth[n] >= 0:
            continue
        depth[n] = deep
        order.append(n)
        if n in inside:
            stack += [(c, deep + 1) for c in sorted(inside[n], key=start, reverse=True)]
    return order


def critical(
    roots: Sequence[int], inside: Mapping[int, Sequence[int]], heads: Sequence[Head]
) -> set[int]:
    """The spans that the trace's end waited for: from the end of the span that ended last, the
    child that ended last, then the one that ended last before that began, and so on down (the
    walk of CRISP, Zhang et al., USENIX ATC 2022). A child that outlives its parent is not waited
    for, nor is what it did after its parent's end."""
    if not roots:
        return set()
    ends = list(map(end, heads))
    last = max(roots, key=ends.__getitem__)
    path = {last}
    stack = [(last, ends[last])]
    while stack:
        n, at = stack.pop()
        for child in sorted(inside.get(n, ()), key=ends.__getitem__, reverse=True):
            if ends[child] <= at and child not in path:
                path.add(child)
                stack.append((child, ends[child]))
                at = heads[child]["start_ns"]
    return path


def retries(inside: Mapping[int, Sequence[int]], heads: Sequence[Head]) -> dict[int, int]:
    """Number of the try by span: a sibling of the same kind and name, begun after one failed."""
    found: dict[int, int] = {}
    for children in inside.values():
        if len(children) == 1:
            continue
        tries: dict[tuple[str, str], tuple[int, bool]] = {}
        for n in sorted(children, key=lambda c: heads[c]["start_ns"]):
            head = heads[n]
            name = (head["kind"], head["name"])
            count, failed = tries.get(name, (0, False))
            count = count + 1 if failed else 1
            if count > 1:
                found[n] = count
            tries[name] = (count, head["status"] == "ERROR")
    return found


def shown(tree: Tree, is_open: Callable[[Node], bool]) -> Tree:
    """The nodes all of whose ancestors are open."""
    rows: list[int] = []
    closed = len(tree)  # deeper than any
    depth, inside = tree.grown.depth, tree.grown.inside
    for at, n in enumerate(tree.places):
        if depth[n] > closed:
            continue
        closed = len(tree) if n not in inside or is_open(tree[at]) else depth[n]
        rows.append(n)
    return Tree(tree.grown, rows)


def opened(tree: Sequence[Node], toggled: frozenset[str]) -> Callable[[Node], bool]:
    """Which nodes are open: all of a small trace, of a large one the roots; but for `toggled`."""
    small = len(tree) <= ALL_OPEN

    def is_open(node: Node) -> bool:
        return (small or node.depth == 0) != (node.id in toggled)

    return is_open


def way(tree: Sequence[Node], span_id: str) -> list[str]:
    """Ids of the ancestors of a span, the root first; [] where it is not there."""
    above: list[Node] = []
    for node in tree:
        del above[node.depth :]
        if node.id == span_id:
            return [each.id for each in above]
        above.append(node)
    return []
