"""Reliability diagrams, one per set, as an SVG: of the answers scored near p, how many hold?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
SIDE = 180  # pixels of a diagram
GAP = 46
COLUMNS = 4
LEVELS = (0.0, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Curve:
    """Per bin of equal mass: the mean score, the share supported, and its 95% interval."""

    title: str
    points: tuple[tuple[float, float, float, float], ...]


def wilson(share: float, n: int) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927)."""
    z = 1.96
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def curve(name: str, y: NDArray[np.int64], p: NDArray[np.float64]) -> Curve:
    """BINS bins of equal mass. The interval treats rows as independent."""
    points = []
    for cell in np.array_split(np.argsort(p, kind="stable"), BINS):
        share = float(y[cell].mean())
        points.append((float(p[cell].mean()), share, *wilson(share, len(cell))))
    return Curve(f"{name} (n={len(y)}, {y.mean():.0%} supported)", tuple(points))


def drawn(curves: Sequence[Curve]) -> str:
    """The SVG: score to the right, share supported upwards, the diagonal is perfect."""
    step = SIDE + GAP
    rows = -(-len(curves) // COLUMNS)
    width, height = COLUMNS * step + GAP, rows * (step + 16) + GAP
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for number, one in enumerate(curves):
        left = GAP + number % COLUMNS * step
        bottom = number // COLUMNS * (step + 16) + GAP + SIDE
        out += _panel(one, left, bottom)
    return "\n".join([*out, "</svg>"]) + "\n"


def _panel(one: Curve, left: int, bottom: int) -> list[str]:
    def x(value: float) -> float:
        return round(left + SIDE * value, 1)

    def y(value: float) -> float:
        return round(bottom - SIDE * value, 1)

    line = " ".join(f"{x(p)},{y(share)}" for p, share, _, _ in one.points)
    out = [
        f'<text x="{left}" y="{bottom - SIDE - 8}">{one.title}</text>',
        f'<rect x="{left}" y="{y(1)}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>',
        f'<path d="M{x(0)} {y(0)}L{x(1)} {y(1)}" stroke="#999" stroke-dasharray="3"/>',
        f'<polyline points="{line}" fill="none" stroke="#1f5fa8" stroke-width="1.5"/>',
    ]
    for p, share, low, high in one.points:
        out.append(f'<path d="M{x(p)} {y(low)}L{x(p)} {y(high)}" stroke="#1f5fa8"/>')
        out.append(f'<circle cx="{x(p)}" cy="{y(share)}" r="2.5" fill="#1f5fa8"/>')
    for level in LEVELS:
        out.append(f'<text x="{x(level) - 6}" y="{bottom + 14}">{level:g}</text>')
        out.append(f'<text x="{left - 22}" y="{y(level) + 4}">{level:g}</text>')
    return out
