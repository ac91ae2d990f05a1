"""Alert rules as plain checked data: what `rules` in assay.yaml may say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.alerting import checked as checked_alert
from schemas.alerting import seconds

TRAFFIC = ("traces", "error_rate", "latency_p50", "latency_p95", "latency_p99", "cost",
           "cost_per_user", "tokens")  # fmt: skip
SCORES = ("score", "evaluator_errors")  # with the name of an evaluator behind a colon
SPOOL = ("spool_used", "spool_segments")  # of the collector, and of no project
SHARES = ("error_rate", "evaluator_errors")  # of which a budget can burn
_CONDITIONS = ("above", "below", "rise", "drop", "burn")


@dataclass(frozen=True, slots=True)
class RulePolicy:
    """`metric` (those of SPOOL: as it is now) over the last `window` seconds against one condition.

    `above`, `below`: a limit. `rise`, `drop`: relative change against the same window a week
    before (0.3 is 30%). `burn`: (window in seconds, factor) pairs; the share of errors is more
    than factor times `budget` over the window and over its last twelfth. It fires when that holds
    for `hold` seconds, and is over when the value has been beyond `clear` (without it: back
    within the limit) for `clear_hold` seconds. Ratios of fewer than `at_least` traces are unknown.
    """

    metric: str
    above: float | None = None
    below: float | None = None
    rise: float | None = None
    drop: float | None = None
    burn: tuple[tuple[int, float], ...] = ()
    budget: float = 0.01
    clear: float | None = None
    window: int = 900
    hold: int = 0
    clear_hold: int = 300
    at_least: int = 20
    projects: tuple[str, ...] = ()
    severity: str = "warning"
    owner: str = ""
    runbook: str = ""


def _number(value: Any, place: str) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good:
        raise ValueError(f"{place}: {value!r} must be a number")
    return float(value)


def _metric(value: Any, place: str) -> str:
    kind, _, name = str(value).partition(":")
    if value in {*TRAFFIC, *SPOOL} or (kind in SCORES and name):
        return str(value)
    known = ", ".join([*TRAFFIC, *SPOOL, *(f"{s}:EVALUATOR" for s in SCORES)])
    raise ValueError(f"{place}: {value!r} is not known; there are: {known}")


def _burn(value: Any, place: str) -> tuple[tuple[int, float], ...]:
    pairs = list(value.items()) if isinstance(value, dict) else value
    try:
        found = tuple((seconds(w, place), _number(f, place)) for w, f in pairs)
    except TypeError as error:
        raise ValueError(f"{place}: {value!r} must map windows to factors: {{1h: 14.4}}") from error
    if any(window < 60 or factor <= 0 for window, factor in found):
        raise ValueError(f"{place}: a window is at least 1m and a factor more than 0")
    return found


def _one(name: str, value: Any, at: str) -> Any:
    if name == "metric":
        return _metric(value, at)
    if name in {"window", "hold", "clear_hold"}:
        return seconds(value, at)
    if name == "burn":
        return _burn(value, at)
    if name == "at_least":
        return max(1, round(_number(value, at)))
    if name in {"projects", "severity", "owner", "runbook"}:
        return checked_alert({name: value}, at.rpartition(".")[0]).get(name, value)
    found = _number(value, at)
    if name in {"rise", "drop", "budget"} and found <= 0:
        raise ValueError(f"{at}: {value!r} must be more than 0")
    return found


def checked(given: Mapping[str, Any], place: str) -> RulePolicy:
    """A rule from plain data. Raises ValueError that names `place`."""
    made = {
        name: _one(name, value, f"{place}.{name}")
        for name, value in given.items()
        if value is not None and value != [] and value != ""
    }
    chosen = [c for c in _CONDITIONS if made.get(c) not in {None, ()}]
    if "metric" not in made or len(chosen) != 1:
        raise ValueError(f"{place} must have a metric and one of {', '.join(_CONDITIONS)}")
    kind = made["metric"].partition(":")[0]
    if chosen == ["burn"] and kind not in SHARES:
        raise ValueError(f"{place}.burn needs one of {', '.join(SHARES)} as its metric")
    if kind in SPOOL:
        if chosen[0] not in {"above", "below"}:
            raise ValueError(f"{place}.{chosen[0]}: {kind} has no history; use above or below")
        if made.get("projects") or made.get("window", 900) != 900:
            raise ValueError(f"{place}: {kind} is what it is now, for all projects at once")
    if made.get("window", 900) < 60:
        raise ValueError(f"{place}.window must be at least 1m")
    return RulePolicy(**made)
