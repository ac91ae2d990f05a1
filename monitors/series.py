"""The streams of a project as they are read: means by hour, by four hours and by day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from monitors.drift.e_detector import HISTORY
from schemas.clickhouse import Store
from schemas.queries import mixes, monitoring, streams
from schemas.queries.mixes import Frozen

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
LENGTHS = (1, 4, 24)  # hours of a block
SESSIONS = 20  # a block, in most blocks: a smaller stream is not watched
LEAST = 5  # a block with fewer sessions is left out
PRESENT = 0.8  # share of days since its first that a stream must have
NEARLY_ALL = 0.95
MIXED = 20  # values of a mix that are watched: those whose share was greatest
MIXES = {"source_share": "document_source", "topic_share": "topic"}
SETTLED_DAYS = 2  # after which a block is not read again: late spans and scores are in it

Key = tuple[str, str, str, str]  # signal, version, column, value
Blocks = dict[int, tuple[float, int]]  # block since 1970 -> mean, sessions


@dataclass(frozen=True, slots=True)
class Stream:
    """A signal of a segment (column, value; both "" for all traffic), means by block of `hours`,
    blocks counted since 1970."""

    signal: str
    version: str
    column: str
    value: str
    means: Mapping[int, float]
    sessions: Mapping[int, int]
    hours: int = 24

    @property
    def segment(self) -> dict[str, str]:
        return {self.column: self.value} if self.column else {}


@dataclass(slots=True)
class Held:
    """What earlier looks have read of one project, by source and block length: only blocks of the
    last SETTLED_DAYS are read again. `topics` are the frozen ones that are watched, None without;
    a source knows their version, so that others are counted over all days anew."""

    topics: Frozen | None = None
    topics_version: str = ""
    found: dict[tuple[str, str, int], dict[Key, Blocks]] = field(default_factory=dict)
    until: dict[tuple[str, str, int], int] = field(default_factory=dict)


def read(
    store: Store, project: str, start_ns: int, end_ns: int, hours: int = 24,
    held: Held | None = None,
) -> list[Stream]:  # fmt: skip
    """Every stream of the project in [start, end), whether it can be watched or not."""
    held = held or Held()
    made: list[Stream] = []
    for (name, version), ask, columns in _sources(store, project, held):
        source = (name, version, hours)
        mix = name in MIXES
        blocks = held.found.setdefault(source, {})
        begin = max(start_ns, held.until.get(source, start_ns))
        for row in ask(begin, end_ns, hours * 3600, LEAST if hours < 24 else 1):
            for signal, column in columns.items():
                if row[f"n_{column}"]:
                    key = (signal, version, row["column"], row["value"])
                    mean = (float(row[column]), int(row[f"n_{column}"]))
                    blocks.setdefault(key, {})[int(row["block"])] = mean
        held.until[source] = max(begin, (end_ns - SETTLED_DAYS * DAY_NS) // DAY_NS * DAY_NS)
        first, last = start_ns // (hours * HOUR_NS), (end_ns - 1) // (hours * HOUR_NS)
        rare = _fill(blocks) if mix else set()
        for key, found in list(blocks.items()):
            mine = {b: v for b, v in found.items() if first <= b <= last}
            if not mine:
                del blocks[key]
                continue
            blocks[key] = mine
            if key in rare:
                continue
            means, sessions = ({b: v[n] for b, v in mine.items()} for n in (0, 1))
            made.append(Stream(*key, means, sessions, hours))  # type: ignore[arg-type]
    return made


def _fill(blocks: dict[Key, Blocks]) -> set[Key]:
    """A value that a block of a mix lacks has a share of 0 there. Returns those that never had a
    share among the MIXED greatest."""
    sessions = {block: n for found in blocks.values() for block, (_, n) in found.items()}
    for found in blocks.values():
        for block, n in sessions.items():
            found.setdefault(block, (0.0, n))
    greatest = sorted(blocks, key=lambda key: -max(mean for mean, _ in blocks[key].values()))
    return set(greatest[MIXED:])


Ask = Callable[[int, int, int, int], list[dict[str, Any]]]


def _sources(
    store: Store, project: str, held: Held
) -> Iterable[tuple[tuple[str, str], Ask, dict[str, str]]]:
    """((name, version), query, signal -> its column) of what streams are made of."""

    def asked(query: Callable[..., list[dict[str, Any]]], *more: Any, **named: Any) -> Ask:
        def ask(start: int, end: int, seconds: int, least: int) -> list[dict[str, Any]]:
            return query(store, project, *more, start, end, seconds, least, **named)

        return ask

    def mixed(signal: str, query: Callable[..., list[dict[str, Any]]], *more: Any) -> Ask:
        ask = asked(query, *more)

        def shares(start: int, end: int, seconds: int, least: int) -> list[dict[str, Any]]:
            return [
                {**row, "column": MIXES[signal], signal: row["share"],
                 f"n_{signal}": row["sessions"]}
                for row in ask(start, end, seconds, least)
            ]  # fmt: skip

        return shares

    traffic = {name: name for name in streams.TRAFFIC}
    yield ("traffic", ""), asked(streams.traffic), traffic
    retrievals = {name: name for name in streams.RETRIEVAL}
    yield ("retrievals", ""), asked(streams.retrievals), retrievals
    signal = "source_share"
    yield (signal, ""), mixed(signal, mixes.sources), {signal: signal}
    versions = monitoring.newest_versions(store, project)
    for evaluator, version in versions.items():
        ask = asked(streams.scored, evaluator, version)
        yield (evaluator, version), ask, {evaluator: "mean"}
    topics = held.topics
    if topics is None:
        return
    signal = "topic_share"
    mix = mixed(signal, mixes.topics, topics)
    yield (signal, held.topics_version), mix, {signal: signal}
    by_topic = f"traffic by topic {held.topics_version}"
    yield (by_topic, ""), asked(streams.traffic, topics=topics), traffic
    for evaluator, version in versions.items():
        ask = asked(streams.scored, evaluator, version, topics=topics)
        yield (f"{evaluator} by topic {held.topics_version}", version), ask, {evaluator: "mean"}


def watched(found: Iterable[Stream], first: int, last: int) -> list[Stream]:
    """Those of one block length with enough days and sessions between two blocks, both included;
    not those that never vary, nor segments that are nearly all of the traffic."""
    whole: dict[str, int] = {}
    kept = []
    for each in sorted(found, key=lambda stream: stream.column != ""):
        if not each.column:
            whole[each.signal] = sum(each.sessions.values())
        elif each.signal not in MIXES and (
            sum(each.sessions.values()) > NEARLY_ALL * whole.get(each.signal, 0)
        ):
            continue
        if len(set(each.means.values())) < 2:
            continue
        inside = [block for block in each.means if first <= block <= last]
        a_day = 24 // each.hours
        days = sorted({block // a_day for block in inside})
        if len(days) < HISTORY or len(days) < PRESENT * (last // a_day - days[0] + 1):
            continue
        if np.median([each.sessions[block] for block in inside]) >= SESSIONS:
            kept.append(each)
    return kept


def table(found: Sequence[Stream], first: int, blocks: int) -> np.ndarray[Any, Any]:
    """Means (streams, blocks) from block `first` on, NaN where there is none."""
    y = np.full((len(found), blocks), np.nan)
    for number, each in enumerate(found):
        for block, mean in each.means.items():
            if 0 <= block - first < blocks:
                y[number, block - first] = mean
    return y


def margin_of(signal: str, share: float, factor: float) -> float:
    """The change that counts, in the stream's own units: points of a score or a rate, or a factor
    of what is a logarithm."""
    return float(np.log10(1 + factor)) if signal in streams.LOGARITHMS else share
