"""How much a project may send: plain checked data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class QuotaPolicy:
    """Items (spans, log records, metric points) and MiB of OTLP that a project may send a minute,
    over all collectors of one ASSAY_HOME; 0 for no limit."""

    items_per_minute: float = 0.0
    mib_per_minute: float = 0.0

    @property
    def limits(self) -> tuple[float, float]:
        """Items and bytes a second."""
        return self.items_per_minute / 60, self.mib_per_minute * 2**20 / 60


def checked(value: Any, place: str) -> float:
    """Raises ValueError that names `place`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ValueError(f"{place}: {value!r} must be a number, 0 for no limit")
    return float(value)
