"""The evaluator contract: samples in, one typed result per sample out, never a silent 0."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas.models import Sample


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls of a paid judge took. `requests` counts retries too; `failed` are questions that
    brought no verdict, `unpriced` answers whose price nobody knows (cost_usd leaves them out)."""

    requests: int = 0
    retries: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, n) + getattr(other, n) for n in self.__dataclass_fields__))


@dataclass(frozen=True, slots=True)
class Result:
    """One verdict: `value` in [0, 1] when status is 'scored', NaN otherwise; `reason` says why.
    `model`: the one that answered, where a backend names it; `usage`: what asking it took."""

    status: str  # scored | unscored | error
    value: float
    reason: str = ""
    explanation: str = ""
    model: str = ""
    usage: Usage | None = None


class Evaluator(Protocol):
    """Scores a batch. Same input and same `version` give the same score, so a version names the
    exact weights, prompt and model. `needs` lists the Sample fields that must not be empty. With an
    attribute `on_demand` that is true the worker runs it only where assay.yaml names it."""

    name: str
    version: str
    level: str
    model: str  # the model that judged, '' where none did
    probability: float  # share of what is judged, picked by a salted hash of its id

    @property
    def needs(self) -> tuple[str, ...]: ...

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        """One result per sample, in order. A raised exception fails the whole batch as 'error'."""


class TextEmbedder(Protocol):
    """Texts to unit vectors, one row per text."""

    name: str

    def embed(self, texts: Sequence[str]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Resources:
    """What evaluator factories share: the embedder with its cache, and `shared`, where one that
    makes something large leaves it for the others. `options` are the settings of the one that is
    made, from assay.yaml or `assay eval --option`."""

    embedder: TextEmbedder
    options: Mapping[str, Any] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)


def scored(value: float, explanation: str = "") -> Result:
    """A verdict, clipped to [0, 1]. A value that is not finite is an error, never a 0."""
    if not math.isfinite(value):
        return Result("error", math.nan, "not_finite")
    return Result("scored", min(1.0, max(0.0, value)), "", explanation)


def unscored(reason: str) -> Result:
    return Result("unscored", math.nan, reason)


def failed(reason: str) -> Result:
    return Result("error", math.nan, reason)


def version_of(spec: Mapping[str, Any]) -> str:
    """12 hex digits that name a spec (weights, prompt, model): another spec, another version."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:12]


def sampled(key: str, probability: float, salt: str = "") -> bool:
    """Whether an item is in the sample: a salted hash of its id, so every worker decides alike, and
    no client that samples by the bits of its trace ids decides with it."""
    draw = int.from_bytes(hashlib.sha256(f"{salt}\0{key}".encode()).digest()[:8], "big")
    return draw < probability * 2.0**64


def missing(sample: Sample, needs: Sequence[str]) -> str:
    """The first needed field that is empty, as a reason ('no answer'), or ''."""
    for name in needs:
        value = getattr(sample, name)
        parts = (value,) if isinstance(value, str) else tuple(value)
        if not any(part.strip() if isinstance(part, str) else True for part in parts):
            return f"no {name}"
    return ""


def judge(evaluator: Evaluator, samples: Sequence[Sample]) -> list[Result]:
    """Results for all samples: one that lacks a field costs nothing, and an exception becomes
    'error' with its reason for those that were being judged."""
    reasons = [missing(sample, evaluator.needs) for sample in samples]
    todo = [sample for sample, reason in zip(samples, reasons, strict=True) if not reason]
    try:
        made = evaluator.evaluate(todo) if todo else []
        if len(made) != len(todo):
            raise ValueError(f"{len(made)} results for {len(todo)} samples")
    except Exception as error:
        # Any plug-in may fail in any way; the item keeps a typed failure instead of a number.
        made = [failed(f"{type(error).__name__}: {error}"[:300])] * len(todo)
    left = iter(made)
    return [unscored(reason) if reason else next(left) for reason in reasons]
