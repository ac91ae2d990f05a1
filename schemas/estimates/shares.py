"""Shares: intervals of one and of a difference of two."""

from __future__ import annotations

from math import sqrt

Z = 1.959964  # 95%


def wilson(share: float, n: int) -> tuple[float, float]:
    """95% interval of a share of `n` (Wilson 1927); (0, 1) without anything."""
    if not n:
        return 0.0, 1.0
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def difference(new: float, n_new: int, old: float, n_old: int) -> tuple[float, float]:
    """95% interval of new - old (Newcombe 1998, method 10: from Wilson's intervals)."""
    low_new, high_new = wilson(new, n_new)
    low_old, high_old = wilson(old, n_old)
    down = sqrt((new - low_new) ** 2 + (high_old - old) ** 2)
    up = sqrt((high_new - new) ** 2 + (old - low_old) ** 2)
    return new - old - down, new - old + up
