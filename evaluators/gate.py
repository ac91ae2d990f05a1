"""A gate on a mean score: pass, fail, or not enough evidence to say."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from evaluators.base import Result

Z = 1.959964  # two-sided 95%
FEWEST = 20  # effective rows; below, an interval for a mean says nothing worth a build
PASSED, FAILED, INCONCLUSIVE = 0, 1, 2


@dataclass(slots=True)
class Gate:
    """Collects results. Rows of one cluster (a session, a group) are not independent."""

    values: list[float] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result, cluster: str = "") -> None:
        """Take one result; without a name it is its own cluster."""
        self.statuses[result.status] += 1
        if result.status == "scored":
            self.values.append(result.value)
            self.clusters.append(cluster or f"\0{len(self.values)}")

    def effective(self) -> float:
        """Rows that carry as much as the clusters do: n over the design effect, at most n."""
        n = len(self.values)
        sums: defaultdict[str, float] = defaultdict(float)
        mean = sum(self.values) / n if n else 0.0
        for value, cluster in zip(self.values, self.clusters, strict=True):
            sums[cluster] += value - mean
        alone = sum((value - mean) ** 2 for value in self.values)
        if len(sums) == n:
            return float(n)
        if len(sums) == 1 or alone <= 0:
            return float(len(sums))
        together = sum(s * s for s in sums.values()) * len(sums) / (len(sums) - 1)
        return max(1.0, min(n, n * alone * n / ((n - 1) * together) if together > 0 else n))

    def interval(self) -> tuple[float, float, float]:
        """Mean with a 95% interval. Wilson's, which for values in [0, 1] is never too narrow by
        their variance; a row that ended in an error counts as 0 below and as 1 above."""
        if not self.values:
            return math.nan, 0.0, 1.0
        mean = sum(self.values) / len(self.values)
        lost = self.statuses["error"] / (self.statuses["error"] + len(self.values))
        n = self.effective()
        return mean, _bound(mean * (1 - lost), n, -1), _bound(mean * (1 - lost) + lost, n, 1)

    def summary(self, name: str, version: str) -> str:
        """One line for people: the mean, its interval, and what was not scored."""
        mean, low, high = self.interval()
        count = {s: self.statuses[s] for s in ("scored", "unscored", "error")}
        said = ", ".join(f"{n} {status}" for status, n in count.items())
        if not self.values:
            return f"{name} {version}: no mean; {said}"
        return f"{name} {version}: mean {mean:.3f} (95%: {low:.3f} to {high:.3f}); {said}"


def _bound(mean: float, n: float, side: int) -> float:
    centre = mean + Z * Z / (2 * n)
    reach = Z * math.sqrt(max(0.0, mean * (1 - mean)) / n + Z * Z / (4 * n * n))
    return min(1.0, max(0.0, (centre + side * reach) / (1 + Z * Z / n)))


def decide(gate: Gate, threshold: float) -> tuple[int, str]:
    """PASSED where the whole interval is at or above the threshold, FAILED where it is below."""
    _, low, high = gate.interval()
    n = gate.effective()
    if n < FEWEST:
        return INCONCLUSIVE, f"inconclusive: {n:.0f} independent rows, at least {FEWEST} are needed"
    if low >= threshold:
        return PASSED, f"passed: the lower bound {low:.3f} is not under {threshold}"
    if high < threshold:
        return FAILED, f"failed: the upper bound {high:.3f} is under {threshold}"
    return INCONCLUSIVE, f"inconclusive: {threshold} lies between {low:.3f} and {high:.3f}"
