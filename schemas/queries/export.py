"""Spans and scores of a project by time, whole, in pieces that fit in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from schemas.clickhouse import Store
from schemas.queries.logs import messages_of
from schemas.queries.spans import NO_TEXT, joined

PIECE = 2000  # spans that a piece is meant to have
_RANGE = """project = {project:String} AND start_time >= fromUnixTimestamp64Nano({start:Int64})
              AND start_time < fromUnixTimestamp64Nano({end:Int64})"""


def cuts(store: Store, project: str, start_ns: int, end_ns: int) -> list[tuple[int, int]]:
    """Ranges of time of about PIECE spans, oldest first, that together hold every span there is."""
    seconds = store.rows(
        f"""
        SELECT toUnixTimestamp(start_time) AS second, count() AS n FROM spans WHERE {_RANGE}
        GROUP BY second ORDER BY second
        """,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip
    found: list[tuple[int, int]] = []
    begin, held = start_ns, 0
    for row in seconds:
        at = int(row["second"]) * 10**9
        if held and held + int(row["n"]) > PIECE:
            found.append((begin, max(at, begin)))
            begin, held = max(at, begin), 0
        held += int(row["n"])
    return [*found, (begin, end_ns)] if held else found


def spans_between(
    store: Store, project: str, start_ns: int, end_ns: int
) -> Iterator[dict[str, Any]]:
    """Spans that start in [start, end), each once, oldest first, with texts, and messages that came
    as log events: columns of `spans` less previews, plus start_ns and those of `span_texts`."""
    named = {"project": project, "start": start_ns, "end": end_ns}
    rows = store.rows(
        f"""
        SELECT *, toUnixTimestamp64Nano(start_time) AS start_ns FROM spans FINAL WHERE {_RANGE}
        ORDER BY start_time, trace_id, span_id
        """,
        **named,
    )
    texts = store.rows(
        f"""
        SELECT * EXCEPT (project, start_time, retention_days, ingested_at) FROM span_texts
        WHERE {_RANGE} ORDER BY ingested_at DESC LIMIT 1 BY trace_id, span_id
        """,
        **named,
    )
    by_id = {(text["trace_id"], text["span_id"]): text for text in texts}
    traces = sorted({row["trace_id"] for row in rows})
    said = messages_of(store, project, traces) if traces else {}
    for row in rows:
        whole = {**NO_TEXT, **row, **by_id.get((row["trace_id"], row["span_id"]), {})}
        yield joined(whole, said.get(row["trace_id"], {}).get(row["span_id"]))


def scores_between(store: Store, project: str, start_ns: int, end_ns: int) -> list[dict[str, Any]]:
    """Scores of what started in [start, end): columns of ScoreRow, times as datetimes."""
    return store.rows(
        """
        SELECT * EXCEPT (retention_days) FROM scores FINAL
        WHERE project = {project:String} AND span_start >= fromUnixTimestamp64Nano({start:Int64})
          AND span_start < fromUnixTimestamp64Nano({end:Int64})
        ORDER BY span_start, trace_id, span_id, evaluator
        """,
        project=project, start=start_ns, end=end_ns,
    )  # fmt: skip


def events_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    """A span's events: name, time (ns), attributes."""
    return list(json.loads(row["events"])) if row["events"] else []
