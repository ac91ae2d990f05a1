"""Every signal of a project, whole and by segment, watched by the hour and by the day at one set
rate of alarms."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from monitors.drift.e_detector import Days
from monitors.drift.hours import Hours
from monitors.drift.together import Run, Rung, thresholds, together
from monitors.fields import PART
from monitors.findings import identity
from monitors.naming import Moved, order
from monitors.series import (
    DAY_NS,
    HOUR_NS,
    LENGTHS,
    MIXES,
    Held,
    Stream,
    margin_of,
    read,
    table,
    watched,
)  # fmt: skip
from monitors.topic_streams import examples, new_topic
from schemas.clickhouse import Store
from schemas.control import MonitorPolicy
from schemas.models import FindingRow
from schemas.queries import fields, streams
from schemas.queries.mixes import Frozen

DAYS = 60  # that are looked back
FRESH = 14  # days within which an alarm is news, also to monitors that were down
EPISODE_DAYS = 7
DAY_LATE_NS = HOUR_NS  # after midnight, until a day's spans are there and judged
BLOCK_LATE_NS = 20 * 60 * 10**9  # the same after a block of hours
THURSDAY = 3  # 1970-01-01


def finished(now_ns: int, hours: int) -> int:
    """How many blocks of so many hours are over since 1970, and can be looked at."""
    late = DAY_LATE_NS if hours == 24 else BLOCK_LATE_NS
    return (now_ns - late) // (hours * HOUR_NS)


def stream_findings(
    store: Store, project: str, now_ns: int, policy: MonitorPolicy, held: Held | None = None
) -> list[FindingRow]:
    """Alarms of the last FRESH days: one finding a signal, of the segment whose own means moved
    most (monitors/naming.py) and the block length that tells it best. `policy.false_alarms` false
    episodes are expected in 30 days over all of the project's streams, segments and looks together,
    less the part that missing fields have."""
    first = finished(now_ns, 24) - DAYS
    found: list[list[Stream]] = []
    for hours in LENGTHS:
        end = finished(now_ns, hours) * hours * HOUR_NS
        rows = read(store, project, first * DAY_NS, end, hours, held)
        begin = first * 24 // hours
        found.append(watched(rows, begin, finished(now_ns, hours) - 1))
    count = sum(map(len, found))
    if not count:
        return []
    counts = {hours: len(each) for hours, each in zip(LENGTHS, found, strict=True)}
    c = thresholds(counts, (1 - PART) * policy.false_alarms)
    runs = [
        _run(each, hours, first, finished(now_ns, hours), c[hours], policy)
        for each, hours in zip(found, LENGTHS, strict=True)
    ]
    oldest = finished(now_ns, 1) - first * 24 - FRESH * 24
    by_signal: dict[str, list[Rung]] = {}
    for rung in together(runs):
        if rung.hour > oldest:
            signal = found[rung.run][rung.alarm.stream].signal
            by_signal.setdefault(signal, []).append(rung)
    made = []
    for signal, rungs in by_signal.items():
        told = {
            Moved(found[r.run][r.alarm.stream], r.alarm.onset, r.alarm.block,
                  r.alarm.after > r.alarm.before, r.alarm.e_value / runs[r.run].c): r
            for r in rungs
        }  # fmt: skip
        known = [each for length in found for each in length if each.signal == signal]
        ranked = order(list(told), known, first * 24)
        chosen = [(moved.stream, told[moved]) for moved in ranked]
        topics = held.topics if held else None
        version = held.topics_version if held else ""
        made.append(
            _finding(store, project, chosen, first, count, policy.false_alarms, topics, version)
        )
    return made


def _run(
    found: Sequence[Stream], hours: int, first: int, end: int, c: float, policy: MonitorPolicy
) -> Run:
    begin, a_day = first * 24 // hours, 24 // hours
    blocks = end - begin
    y = table(found, begin, blocks)
    weekday = (first + np.arange(-(-blocks // a_day)) + THURSDAY) % 7
    margin = np.array([margin_of(each.signal, policy.points, policy.factor) for each in found])
    if hours == 24:
        weekend = (weekday >= 5).astype(np.int64)
        return Run(Days(y, weekend, np.zeros(len(y), np.int64), margin), blocks, hours, c)
    return Run(Hours(y, weekday, a_day, margin), blocks, hours, c)


def is_news(found: FindingRow, earlier: Sequence[Mapping[str, Any]]) -> bool:
    """False where a finding of the same signal in the same direction has its onset within
    EPISODE_DAYS: one episode is one finding, whatever segment stands out most in the end. Shares of
    a mix rise and fall together, whatever their direction."""
    return not any(
        each["signal"] == found.signal
        and (each["effect"] * found.effect > 0 or found.signal in MIXES)
        and each["status"] == "confirmed"
        and abs(each["onset_ms"] - found.onset) < EPISODE_DAYS * 86_400_000
        for each in earlier
    )  # fmt: skip


def _finding(
    store: Store, project: str, found: Sequence[tuple[Stream, Rung]], first: int, count: int,
    budget: float, topics: Frozen | None, topics_version: str,
) -> FindingRow:  # fmt: skip
    stream, rung = found[0]
    alarm, block = rung.alarm, stream.hours * HOUR_NS
    begin = first * DAY_NS
    onset, early, late, end = (
        begin + n * block for n in (alarm.onset, alarm.earliest, alarm.latest, alarm.block + 1)
    )

    def shown(ns: int) -> str:
        return _iso(ns)[: 10 if stream.hours == 24 else 16]

    sentence = _sentence(stream, rung, shown(onset), shown(early), shown(late), count, budget)
    if stream.column == "topic" and topics is not None:
        traces = examples(store, project, topics, stream.value, onset, end)
        rose = stream.signal == "topic_share" and alarm.after > alarm.before
        if news := new_topic(store, project, topics, stream.value, rose, onset, end):
            sentence = f"{news}; {sentence}"
    else:
        traces = _examples(store, project, stream, onset, end)
    details = {
        "sentence": sentence,
        "version": stream.version, "onset": _iso(onset),
        "onset_interval": [shown(early), shown(late)], "e_value": alarm.e_value,
        "block_hours": stream.hours, "streams": count, "budget": budget,
        "candidates": [
            {"segment": s.segment, "effect": r.alarm.after - r.alarm.before,
             "effect_low": r.alarm.low, "effect_high": r.alarm.high, "share": 0.0,
             "n": r.alarm.blocks_before + r.alarm.blocks_after} for s, r in found
        ],
        "examples": traces,
        **({"topics": topics_version} if stream.column == "topic" else {}),
    }  # fmt: skip
    name = identity(project, "stream", stream.signal, stream.segment, onset // 10**9)
    return FindingRow(
        project, name, stream.signal, "e_detector", json.dumps(stream.segment), "confirmed",
        onset // 10**6, begin // 10**6, end // 10**6, alarm.blocks_before, alarm.blocks_after,
        alarm.before, alarm.after, alarm.after - alarm.before, alarm.low, alarm.high,
        min(1.0, 1 / alarm.e_value), 0.0, json.dumps(details), time.time_ns() // 10**6,
    )  # fmt: skip


def _iso(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat()


def _sentence(
    stream: Stream, rung: Rung, onset: str, early: str, late: str, count: int, budget: float
) -> str:
    alarm = rung.alarm
    where = f"{stream.column}={stream.value}" if stream.column else "all traffic"
    verb = "fell" if alarm.after < alarm.before else "rose"
    if stream.signal in streams.LOGARITHMS:
        change = f"by a factor of {10 ** (alarm.after - alarm.before):.2f}"
    else:
        change = f"from {alarm.before:.3f} to {alarm.after:.3f}"
    since = f"since {onset}" + (f" (between {early} and {late})" if early != late else "")
    means = "of days" if stream.hours == 24 else "of the same hours of the week"
    return (
        f"{stream.signal} {verb} {change} for {where} {since}, by its means {means};"
        f" {count} streams are watched together at {budget:g} false alarms in 30 days"
    )


def _examples(
    store: Store, project: str, stream: Stream, onset: int, end: int
) -> dict[str, list[str]]:
    segment = json.dumps(stream.segment)
    return {
        "before": fields.segment_traces(store, project, segment, onset - DAY_NS, onset),
        "after": fields.segment_traces(store, project, segment, onset, end),
    }
