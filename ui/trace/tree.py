"""Spans as a tree: depth, critical path, retries, and which rows are on view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


def nodes(heads: Sequence[Head]) -> list[Node]:
    """Every span once, parents before children, siblings by start. Cycles are cut."""
    known = {head["span_id"]: n for n, head in enumerate(heads)}
    inside: dict[int, list[int]] = {}
    roots = []
    for n, head in enumerate(heads):
        parent = known.get(head["parent_span_id"], n)
        if parent == n:
            roots.append(n)
        else:
            inside.setdefault(parent, []).append(n)
    order, seen = _walk(roots, inside, heads)
    for n in range(len(heads)):  # what no root leads to goes round in circles
        if n not in seen:
            more, _ = _walk([n], inside, heads, seen)
            order += more
    below, failed = [0] * len(heads), [0] * len(heads)
    for n, _ in reversed(order):
        parent = known.get(heads[n]["parent_span_id"], n)
        if parent != n:
            below[parent] += 1 + below[n]
            failed[parent] += failed[n] + (heads[n]["status"] == "ERROR")
    path = critical(roots, inside, heads)
    again = retries(inside, heads)
    return [
        Node(heads[n], depth, len(inside.get(n, ())), below[n], failed[n], n in path,
             again.get(n, 0),
             bool(heads[n]["parent_span_id"]) and heads[n]["parent_span_id"] not in known)
        for n, depth in order
    ]  # fmt: skip


def _walk(
    roots: Sequence[int], inside: Mapping[int, Sequence[int]], heads: Sequence[Head],
    seen: set[int] | None = None,
) -> tuple[list[tuple[int, int]], set[int]]:  # fmt: skip
    order: list[tuple[int, int]] = []
    seen = set() if seen is None else seen
    stack = [(n, 0) for n in sorted(roots, key=lambda n: heads[n]["start_ns"], reverse=True)]
    while stack:
        n, depth = stack.pop()
        if n in seen:
            continue
        seen.add(n)
        order.append((n, depth))
        later = sorted(inside.get(n, ()), key=lambda c: heads[c]["start_ns"], reverse=True)
        stack += [(c, depth + 1) for c in later]
    return order, seen


def critical(
    roots: Sequence[int], inside: Mapping[int, Sequence[int]], heads: Sequence[Head]
) -> set[int]:
    """The spans that the trace's end waited for: from the end of the span that ended last, the
    child that ended last, then the one that ended last before that began, and so on down (the
    walk of CRISP, Zhang et al., USENIX ATC 2022). A child that outlives its parent is not waited
    for, nor is what it did after its parent's end."""
    if not roots:
        return set()
    last = max(roots, key=lambda n: end(heads[n]))
    path = {last}
    stack = [(last, end(heads[last]))]
    while stack:
        n, until = stack.pop()
        at = until
        for child in sorted(inside.get(n, ()), key=lambda c: end(heads[c]), reverse=True):
            if end(heads[child]) <= at and child not in path:
                path.add(child)
                stack.append((child, end(heads[child])))
                at = heads[child]["start_ns"]
    return path


def retries(inside: Mapping[int, Sequence[int]], heads: Sequence[Head]) -> dict[int, int]:
    """Number of the try by span: a sibling of the same kind and name, begun after one failed."""
    found: dict[int, int] = {}
    for children in inside.values():
        tries: dict[tuple[str, str], tuple[int, bool]] = {}
        for n in sorted(children, key=lambda c: heads[c]["start_ns"]):
            name = (str(heads[n]["kind"]), str(heads[n]["name"]))
            count, failed = tries.get(name, (0, False))
            count = count + 1 if failed else 1
            if count > 1:
                found[n] = count
            tries[name] = (count, heads[n]["status"] == "ERROR")
    return found


def shown(tree: Sequence[Node], is_open: Callable[[Node], bool]) -> list[Node]:
    """The nodes all of whose ancestors are open."""
    rows, closed = [], None
    for node in tree:
        if closed is not None and node.depth > closed:
            continue
        closed = None if not node.children or is_open(node) else node.depth
        rows.append(node)
    return rows


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
