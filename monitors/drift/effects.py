"""Effect sizes between two windows; none depends on how many rows there are, bar noise."""

from __future__ import annotations

import numpy as np

from monitors.windows import Floats

BINS = 10
FLOOR = 1e-4  # share of an empty bin in the PSI, as is usual


def cohens_d(reference: Floats, current: Floats) -> float:
    """Difference of means (current less reference) over the pooled standard deviation."""
    n, m = len(reference), len(current)
    pooled = ((n - 1) * reference.var(ddof=1) + (m - 1) * current.var(ddof=1)) / (n + m - 2)
    gap = float(current.mean() - reference.mean())
    return gap / float(np.sqrt(pooled)) if pooled > 0 else (0.0 if gap == 0 else float("inf"))


def wasserstein(reference: Floats, current: Floats) -> float:
    """Wasserstein-1 distance in the reference's standard deviations (plain where that is 0)."""
    from scipy.stats import wasserstein_distance

    wide = float(reference.std())
    return float(wasserstein_distance(reference, current)) / (wide or 1.0)


def shares(reference: Floats, current: Floats) -> tuple[Floats, Floats]:
    """Shares per bin: codes as they are if whole and few, else deciles of the reference."""
    both = np.concatenate([reference, current])
    known = np.unique(both)
    if len(known) <= 2 * BINS:
        edges = np.append(known, known[-1] + 1)
    else:
        edges = np.unique(np.quantile(reference, np.linspace(0, 1, BINS + 1)))
        edges[0], edges[-1] = -np.inf, np.inf
    a, b = np.histogram(reference, edges)[0], np.histogram(current, edges)[0]
    return a / max(a.sum(), 1), b / max(b.sum(), 1)


def psi(reference: Floats, current: Floats) -> float:
    """Population stability index over `shares`."""
    p, q = (np.maximum(s, FLOOR) for s in shares(reference, current))
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(p: Floats, q: Floats) -> float:
    """Jensen-Shannon divergence of two vectors of shares, in bits: 0 to 1."""
    middle = (p + q) / 2

    def against(x: Floats) -> float:
        held = x > 0
        return float((x[held] * np.log2(x[held] / middle[held])).sum())

    return max((against(p) + against(q)) / 2, 0.0)
