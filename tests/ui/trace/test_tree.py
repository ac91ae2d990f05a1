"""A trace's spans as a tree: order, critical path, tries, folding, and traces that are broken."""

from __future__ import annotations

from typing import Any

from ui.trace import tree


def _head(name: str, parent: str, start: int, end: int, status: str = "OK") -> dict[str, Any]:
    return {"span_id": name, "parent_span_id": parent, "start_ns": start,
            "duration_ns": end - start, "name": name[:4], "kind": "TOOL",
            "status": status}  # fmt: skip


HEADS = [
    _head("root", "", 0, 100),
    _head("find", "root", 0, 30),
    _head("side", "root", 5, 20),
    _head("call1", "root", 30, 50, "ERROR"),
    _head("call2", "root", 50, 95),
    _head("deep", "call2", 60, 90, "ERROR"),
]


def test_children_follow_their_parent_by_start() -> None:
    found = tree.nodes(list(reversed(HEADS)))
    assert [n.id for n in found] == ["root", "find", "side", "call1", "call2", "deep"]
    assert [n.depth for n in found] == [0, 1, 1, 1, 1, 2]
    assert (found[0].below, found[0].failed, found[4].failed) == (5, 2, 1)


def test_the_critical_path_is_what_the_end_waited_for() -> None:
    found = {n.id: n.critical for n in tree.nodes(HEADS)}
    assert [name for name, critical in found.items() if critical] == [
        "root", "find", "call1", "call2", "deep",
    ]  # fmt: skip


def test_a_child_that_outlives_its_parent_is_not_waited_for() -> None:
    found = tree.nodes([_head("root", "", 0, 10), _head("late", "root", 5, 50)])
    assert [n.critical for n in found] == [True, False]


def test_a_sibling_of_the_same_name_after_a_failure_is_another_try() -> None:
    assert {n.id: n.retry for n in tree.nodes(HEADS)}["call2"] == 2
    assert {n.id: n.retry for n in tree.nodes(HEADS)}["call1"] == 0


def test_spans_without_a_stored_parent_and_in_circles_are_all_there() -> None:
    heads = [_head("lost", "gone", 0, 1), _head("a", "b", 0, 1), _head("b", "a", 1, 2),
             _head("self", "self", 3, 4)]  # fmt: skip
    found = tree.nodes(heads)
    assert {n.id for n in found} == {"lost", "a", "b", "self"} and len(found) == 4
    assert {n.id for n in found if n.orphan} == {"lost"}


def test_what_is_below_a_closed_span_is_not_shown() -> None:
    found = tree.nodes(HEADS)
    shown = tree.shown(found, tree.opened(found, frozenset({"call2"})))
    assert [n.id for n in shown] == ["root", "find", "side", "call1", "call2"]
    assert tree.way(found, "deep") == ["root", "call2"]


def test_a_trace_of_30_000_spans_opens_folded() -> None:
    heads = [_head("root", "", 0, 10**6)]
    for n in range(15_000):
        heads += [_head(f"a{n}", "root", n, n + 9), _head(f"b{n}", f"a{n}", n, n + 5)]
    found = tree.nodes(heads)
    shown = tree.shown(found, tree.opened(found, frozenset()))
    assert (len(found), len(shown)) == (30_001, 15_001)
    shown = tree.shown(found, tree.opened(found, frozenset({"a7"})))
    assert len(shown) == 15_002


def test_a_trace_as_deep_as_it_is_long_is_walked() -> None:
    heads = [_head(f"s{n}", f"s{n - 1}", n, 10_000 - n) for n in range(5_000)]
    found = tree.nodes(heads)
    assert found[-1].depth == 4_999 and all(n.critical for n in found)


def test_a_node_is_found_where_it_is_shown() -> None:
    found = tree.nodes(HEADS)
    shown = tree.shown(found, tree.opened(found, frozenset({"call2"})))
    assert [shown.place(n.id) for n in shown] == list(range(len(shown)))
    assert (shown.place("deep"), shown.place("nobody")) == (-1, -1)
    assert [n.id for n in shown[1:3]] == ["find", "side"] and found.time() == (0, 100)
