"""A mean over items as the ratio of two sums over independent units, such as sessions."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan, sqrt
from typing import Any

from schemas.estimates.shares import Z


def ratio(sums: Mapping[str, Any], units: int, groups: int = 0) -> tuple[float, float]:
    """(mean, half of its 95% interval, NaN for one unit) from sums over units, of which each has
    the weight of its items, w, and their values by weight, v: the sums of w, v, w * w (ww), v * w
    (vw), v * v (vv). By the delta method; where all items say 0, or all say 1, by the rule of three
    (Hanley 1983). `groups`: how many groups of units the sums are over, where they are over groups:
    one group tells no interval, however many units it holds."""
    w, v, ww, vw, vv = (float(sums[name]) for name in ("w", "v", "ww", "vw", "vv"))
    mean = v / w
    over = vv - 2 * mean * vw + mean * mean * ww
    # Where all units say the same, what is left of the difference is rounding.
    if over < 1e-12 * max(1.0, vv):
        over, mean = 0.0, round(mean, 12)
    if over == 0 and mean in (0.0, 1.0) and units > 1:
        return mean, min(1.0, 3 / units)
    free = (groups or units) - 1
    return mean, Z * sqrt(over * (free + 1) / free) / w if free else nan
