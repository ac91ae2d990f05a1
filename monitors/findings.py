"""From scores and embeddings of the last 48 hours to finding rows."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from monitors.drift.energy import energy
from monitors.drift.mean_shift import mean_shift
from monitors.drift.two_sample import pair, thinned
from monitors.rootcause.search import Cause, Found, search
from monitors.windows import units
from schemas.control import MonitorPolicy
from schemas.models import FindingRow, Observation

HOUR_NS = 3600 * 10**9
WINDOW_NS = 48 * HOUR_NS
MIN_SCORED = 200
CALIBRATED = 400
UNCALIBRATED = "; uncalibrated: by a permutation of 48 hours, without comparable past windows"
RIVALS = 2  # that a sentence names
POINTS = 600  # vectors a side: the distances between all of them are held in memory


def _text(segment: dict[str, str]) -> str:
    return " and ".join(f"{k}={v}" for k, v in segment.items()) or "all traffic"


def _moment(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M")


def _sentence(signal: str, found: Found, p_value: float, new: list[dict[str, str]]) -> str:
    cause = found.cause
    verb = "fell" if cause.effect < 0 else "rose"
    between = f"{_moment(cause.onset_low_ns)} and {_moment(cause.onset_high_ns)}"
    text = (
        f"{signal} {verb} from {cause.before:.2f} to {cause.after:.2f} for {_text(cause.segment)}"
        f" since {_moment(cause.onset_ns)} UTC (90% interval: between {between};"
        f" {cause.effect:+.2f}, 95% interval {cause.low:+.2f} to {cause.high:+.2f},"
        f" p={p_value:.4f}, {cause.n_before}+{cause.n_after} sessions, {cause.share:.0%} of the"
        f" project's change, 95% interval {cause.share_low:.0%} to {cause.share_high:.0%})"
    )
    if found.beside:
        text += f"; named because {found.beside} changed there at that time: by itself this signal"
        text += f" does not tell it from {_text(found.rivals[0])}"
    elif found.rivals:
        text += f"; not told apart from {', '.join(map(_text, found.rivals[:RIVALS]))}"
    return text + (f"; first seen about then: {', '.join(map(_text, new))}" if new else "")


def permutations(level: float) -> int:
    """Enough that the smallest p-value, 1 / (n + 1), is a tenth of the level of one signal."""
    return min(99_999, max(999, round(10 / level) - 1))


def identity(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Scored:
    """What one evaluator version said of the window, in the order of time."""

    evaluator: str
    version: str
    rows: list[Observation]


def score_findings(
    project: str, given: Sequence[Scored], level: float, margin: float = MonitorPolicy().margin,
    page: bool = False,
) -> list[FindingRow]:  # fmt: skip
    """Shifts of evaluators' means by `margin` or more that survive max-T at `level` each, the
    clearest first: it has a say in where those that came at the same time are. 48 hours have no
    comparable past windows, so they are 'uncalibrated', unless `page`: then, with enough scores,
    they are treated as confirmed, and say so."""
    moved = []
    for each in given:
        if len(each.rows) < MIN_SCORED:
            continue
        found = units(each.rows)
        shift = mean_shift(found, permutations=permutations(level))
        if shift is not None and shift.p_value <= level:
            moved.append((each, found, shift))
    moved.sort(key=lambda m: -float(m[2].strength.max()))
    others: list[tuple[str, Cause]] = []
    made = []
    for each, found, shift in moved:
        where = search(found, shift, others)
        if abs(where.cause.effect) >= margin:
            others.append((each.evaluator, where.cause))
            made.append(_score_finding(project, each, where, shift.p_value, page))
    return made


def score_finding(
    project: str, evaluator: str, version: str, rows: list[Observation],
    level: float, margin: float = MonitorPolicy().margin, page: bool = False,
) -> FindingRow | None:  # fmt: skip
    """`score_findings` of one evaluator."""
    found = score_findings(project, [Scored(evaluator, version, rows)], level, margin, page)
    return found[0] if found else None


def _score_finding(
    project: str, of: Scored, found: Found, p_value: float, page: bool
) -> FindingRow:
    rows, cause = of.rows, found.cause
    new = _appeared(rows, cause)
    details: dict[str, Any] = {
        "evaluator": of.evaluator, "version": of.version,
        "onset": datetime.fromtimestamp(cause.onset_ns / 1e9, UTC).isoformat(),
        "sentence": _sentence(of.evaluator, found, p_value, new) + UNCALIBRATED,
        "candidates": [c.candidate() for c in found.candidates],
        "not_told_apart": found.rivals, "beside": found.beside,
        "examples": _examples(rows, cause),
        "appeared": new, "share_interval": [cause.share_low, cause.share_high],
        "onset_interval": [
            datetime.fromtimestamp(ns / 1e9, UTC).isoformat()
            for ns in (cause.onset_low_ns, cause.onset_high_ns)
        ],
    }  # fmt: skip
    status = "confirmed" if page and len(rows) >= CALIBRATED else "uncalibrated"
    hours = cause.onset_ns // (2 * HOUR_NS)
    name = identity(project, of.evaluator, of.version, cause.segment, hours)
    return FindingRow(
        project, name, of.evaluator, "mean_shift", json.dumps(cause.segment), status,
        cause.onset_ns // 10**6, rows[0].time // 10**6, rows[-1].time // 10**6, cause.n_before,
        cause.n_after, cause.before, cause.after, cause.effect, cause.low, cause.high,
        p_value, cause.share, json.dumps(details), time.time_ns() // 10**6,
    )  # fmt: skip


def _examples(rows: list[Observation], cause: Cause) -> dict[str, list[str]]:
    """Five traces of the segment: the last before the onset, the furthest gone after it."""
    inside = [r for r in rows if cause.segment.items() <= r.segment.items()]
    before = [r.trace_id for r in inside if r.time < cause.onset_ns][-5:]
    sign = 1 if cause.effect < 0 else -1
    after = sorted((r for r in inside if r.time >= cause.onset_ns), key=lambda r: sign * r.value)
    return {"before": before, "after": [r.trace_id for r in after[:5]]}


def _appeared(rows: list[Observation], cause: Cause) -> list[dict[str, str]]:
    """Segment values first seen within two hours of the onset or in its interval."""
    first: dict[tuple[str, str], int] = {}
    for row in rows:
        for item in row.segment.items():
            first.setdefault(item, row.time)
    low = min(cause.onset_low_ns, cause.onset_ns - 2 * HOUR_NS)
    high = max(cause.onset_high_ns, cause.onset_ns + 2 * HOUR_NS)
    begin = rows[0].time + HOUR_NS  # what was there from the start did not come
    return [{k: v} for (k, v), t in first.items() if v and low < t < high and t > begin]


def embedding_finding(
    project: str, field: str, rows: list[tuple[int, str, list[float]]], level: float
) -> FindingRow | None:
    """A change of the embedding distribution between the two halves of the window."""
    if len(rows) < MIN_SCORED:
        return None
    middle = (rows[0][0] + rows[-1][0]) // 2
    old = np.array([v for t, _, v in rows if t < middle], dtype=np.float64)
    new = np.array([v for t, _, v in rows if t >= middle], dtype=np.float64)
    if min(len(old), len(new)) < MIN_SCORED // 4:
        return None
    found = energy(pair(thinned(old, POINTS, 0), thinned(new, POINTS, 1)), 0, permutations(level))
    distance, p_value = found.statistic, found.p_value
    if p_value > level:
        return None
    sentence = f"the distribution of {field}s changed (energy {distance:.3f}, p={p_value:.3f})"
    signal = f"embedding_{field}"
    return FindingRow(
        project, identity(project, signal, middle // (24 * HOUR_NS)), signal, "energy", "{}",
        "observed", middle // 10**6, rows[0][0] // 10**6, rows[-1][0] // 10**6, len(old), len(new),
        0.0, distance, distance, 0.0, 0.0, p_value, 1.0, json.dumps({"sentence": sentence}),
        time.time_ns() // 10**6,
    )  # fmt: skip


def known(found: FindingRow, earlier: list[dict[str, Any]]) -> bool:
    """True if the same change has been found: same signal, onset within 6 hours, and the same
    segment or one that this finding does not tell from its own."""
    same = [json.loads(found.segment), *json.loads(found.details).get("not_told_apart", [])]
    return any(
        e["signal"] == found.signal
        and json.loads(e["segment"]) in same
        and abs(e["onset_ms"] - found.onset) < 6 * 3600 * 1000
        for e in earlier
    )
