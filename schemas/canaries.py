"""When canary sets are scored again, and which shift is worth a word: plain checked data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CanaryPolicy:
    """`every`: hours between runs; `margin`: points of the mean that a shift must exceed to be
    drift; `enabled`: whether the worker runs it by itself."""

    every: float = 24.0
    margin: float = 0.02
    enabled: bool = True


def checked(given: Mapping[str, Any], place: str) -> CanaryPolicy:
    """Raises ValueError that names `place`."""
    known = list(CanaryPolicy.__dataclass_fields__)
    for name in given:
        if name not in known:
            raise ValueError(f"{place}.{name} is not known; there are: {', '.join(known)}")
    made = dict(given)
    for name, low, high in (("every", 0.25, 720), ("margin", 0, 1)):
        value = given.get(name, low)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not (low <= value <= high)
        ):
            raise ValueError(f"{place}.{name}: {value!r} must be a number from {low} to {high}")
        if name in given:
            made[name] = float(value)
    if not isinstance(given.get("enabled", True), bool):
        raise ValueError(f"{place}.enabled: {given['enabled']!r} must be true or false")
    return CanaryPolicy(**made)
