"""OTLP exponential histograms as explicit ones, so that readers know one kind of histogram.

OpenTelemetry metrics data model, section ExponentialHistogram: with base = 2^(2^-scale), bucket i
holds the values in (base^i, base^(i+1)]; negative values by their size; and one bucket about 0.
"""

from __future__ import annotations

import math
import sys
from typing import Any

MOST_BUCKETS = 10_000  # SDKs make 160; a request of 64 MiB could hold millions


def _edges(scale: int, buckets: Any) -> list[float]:
    """Edges of n buckets, n + 1 rising sizes; beyond a float's range its largest, or 0."""
    if not buckets.bucket_counts:
        return []

    def power(index: int) -> float:
        exponent = math.ldexp(index, -scale)
        return sys.float_info.max if exponent >= 1024 else 2.0**exponent

    return [power(buckets.offset + i) for i in range(len(buckets.bucket_counts) + 1)]


def explicit(point: Any) -> tuple[list[float], list[int]]:
    """Bounds and one count more of an ExponentialHistogramDataPoint. A value that equals a bound
    counts below it; among negative values, above it."""
    above, below = (_edges(point.scale, side) for side in (point.positive, point.negative))
    bounds = [-edge for edge in reversed(below)] + above
    counts = [0, *reversed(point.negative.bucket_counts)] if below else []
    counts += [point.zero_count, *point.positive.bucket_counts]
    return bounds, counts + [0] * bool(above)


def fault(point: Any) -> str:
    """Why a point cannot be stored, "" where it can."""
    if not -40 <= point.scale <= 40:
        return "the scale of an exponential histogram must be within -40 and 40"
    if len(point.positive.bucket_counts) + len(point.negative.bucket_counts) > MOST_BUCKETS:
        return f"a histogram has {MOST_BUCKETS} buckets at most"
    return ""
