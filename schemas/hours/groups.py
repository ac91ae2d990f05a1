"""Sessions in groups by their hash: what the intervals of large periods are made of.

A session may lie in several hours, so what an interval needs, the square of a session's sum, does
not add up over hours. Sums over groups of whole sessions do: a session is in the same group in
every hour. The groups are then the units of the interval (random groups: Wolter, Introduction to
Variance Estimation, 2007, chapter 2): as true as with the sessions themselves, of which each group
holds one or a few, and with 512 of them its width is off by 3% (one standard deviation) at most. A
trace without a session is a unit of its own.
"""

from __future__ import annotations

GROUPS = 512
# Sessions are counted by HyperLogLog: to about 1%, a few hundred exactly.
COUNT, JOINED = "uniqCombinedMerge(14)", "uniqCombinedMergeState(14)"
STATE, STATE_IF = "uniqCombinedState(14)", "uniqCombinedStateIf(14)"


def group(unit: str) -> str:
    """The group of a unit's hash."""
    return f"toUInt16({unit} % {GROUPS})"


def dense(value: str, where: str = "1") -> str:
    """Of rows under a condition that each have their group as `g`, the array by group."""
    return f"groupArrayInsertAtIf(0.0)(toFloat64({value}), toUInt32(g), {where})"


def flags(value: str, where: str = "1") -> str:
    """The same of what is true or not."""
    return f"groupArrayInsertAtIf(0)(toUInt8({value}), toUInt32(g), {where})"


def moments(weight: str, value: str) -> dict[str, str]:
    """Name -> expression of how many groups there are, and of sums over them, of two columns with
    such arrays: w and v, and of their products ww, vw and vv."""
    a, b = f"sumForEach({weight})", f"sumForEach({value})"
    return {
        "groups": f"arrayCount(x -> x > 0, {a})",
        "w": f"arraySum({a})", "v": f"arraySum({b})", "ww": f"arraySum(x -> x * x, {a})",
        "vw": f"arraySum((x, y) -> x * y, {a}, {b})", "vv": f"arraySum(y -> y * y, {b})",
    }  # fmt: skip
