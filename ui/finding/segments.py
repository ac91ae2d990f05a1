"""Segments as people and as searches read them, and the candidates of a finding as a tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from schemas.filters import TEXTS, Condition, Query
from ui.plain import visible


def name(segment: Mapping[str, str]) -> str:
    return " and ".join(f"{k}={v}" for k, v in segment.items()) or "all traffic"


def search(segment: Mapping[str, str], *more: Condition) -> str:
    """The search that lists the traces of a segment."""
    mine = [Condition(k, "=", str(v)) for k, v in segment.items() if k in TEXTS]
    return str(Query("", (*mine, *more)))


def candidates(
    found: Sequence[Mapping[str, Any]], link: Callable[[str], str] = str
) -> pd.DataFrame:
    """Candidates with each one below the widest one that holds it, marked by its depth; `link`
    makes an address of the search for a segment's traces."""
    order: list[tuple[int, Mapping[str, Any]]] = []
    wide = sorted(found, key=lambda c: len(c["segment"]))

    def add(one: Mapping[str, Any], depth: int) -> None:
        if any(each is one for _, each in order):
            return
        order.append((depth, one))
        for other in wide:
            if one["segment"].items() < other["segment"].items():
                add(other, depth + 1)

    for one in wide:
        add(one, 0)
    return pd.DataFrame(
        {
            "segment": "    " * depth + ("└ " if depth else "") + visible(name(c["segment"]), 200),
            "effect": f"{c['effect']:+.3f}",
            "95% interval": f"{c['effect_low']:+.3f} to {c['effect_high']:+.3f}",
            "share of the change": f"{c['share']:.0%}" if c.get("share") else "",
            "sessions": c["n"],
            "traces": link(search(c["segment"])),
        }
        for depth, c in order
    )
