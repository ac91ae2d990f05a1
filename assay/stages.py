"""`assay rootcause --stages`: which stage of an application moved the mean score, of a file or of
stored traces."""

from __future__ import annotations

import argparse
import json
import math
import time as clock
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from assay.tables import TableError, column, numbers, read_table
from monitors.questions import frozen_topics
from monitors.rootcause.stage import UNEXPLAINED, Effect, Stages, attribute
from monitors.rootcause.stored import judged
from monitors.stages import Window, attributed
from schemas import clickhouse
from schemas.settings import Settings

ALL = "all"  # stages, where --stages has no value


def told(settings: Settings, arguments: argparse.Namespace) -> str:
    """The report in words, or as one JSON object. Raises TableError, LeavesError, Retryable,
    Permanent."""
    if arguments.project:
        return _stored(settings, arguments)
    found = examine(arguments)
    return _json(found) if arguments.json else _words(found, arguments.measure)


def _json(found: Stages, **more: Any) -> str:
    held = asdict(found) | more
    for effect in held["effects"]:
        effect["share"] = None if math.isnan(effect["share"]) else effect["share"]
    return json.dumps(held, ensure_ascii=False)


def _stored(settings: Settings, arguments: argparse.Namespace) -> str:
    """Of a project's traces that an evaluator scored."""
    since, at, end = window(arguments)
    only = [] if arguments.stages == ALL else [n.strip() for n in arguments.stages.split(",")]
    project, metric = arguments.project, arguments.metric
    store = clickhouse.connect(settings)
    try:
        version = judged(store, project, metric, since, at, end)
        topics = frozen_topics(settings.home, project, ("topic",))
        found = attributed(
            store, project, metric, version, Window(since, at, end), None, topics,
            only, arguments.seed,
        )  # fmt: skip
    finally:
        store.close()
    if arguments.json:
        return _json(found.found, columns=found.columns, sessions=found.sessions,
                     one_in=found.one_in)  # fmt: skip
    read = "; ".join(f"{stage}={','.join(names)}" for stage, names in found.columns.items())
    text = f"{_words(found.found, metric)}\n{found.sessions[0]} sessions before and"
    text += f" {found.sessions[1]} after; looked at {read}."
    drawn = f" One trace in {found.one_in} was drawn." if found.one_in > 1 else ""
    return text + drawn


def window(arguments: argparse.Namespace) -> tuple[int, int, int]:
    """(begin of the reference, of the current window, its end) in ns, of stored traces."""
    if not (arguments.metric and arguments.since):
        raise TableError("--project needs --metric and --since too")
    since, at = _ns(arguments.since, "--since"), _ns(arguments.at, "--at")
    end = clock.time_ns() if arguments.window is None else at + round(arguments.window * 1e9)
    if not since < at < end:
        raise TableError("--since must be before --at, and --at before the end of the window")
    return since, at, end


def _ns(text: str, option: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise TableError(f"{option} {text!r} must be a time like 2026-12-01T08:00") from None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000) * 10**6


def examine(arguments: argparse.Namespace) -> Stages:
    """Read the file; rows before --at are the reference, those from it on (up to --window) the
    current window; rows without a score are left out. Raises TableError or LeavesError."""
    if not (arguments.input and arguments.time_column and arguments.measure):
        raise TableError("--stages needs --input, --time-column and --measure")
    table = read_table(arguments.input)
    score = numbers(table, arguments.measure)
    time, at = moments(column(table, arguments.time_column), arguments.at)
    kept = np.isfinite(score) & (time < at + (arguments.window or np.inf))
    order = np.flatnonzero(kept)[np.argsort(time[kept], kind="stable")]
    stages: dict[str, dict[str, Any]] = {}
    for part in arguments.stages.split(";"):
        name, _, names = part.partition("=")
        wanted = [n.strip() for n in names.split(",") if n.strip()]
        if not (name.strip() and wanted):
            raise TableError(f"--stages {part!r} must be like retrieval=source,top_score")
        stages[name.strip()] = {n: column(table, n)[order] for n in wanted}
    session = (
        column(table, arguments.session)[order] if arguments.session else np.arange(len(order))
    )
    return attribute(stages, score[order], time[order] >= at, session, seed=arguments.seed)


def moments(values: Any, at: str) -> tuple[Any, float]:
    """(seconds or the column's own numbers, the moment asked for in the same unit)."""
    if values.dtype.kind in "iuf":
        try:
            return values.astype("float64"), float(at)
        except ValueError:
            raise TableError(f"--at {at} is no number, and the time column holds numbers") from None
    try:
        times = values.astype("datetime64[us]").astype("int64") / 1e6
        return times, float(np.datetime64(at, "us").astype("int64") / 1e6)
    except ValueError:
        raise TableError("the time column and --at must be numbers or ISO 8601 times") from None


def _words(found: Stages, measure: str) -> str:
    n, k = found.blocks
    lines = [f"{measure} went from {found.before:.6g} to {found.after:.6g} ({n} reference and {k}"
             " current blocks of sessions)."]  # fmt: skip
    lines += [_sentence(e) for e in found.effects if e.named]
    if len(lines) == 1:
        lines.append("No stage moved it for certain.")
    rows = [*((" or ".join(e.stages), e.change) for e in found.effects),
            (UNEXPLAINED, found.unexplained), ("together", found.after - found.before)]  # fmt: skip
    width = max(len(name) for name, _ in rows)
    return "\n".join([*lines, *(f"  {name:<{width}}  {change:+.6g}" for name, change in rows)])


def _sentence(effect: Effect) -> str:
    share = "" if math.isnan(effect.share) else f", {effect.share:.0%} of the change"
    text = (f"{' or '.join(effect.stages)}: {effect.change:+.4g} ({effect.low:+.4g} to"
            f" {effect.high:+.4g}){share}.")  # fmt: skip
    if len(effect.stages) > 1:
        text += " They changed in the same rows: no data here tell them apart."
    return text
