"""What a project stores of a time, item by item: for backfills and for runs over a query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.evaluation import Item
from schemas.queries.export import cuts
from schemas.queries.work import identified

HOUR, DAY = 3600 * 10**9, 86400 * 10**9  # how long a trace, and a session, are taken to last
_KEYS = {
    "trace": "trace_id, '' AS span_id, '' AS session_id",
    "span": "trace_id, span_id, '' AS session_id",
    "session": "'' AS trace_id, '' AS span_id, session_id",
}


def slices(store: Store, project: str, start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    """Ranges of time with about 2,000 spans each, oldest first."""
    yield from cuts(store, project, start_ns, end_ns)


def _began(level: str) -> str:
    """The items that began in [start, end)."""
    group = {"trace": "trace_id", "span": "trace_id, span_id", "session": "session_id"}[level]
    some = {"trace": "", "span": " AND kind IN {kinds:Array(String)}",
            "session": " AND session_id != ''"}[level]  # fmt: skip
    return f"""
            SELECT {_KEYS[level]}, min(start_time) AS began FROM spans
            WHERE project = {{project:String}}
              AND start_time >= fromUnixTimestamp64Nano({{earlier:Int64}})
              AND start_time < fromUnixTimestamp64Nano({{end:Int64}}){some}
            GROUP BY {group} HAVING began >= fromUnixTimestamp64Nano({{start:Int64}})"""


def _named(
    project: str, start_ns: int, end_ns: int, level: str, kinds: Sequence[str]
) -> dict[str, Any]:
    # A span begins but once; what holds several is looked for a while before.
    before = {"trace": HOUR, "span": 0, "session": DAY}[level]
    return {"project": project, "start": start_ns, "end": end_ns, "earlier": start_ns - before,
            "kinds": list(kinds)}  # fmt: skip


def count(
    store: Store, project: str, start_ns: int, end_ns: int, level: str = "trace",
    kinds: Sequence[str] = (),
) -> int:  # fmt: skip
    """How many items of a level began in [start, end)."""
    named = _named(project, start_ns, end_ns, level, kinds)
    (row,) = store.rows(f"SELECT count() AS n FROM ({_began(level)})", **named)
    return int(row["n"])


def items(
    store: Store, project: str, start_ns: int, end_ns: int, level: str = "trace",
    kinds: Sequence[str] = (),
) -> list[Item]:  # fmt: skip
    """Items of a level that began in [start, end), oldest first."""
    named = _named(project, start_ns, end_ns, level, kinds)
    rows = store.rows(f"SELECT * EXCEPT began FROM ({_began(level)})", **named)
    keys = [(row["trace_id"], row["span_id"], row["session_id"]) for row in rows]
    return identified(store, project, keys, level, kinds) if keys else []


def scored(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int,
    rule: str = "", probability: float = 1.0, level: str = "trace",
) -> set[str]:  # fmt: skip
    """Keys (Item.key) of what has a row of the version that was drawn with at least this
    probability, or by this rule; an error that will be tried again is none."""
    key = {"trace": "trace_id", "span": "concat(trace_id, span_id)", "session": "session_id"}[level]
    rows = store.rows(
        f"""
        SELECT {key} AS item, argMax((rule, probability, retry_at), scored_at) AS row FROM scores
        WHERE project = {{project:String}} AND evaluator = {{evaluator:String}}
          AND evaluator_version = {{version:String}} AND level = '{level}'
          AND span_start >= fromUnixTimestamp64Nano({{start:Int64}})
          AND span_start < fromUnixTimestamp64Nano({{end:Int64}})
        GROUP BY item
        HAVING (row.1 = {{rule:String}} OR row.2 >= {{probability:Float64}})
           AND row.3 = toDateTime64(0, 3, 'UTC')
        """,
        project=project, evaluator=evaluator, version=version, start=start_ns, end=end_ns,
        rule=rule, probability=probability,
    )  # fmt: skip
    return {row["item"] for row in rows}
