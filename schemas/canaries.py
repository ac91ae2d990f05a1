"""Canary sets: their rows and runs as stored, and when they are scored again as checked data."""

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


@dataclass(frozen=True, slots=True)
class CanaryRow:
    """A row of an evaluator's canary set: `row` is JSON as `assay eval` reads it, `label` what
    people say of it (NaN for nothing)."""

    evaluator: str
    set_id: str
    item: str
    row: str
    label: float
    put_at: int


@dataclass(frozen=True, slots=True)
class CanaryScoreRow:
    """What a run made of one row of a set."""

    evaluator: str
    evaluator_version: str
    set_id: str
    run_id: str
    item: str
    status: str
    value: float
    reason: str
    judge_model: str
    ran_at: int


@dataclass(frozen=True, slots=True)
class CanaryRunRow:
    """A run over a set, compared with the repeats (verdict 'null') before it; `models` as JSON."""

    evaluator: str
    evaluator_version: str
    set_id: str
    run_id: str
    verdict: str  # null | good | changed | drifted | failed
    items: int
    errors: int
    mean: float
    shift: float
    low: float
    high: float
    detectable: float
    models: str
    ran_at: int


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
