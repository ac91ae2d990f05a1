"""`python -m bench.causes`: a search for causes on a million stored traces, timed by its parts.

Calls of bench/traffic.py with an injected fault in two attributes are stored as traces of one span
in an embedded store of their own; twelve text columns of spans hold the twelve columns. Then
ClickHouse adds up the metric by combination and block (`assay rootcause --project` does), and the
search runs on what it answers: with the six columns that are segments by default, and with all
twelve.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from bench.instance import Instance, cpu_seconds, running
from bench.traffic import Kind, case
from monitors.rootcause.explain import explain
from monitors.rootcause.stored import Asked, gather
from schemas.models import SpanRow
from schemas.queries import spans
from schemas.queries.traces import SEGMENT_COLUMNS

PROJECT, CHUNK = "bench", 50_000
DAY_NS = 86400 * 10**9
DAYS, LAST = 24, 3
COLUMNS = (*SEGMENT_COLUMNS, "prompt_name", "name", "kind", "status", "error_type", "user_id")


def store_calls(instance: Instance, rows: int, start: int) -> list[dict[str, str]]:
    """Insert them; the injected segments, by the columns of spans that hold them."""
    given = case(1, Kind((2,), 0.1), rows, DAYS, LAST)
    codes = given.rows.codes[given.rows.leaf]
    texts = [np.array(names)[codes[:, c]] for c, names in enumerate(given.rows.values)]
    store = instance.store()
    for first in range(0, len(codes), CHUNK):
        made = []
        for n in range(first, min(first + CHUNK, len(codes))):
            values: dict[str, Any] = {name: str(texts[c][n]) for c, name in enumerate(COLUMNS)}
            at = start + int(given.rows.block[n]) * DAY_NS + n * 1000
            cost = float(given.rows.total[n])
            made.append(
                SpanRow(PROJECT, f"{n:032x}", f"{n:016x}", at, cost_usd=cost, retention_days=0,
                        **values)
            )  # fmt: skip
        spans.insert_spans(store, made, f"bench/{first}")
    store.close()
    named = dict(zip(given.rows.columns, COLUMNS, strict=True))
    return [{named[column]: value for column, value in segment} for segment in given.truth]


def search(instance: Instance, columns: tuple[str, ...], start: int) -> str:
    """A row of the table."""
    store, at = instance.store(), start + (DAYS - LAST) * DAY_NS
    before, begun = cpu_seconds(instance.store_process), time.perf_counter()
    mine = time.process_time()
    asked = Asked("cost", start, at, start + DAYS * DAY_NS, DAY_NS, columns)
    held = gather(store, PROJECT, asked)
    read, used = time.perf_counter(), cpu_seconds(instance.store_process) - before
    reading, mine = time.process_time() - mine, time.process_time()
    said = explain(held.rows, held.current)
    done, spent = time.perf_counter(), time.process_time() - mine
    store.close()
    named = [dict(s) for c in said.candidates[:1] for s in c.segments]
    return (
        f"| {len(columns)} | {len(held.rows.leaf):,} | {read - begun:.1f} s ({used:.1f} s +"
        f" {reading:.1f} s) | {done - read:.1f} s ({spent:.1f} s) | {done - begun:.1f} s |"
        f" {used + reading + spent:.1f} s | {named} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    start = (time.time_ns() // DAY_NS - DAYS) * DAY_NS
    with running(collector=False) as instance:
        begun = time.perf_counter()
        truth = store_calls(instance, asked.rows, start)
        took = time.perf_counter() - begun
        print(f"{asked.rows:,} traces of {DAYS} days, stored in {took:.0f} s; injected: {truth}\n")
        print("| columns | rows of the aggregate | in ClickHouse and read (processor of both) |"
              " search, 199 permutations (processor) | together | processor together |"
              " named first |\n|---|---|---|---|---|---|---|", flush=True)  # fmt: skip
        for columns in (SEGMENT_COLUMNS, COLUMNS):
            print(search(instance, columns, start), flush=True)


if __name__ == "__main__":
    main()
