"""Every signal of a project, whole and by segment, watched day by day at one set rate of alarms."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from monitors.drift.e_detector import HISTORY, Alarm, detect, threshold
from monitors.findings import identity
from schemas.clickhouse import Store
from schemas.models import FindingRow
from schemas.queries import fields, scores, streams

DAY_NS = 86_400 * 10**9
DAYS = 60  # that are looked back
SESSIONS = 20  # a day, on most days: a smaller stream is not watched
PRESENT = 0.8  # share of days since its first that a stream must have
NEARLY_ALL = 0.95
FRESH = 14  # days within which an alarm is news, also to monitors that were down
EPISODE_DAYS = 7
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Stream:
    """A signal of a segment (column, value; both "" for all traffic), means by day since 1970."""

    signal: str
    version: str
    column: str
    value: str
    means: Mapping[int, float]
    sessions: Mapping[int, int]

    @property
    def segment(self) -> dict[str, str]:
        return {self.column: self.value} if self.column else {}


def watched(found: Iterable[Stream], first: int, last: int) -> list[Stream]:
    """Those with enough days and sessions between two days, both included; not those that never
    vary, nor segments that are nearly all of the traffic."""
    whole: dict[str, int] = {}
    kept = []
    for each in sorted(found, key=lambda stream: stream.column != ""):
        if not each.column:
            whole[each.signal] = sum(each.sessions.values())
        elif sum(each.sessions.values()) > NEARLY_ALL * whole.get(each.signal, 0):
            continue
        if len(set(each.means.values())) < 2:
            continue
        days = sorted(day for day in each.means if first <= day <= last)
        if len(days) < HISTORY or len(days) < PRESENT * (last - days[0] + 1):
            continue
        if np.median([each.sessions[day] for day in days]) >= SESSIONS:
            kept.append(each)
    return kept


def read(store: Store, project: str, first: int, last: int) -> list[Stream]:
    """Every stream of the project between two days, whether it can be watched or not."""
    window = (first * DAY_NS, (last + 1) * DAY_NS)
    made = []
    rows = streams.traffic_by_day(store, project, *window)
    for name in streams.TRAFFIC:
        made += _split(name, "", rows, name)
    newest = {row["evaluator"]: row["version"] for row in scores.evaluators(store, project)}
    for evaluator, version in newest.items():
        rows = streams.scores_by_day(store, project, evaluator, version, *window)
        made += _split(evaluator, version, rows, "mean")
    return made


def _split(
    signal: str, version: str, rows: Sequence[Mapping[str, Any]], column: str
) -> list[Stream]:
    by_segment: dict[tuple[str, str], tuple[dict[int, float], dict[int, int]]] = {}
    for row in rows:
        means, sessions = by_segment.setdefault((row["column"], row["value"]), ({}, {}))
        means[int(row["day"])] = float(row[column])
        sessions[int(row["day"])] = int(row["sessions"])
    return [Stream(signal, version, c, v, *found) for (c, v), found in by_segment.items()]


def margin_of(signal: str, share: float, factor: float) -> float:
    """The change that counts, in the stream's own units: points of a score or a rate, or a factor
    of what is a logarithm."""
    if signal in streams.TRAFFIC and signal != "errors":
        return float(np.log10(1 + factor))
    return share


def stream_findings(
    store: Store, project: str, now_ns: int, budget: float, share: float, factor: float
) -> list[FindingRow]:
    """Alarms of the last FRESH days that are over: one finding a signal, of the segment that stands
    out most. `budget` false alarms in 30 days over all of the project's streams."""
    last = now_ns // DAY_NS - 1  # today is not over
    first = last - DAYS + 1
    found = watched(read(store, project, first, last), first, last)
    if not found:
        return []
    y = np.full((len(found), DAYS), np.nan)
    for number, each in enumerate(found):
        for day, mean in each.means.items():
            if first <= day <= last:
                y[number, day - first] = mean
    days = [EPOCH + timedelta(days=first + n) for n in range(DAYS)]
    weekend = np.array([day.weekday() >= 5 for day in days], dtype=np.int64)
    margin = np.array([margin_of(each.signal, share, factor) for each in found])
    group = np.zeros(len(found), np.int64)
    alarms = [
        alarm for alarm in detect(y, weekend, group, margin, threshold(len(found), budget))
        if alarm.day >= DAYS - FRESH
    ]  # fmt: skip
    by_signal: dict[str, list[Alarm]] = {}
    for alarm in alarms:
        by_signal.setdefault(found[alarm.stream].signal, []).append(alarm)
    return [
        _finding(store, project, found, of_signal, first, len(found), budget)
        for of_signal in by_signal.values()
    ]


def is_news(found: FindingRow, earlier: Sequence[Mapping[str, Any]]) -> bool:
    """False where a finding of the same signal in the same direction has its onset within
    EPISODE_DAYS: one episode is one finding, whatever segment stands out most in the end."""
    return not any(
        each["signal"] == found.signal and each["effect"] * found.effect > 0
        and each["status"] == "confirmed"
        and abs(each["onset_ms"] - found.onset) < EPISODE_DAYS * 86_400_000
        for each in earlier
    )  # fmt: skip


def _finding(
    store: Store, project: str, found: Sequence[Stream], alarms: Sequence[Alarm], first: int,
    count: int, budget: float,
) -> FindingRow:  # fmt: skip
    alarms = sorted(alarms, key=lambda alarm: -alarm.e_value)
    alarm, stream = alarms[0], found[alarms[0].stream]
    onset = (first + alarm.onset) * DAY_NS
    late, early = first + alarm.latest, first + alarm.earliest
    details = {
        "sentence": _sentence(stream, alarm, first, count, budget), "version": stream.version,
        "onset": datetime.fromtimestamp(onset / 1e9, UTC).isoformat(),
        "onset_interval": [str(EPOCH + timedelta(days=d)) for d in (early, late)],
        "e_value": alarm.e_value, "streams": count, "budget": budget,
        "candidates": [
            {"segment": found[a.stream].segment, "effect": a.after - a.before,
             "effect_low": a.low, "effect_high": a.high, "share": 0.0,
             "n": a.days_before + a.days_after} for a in alarms
        ],
        "examples": _examples(store, project, stream, onset, (first + alarm.day + 1) * DAY_NS),
    }  # fmt: skip
    name = identity(project, "stream", stream.signal, stream.segment, first + alarm.onset)
    return FindingRow(
        project, name, stream.signal, "e_detector", json.dumps(stream.segment), "confirmed",
        onset // 10**6, first * DAY_NS // 10**6, (first + alarm.day + 1) * DAY_NS // 10**6,
        alarm.days_before, alarm.days_after, alarm.before, alarm.after,
        alarm.after - alarm.before, alarm.low, alarm.high, min(1.0, 1 / alarm.e_value), 0.0,
        json.dumps(details), time.time_ns() // 10**6,
    )  # fmt: skip


def _sentence(stream: Stream, alarm: Alarm, first: int, count: int, budget: float) -> str:
    where = f"{stream.column}={stream.value}" if stream.column else "all traffic"
    verb = "fell" if alarm.after < alarm.before else "rose"
    onset, early, late = (
        EPOCH + timedelta(days=first + d) for d in (alarm.onset, alarm.earliest, alarm.latest)
    )
    if stream.signal in streams.TRAFFIC and stream.signal != "errors":
        change = f"by a factor of {10 ** (alarm.after - alarm.before):.2f}"
    else:
        change = f"from {alarm.before:.3f} to {alarm.after:.3f}"
    since = f"since {onset}" + (f" (between {early} and {late})" if early != late else "")
    return (
        f"{stream.signal} {verb} {change} for {where} {since}, by its means of days;"
        f" {count} streams are watched together at {budget:g} false alarms in 30 days"
    )


def _examples(
    store: Store, project: str, stream: Stream, onset: int, end: int
) -> dict[str, list[str]]:
    service = stream.value if stream.column == "service" else None
    return {
        "before": fields.newest_traces(store, project, service, onset - DAY_NS, onset),
        "after": fields.newest_traces(store, project, service, onset, end),
    }
