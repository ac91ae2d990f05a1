"""SELECTs of SELECTs that name only what is asked for.

An engine looks at every expression of a query, also at those that nobody reads in the end, and for
a period of some hours that costs more than reading the rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

Layer = Mapping[str, str]  # name -> its expression over names of this layer and the one below


@lru_cache(4096)
def names(sql: str) -> frozenset[str]:
    """The words of an expression, among them the columns that it reads."""
    return frozenset(re.findall(r"[a-z_]\w*", sql))


def needed(wanted: Iterable[str] | None, keys: Iterable[str], *layers: Layer) -> list[str]:
    """Of each layer, the outermost first, the columns of a SELECT: those that `wanted` (None: all)
    and the layers above name, and the `keys` that layers are grouped by."""
    found = []
    known = {*keys, *(layers[0] if wanted is None else wanted)}
    for layer in layers:
        kept: set[str] = set()
        while more := (known & layer.keys()) - kept:
            kept |= more
            known |= {word for name in more for word in names(layer[name])}
        found.append(", ".join(
            sql if sql == name else f"{sql} AS {name}" for name, sql in layer.items()
            if name in kept
        ))  # fmt: skip
    return found


def halves(time: str, cut: int) -> tuple[dict[str, str], dict[str, str], tuple[str, ...]]:
    """(in the innermost layer, in those above it, among the keys): `late`, whether a time is from a
    moment on (ns); nothing for 0."""
    if not cut:
        return {}, {}, ()
    return {"late": f"{time} >= fromUnixTimestamp64Nano({int(cut)})"}, {"late": "late"}, ("late",)
