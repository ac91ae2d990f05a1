"""Latency and rows read of the typed queries over millions of spans: `python -m bench.queries`.

Fills a store with `--spans` spans of one project over 29 days (bench/many.py), waits until merges
have settled, and calls the functions that pages call. Every call looks at another moment or
another word, so no call repeats the one before. `--folder` keeps the store for the next run.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.instance import Instance, running
from bench.load import quantile
from bench.many import LONG_SPANS, LONG_TRACE, fill
from bench.payload import PROJECT
from schemas.clickhouse import Store
from schemas.queries import spans

HOUR = 3600 * 10**9
Call = Callable[[Store], Sequence[Any]]


class Recorder:
    """Stands for a clickhouse-connect client and adds up the rows that its queries read; `asked`
    has each query's seconds, rows read and SQL."""

    def __init__(self, client: Any) -> None:
        self.read = 0
        self.asked: list[tuple[float, int, str]] = []
        self._client = client

    def query(self, *arguments: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        result = self._client.query(*arguments, **named)
        read = int(result.summary.get("read_rows", 0))
        self.read += read
        self.asked.append((time.perf_counter() - begun, read, str(arguments[0])))
        return result

    def command(self, *arguments: Any, **named: Any) -> Any:
        return self._client.command(*arguments, **named)

    def insert(self, *arguments: Any, **named: Any) -> Any:
        return self._client.insert(*arguments, **named)

    def close(self) -> None:
        self._client.close()


def settle(instance: Instance, seconds: float = 600) -> None:
    """Until no merge runs: what is measured is the tables, not what comes after a bulk load."""
    end, calm = time.monotonic() + seconds, 0
    while calm < 5 and time.monotonic() < end:
        running_now = instance.store().rows("SELECT count() AS n FROM system.merges")[0]["n"]
        calm = 0 if running_now else calm + 1
        time.sleep(1)


def words(instance: Instance, count: int) -> list[str]:
    """The `ref-` words of spans drawn at random: each stands in one span only."""
    found = instance.store().rows(
        "SELECT extract(output_preview, 'ref-[0-9a-f]{16}') AS word FROM spans"
        " WHERE project = {project:String} AND output_preview != '' AND word != ''"
        " ORDER BY cityHash64(span_id) LIMIT {n:UInt32}",
        project=PROJECT, n=count,
    )  # fmt: skip
    return [row["word"] for row in found]


def measure(instance: Instance, name: str, aim: str, calls: Sequence[Call]) -> None:
    """Print p50, p95, rows read and rows returned of one kind of call."""
    store = instance.store()
    recorder = Recorder(store._client)
    store._client = recorder
    took, read, given = [], [], []
    for call in calls:
        recorder.read, begun = 0, time.perf_counter()
        given.append(len(call(store)))
        took.append(time.perf_counter() - begun)
        read.append(recorder.read)
    print(f"| {name} | {len(calls)} | {quantile(took, 0.5) * 1e3:.0f} | "
          f"{quantile(took, 0.95) * 1e3:.0f} | {aim} | {quantile(read, 0.5):,.0f} | "
          f"{max(read):,} | {quantile(given, 0.5):.0f} |", flush=True)  # fmt: skip


def every(instance: Instance, repeats: int) -> None:
    """All kinds of calls, each at moments of its own."""
    draw = random.Random(20261123)
    store = instance.store()
    first, last = spans.time_range(store, PROJECT)

    def listed(**named: Any) -> list[Call]:
        def one(end: int) -> Call:
            return lambda s: spans.list_traces(s, PROJECT, first, end, limit=50, **named)

        return [one(draw.randrange(first + 48 * HOUR, last)) for _ in range(repeats)]

    def searched(terms: Sequence[str], **named: Any) -> list[Call]:
        def one(term: str) -> Call:
            return lambda s: spans.list_traces(
                s, PROJECT, first, last + 1, limit=50, search=term, **named
            )

        return [one(term) for term in terms]

    print("| call | n | p50 ms | p95 ms | aim ms | rows read p50 | most | rows given |")
    print("|---|---|---|---|---|---|---|---|")
    measure(instance, "newest 50 traces", "300", listed())
    for name, where in (
        ("with one model", {"model": "gpt-4o-mini"}),
        ("with errors", {"status": "ERROR"}),
        ("with a prompt version and a source", {"prompt_version": "v2", "document_source": "wiki"}),
    ):
        measure(instance, f"newest 50 traces {name}", "300", listed(where=where))
    common = ["music", "album", "who wrote it", "American", "the", "released in", "years", "people"]
    pairs = ["skittles battle", "compton rapper", "Kendrick Lamar", "bowling strike"]
    measure(instance, "search, common words", "1000", searched(common))
    measure(instance, "search, two words of one text", "1000", searched(pairs))
    measure(instance, "search, a word of one span", "1000", searched(words(instance, repeats)))
    measure(instance, "search, no such word", "1000", searched(["zzyzx", "qwertzu", "xyzzyx"]))
    span_lists: list[Call] = [lambda s: spans.trace_spans(s, PROJECT, LONG_TRACE)] * 5
    measure(instance, f"one trace of {LONG_SPANS:,} spans", "2000", span_lists)
    some = spans.list_traces(store, PROJECT, first, last - 72 * HOUR, limit=repeats)

    def opened(trace: str) -> Call:
        return lambda s: spans.trace_spans(s, PROJECT, trace)

    measure(instance, "one trace of 6 spans", "", [opened(row["trace_id"]) for row in some])
    measure(instance, "time range", "", [lambda s: spans.time_range(s, PROJECT)] * 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--real", type=int, default=2_000_000, help="of them with whole texts")
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="keep the store here and use it again")
    asked = parser.parse_args()
    filled = asked.folder is not None and (asked.folder / "store").exists()
    with running(collector=False, folder=asked.folder) as instance:
        if not filled:
            fill(instance, asked.spans, asked.real)
        settle(instance)
        parts, size = instance.parts()
        load = os.getloadavg()[0]
        print(f"{parts} active parts, {size / 2**30:.1f} GiB on disk; load average {load:.0f}")
        every(instance, asked.repeats)


if __name__ == "__main__":
    main()
