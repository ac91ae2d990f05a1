"""`assay rootcause`: the segments of any file, or of stored traces, that explain a change."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

import numpy as np

from assay import stages
from assay.tables import TableError, column, numbers, read_table
from monitors.questions import frozen_topics
from monitors.rootcause.explain import Cause, Explanation, explain
from monitors.rootcause.leaves import leaves
from monitors.rootcause.stored import Asked, columns_of, gather
from schemas import clickhouse
from schemas.errors import Permanent, Retryable
from schemas.queries.traces import SEGMENT_COLUMNS
from schemas.settings import Settings

REFERENCE_BLOCKS = 20  # into which a reference without a time grid is cut
LEAST = 10  # so many reference blocks at least, where a window is named
GRID = 1_000  # more steps than this are no grid


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """0 with the causes on standard output, 2 with one line on standard error."""
    try:
        if arguments.stages:
            print(stages.told(settings, arguments))
            return 0
        found = stored(settings, arguments) if arguments.project else examine(arguments)
    except (TableError, ValueError, Retryable, Permanent) as error:
        print(f"assay rootcause: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(_listed(found), ensure_ascii=False))
    else:
        _tell(found, arguments.metric or arguments.measure)
    return 0


def stored(settings: Settings, arguments: argparse.Namespace) -> Explanation:
    """Search a project's traces, added up in ClickHouse. Raises TableError, LeavesError,
    Retryable, Permanent."""
    since, at, end = stages.window(arguments)
    wanted = [d for d in arguments.dimensions.split(",") if d.strip()] or SEGMENT_COLUMNS
    columns = columns_of(wanted)
    topics = frozen_topics(settings.home, arguments.project, columns)
    store = clickhouse.connect(settings)
    try:
        block = max(1, (at - since) // REFERENCE_BLOCKS)
        asked = Asked(arguments.metric, since, at, end, block, columns)
        held = gather(store, arguments.project, asked, topics, fewest=1)
    finally:
        store.close()
    if held.one_in > 1:
        print(f"One trace in {held.one_in} was drawn: there are too many for one search.",
              file=sys.stderr)  # fmt: skip
    return explain(held.rows, held.current, seed=arguments.seed)


def examine(arguments: argparse.Namespace) -> Explanation:
    """Read, cut into blocks of time and search. Raises TableError or LeavesError."""
    if not (arguments.input and arguments.time_column and arguments.measure):
        raise TableError("give --input, --time-column and --measure, or --project")
    table = read_table(arguments.input)
    value, _, weight = arguments.measure.partition("/")
    total = numbers(table, value)
    count = numbers(table, weight) if weight else np.ones(len(total))
    held = {name: column(table, name) for name in arguments.dimensions.split(",") if name}
    time, at = stages.moments(column(table, arguments.time_column), arguments.at)
    usable = ~(np.isnan(total) | np.isnan(count))
    block, current = blocks(time, at, arguments.window)
    usable &= block >= 0
    if not (usable & current[block]).any() or not (usable & ~current[block]).any():
        raise TableError(
            f"--at {arguments.at} leaves no rows on one side: {arguments.time_column} runs from"
            f" {time.min()} to {time.max()}"
        )
    rows = leaves(
        {n: c[usable] for n, c in held.items()}, block[usable], total[usable], count[usable]
    )
    return explain(rows, current[: rows.blocks], seed=arguments.seed)


def blocks(time: Any, at: float, window: float | None) -> tuple[Any, Any]:
    """(block per row, -1 where it is in neither window; which blocks are current).

    A block is as long as the current window, or a tenth of the reference where that is shorter.
    Without a window, times on a grid (several rows a step) make one block a step and one step is
    current; other times are cut into REFERENCE_BLOCKS, and everything from `at` on is current.
    """
    steps = np.unique(time)
    late = steps[steps >= at]
    if not len(late) or late[0] == steps[0]:
        raise TableError(
            f"--at {at:.15g} leaves no rows on one side: the times run from {steps[0]:.15g} to"
            f" {steps[-1]:.15g}"
        )
    before = at - float(steps[0])
    if window is None and len(steps) * 2 <= len(time) and len(steps) <= GRID:
        block = np.searchsorted(steps, time)
        used = steps[steps <= late[0]]
        return np.where(time <= late[0], block, -1), used >= at
    length = min(window, before / LEAST) if window else before / REFERENCE_BLOCKS
    cut = np.floor((time - at) / max(length, 1e-9)).astype("int64")
    held = time < at + window if window else np.ones(len(time), bool)
    kept = np.unique(cut[held])
    return np.where(held, np.searchsorted(kept, cut), -1), kept >= 0


def _listed(found: Explanation) -> list[dict[str, Any]]:
    whole = {"before": found.before, "after": found.after, "p_value": found.p_change}
    if found.kind == "none":
        return []
    if found.kind != "segment":
        return [{"segment": {}, "kind": found.kind, "share": 1.0, **whole}]
    return [{"kind": "segment", **asdict(cause)} for cause in found.causes]


def _tell(found: Explanation, measure: str) -> None:
    n, k = found.blocks
    print(f"{measure} went from {found.before:.6g} to {found.after:.6g}"
          f" ({n} reference and {k} current blocks of time; p={found.p_change:.3g} that blocks"
          " differ this much by themselves).")  # fmt: skip
    if found.kind == "none":
        print("No segment moved the way the whole did.")
    if found.kind == "mix":
        print("The mix of segments changed, and that alone explains most of it; no segment did.")
    if found.kind == "everywhere":
        print("It changed everywhere: no small set of segments explains it.")
    for cause in found.causes if found.kind == "segment" else []:
        print(_sentence(cause))
    if found.kind == "segment" and found.causes[0].p_value > 0.05:
        print(f"Not certain: with {n + k} blocks no p-value can be under {found.least_p:.2g}; a"
              " longer reference window would tell more.")  # fmt: skip
    width = max((len(name) for name, _ in found.parts), default=0)
    for name, part in found.parts:
        print(f"  {name:<{width}}  {part:+.6g}")
    if found.parts:
        print(f"  {'together':<{width}}  {found.after - found.before:+.6g}")


def _sentence(cause: Cause) -> str:
    where = " and ".join(f"{c}={', '.join(v)}" for c, v in cause.segment.items())
    return (
        f"{where}: from {cause.before:.6g} to {cause.after:.6g}, {cause.weight:.0%} of current"
        f" weight; explains {cause.share:.0%} of the change (95% interval {cause.share_low:.0%} to"
        f" {cause.share_high:.0%}; p={cause.p_value:.3g}, the search counted)."
    )
