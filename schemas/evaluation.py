"""What is scored: rules as plain checked data (which traffic, which evaluators, how much of it),
and the items that fall under them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

LEVELS = ("span", "trace", "session")
FILTERS = ("service", "model", "environment")  # columns of a span
MOST_QUIET = 7 * 86400  # seconds


@dataclass(frozen=True, slots=True)
class EvaluationPolicy:
    """What `evaluators` score: a trace (session) in whose spans each filter finds one of its
    values; an empty filter takes all. `sample`: probability, None for the evaluator's own;
    `budget`: items judged a day (UTC) over all projects, None for no end; `level`: '' for the
    evaluator's own; `quiet`: seconds without a new span, None for the setting's."""

    evaluators: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    sample: float | None = None
    budget: int | None = None
    level: str = ""
    quiet: int | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """Something to score, without its texts. Of a session `trace_id` is its first trace and
    `span_id` empty. `kept`: with which probability the client's own sampler kept it; `rules`:
    numbers of the rules that take it; `tries`: how often it ended in an error that may pass."""

    project: str
    level: str
    trace_id: str
    span_id: str
    session_id: str
    start_time: int
    retention_days: int = 30
    kept: float = 1.0
    rules: tuple[int, ...] = ()
    tries: int = 0

    @property
    def key(self) -> str:
        """What its draw hashes: of a session its id, so that its turns fall together."""
        if self.level == "session":
            return self.session_id
        return self.trace_id + self.span_id if self.level == "span" else self.trace_id

    def tried(self, tries: int) -> Item:
        return replace(self, tries=tries)


def checked(given: Mapping[str, Any], place: str) -> EvaluationPolicy:
    """A rule of plain data. Raises ValueError that names `place`."""
    made: dict[str, Any] = dict(given)
    known = list(EvaluationPolicy.__dataclass_fields__)
    for name in given:
        if name not in known:
            raise ValueError(f"{place}.{name} is not known; there are: {', '.join(known)}")
    for name in ("evaluators", "project", *FILTERS):
        if name in given:
            made[name] = _texts(given[name], f"{place}.{name}")
    if not made.get("evaluators"):
        raise ValueError(f"{place}.evaluators must name the evaluators that score this traffic")
    if "attributes" in given:
        made["attributes"] = _attributes(given["attributes"], f"{place}.attributes")
    for name, high, whole in (("sample", 1, False), ("budget", 10**9, True),
                              ("quiet", MOST_QUIET, True)):  # fmt: skip
        value = given.get(name)
        if value is None:
            continue
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value <= high:
            what = "a whole number" if whole else "a number"
            raise ValueError(f"{place}.{name}: {value!r} must be {what} from 0 to {high}")
        made[name] = value if whole else float(value)
    if given.get("level", "") not in ("", *LEVELS):
        raise ValueError(f"{place}.level: {given['level']!r} must be one of {', '.join(LEVELS)}")
    if not isinstance(given.get("enabled", True), bool):
        raise ValueError(f"{place}.enabled: {given['enabled']!r} must be true or false")
    return EvaluationPolicy(**made)


def _texts(given: Any, place: str) -> tuple[str, ...]:
    several = [given] if isinstance(given, str) else given
    if not isinstance(several, list | tuple) or not all(
        isinstance(each, str) and each for each in several
    ):
        raise ValueError(f"{place} must be a text or a list of texts")
    return tuple(several)


def _attributes(given: Any, place: str) -> tuple[tuple[str, str], ...]:
    pairs = list(given.items()) if isinstance(given, dict) else given
    fit = isinstance(pairs, list | tuple) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs
    )
    if not fit or not all(isinstance(key, str) for key, _ in pairs):
        raise ValueError(f"{place} must map names of attributes to values")
    return tuple((key, _plain(value, f"{place}.{key}")) for key, value in pairs)


def _plain(value: Any, place: str) -> str:
    """As the attribute is stored."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise ValueError(f"{place} must be a text, a number, true or false")
    return str(value)
