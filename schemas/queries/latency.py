"""How long the traces of a range took: percentiles, and counts over time and latency."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.clickhouse import Store
from schemas.filters import Condition
from schemas.queries.traces import Matching

_ROOTS = """project = {project:String} AND parent_span_id = ''
          AND start_time >= fromUnixTimestamp64Nano({start:Int64})
          AND start_time < fromUnixTimestamp64Nano({end:Int64})"""
STEPS = 4  # bands of latency to a factor of ten


@dataclass(frozen=True, slots=True)
class Latency:
    """Of root spans that began in a range. `figures`: traces, failed (roots), p50, p90, p95, p99
    (ms, t-digest; NaN without one), first_p50 and first_p95 (ms to the first token, of those that
    tell it). `cells`, by when they began and how long they took: at_ns (start of the cell; a cell
    is `width` ns wide), width, low_ms and high_ms (a band, STEPS to a factor of ten), traces,
    failed."""

    figures: dict[str, Any]
    cells: list[dict[str, Any]]


def latency(
    store: Store, project: str, start_ns: int, end_ns: int, search: str = "",
    conditions: Sequence[Condition] = (), columns: int = 60,
) -> Latency:  # fmt: skip
    """Of root spans that began in [start, end), of the traces that match as in `list_traces`: one
    query, since both sides of it read the same rows."""
    width = max(10**9, -(-(end_ns - start_ns) // columns))
    chosen, named = Matching(search, conditions).chosen()
    rows = store.rows(
        f"""
        SELECT intDiv(toUnixTimestamp64Nano(start_time) - {{start:Int64}}, {{width:Int64}}) AS cell,
               toInt16(floor(log10(greatest(duration_ns, 1000) / 1e6) * {STEPS})) AS band,
               grouping(cell, band) > 0 AS whole,
               count() AS traces, countIf(status = 'ERROR') AS failed,
               quantilesTDigest(0.5, 0.9, 0.95, 0.99)(duration_ns / 1e6) AS q,
               quantilesTDigestIf(0.5, 0.95)(first_token_ns / 1e6, first_token_ns > 0) AS f
        FROM spans WHERE {_ROOTS} AND {chosen}
        GROUP BY GROUPING SETS ((cell, band), ()) ORDER BY whole, cell, band
        """,
        project=project, start=start_ns, end=end_ns, width=width, **named,
    )  # fmt: skip
    if not rows or not rows[-1]["whole"]:
        rows.append({"traces": 0, "failed": 0, "q": [math.nan] * 4, "f": [math.nan] * 2})
    return Latency(
        _figures(rows[-1]),
        [
            {
                "at_ns": start_ns + int(row["cell"]) * width, "width": width,
                "low_ms": 10 ** (row["band"] / STEPS), "high_ms": 10 ** ((row["band"] + 1) / STEPS),
                "traces": int(row["traces"]), "failed": int(row["failed"]),
            }
            for row in rows[:-1]
        ],
    )  # fmt: skip


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    names = zip(("p50", "p90", "p95", "p99"), row["q"], strict=True)
    firsts = zip(("first_p50", "first_p95"), row["f"], strict=True)
    return {
        "traces": row["traces"], "failed": row["failed"],
        **{k: float(v) for k, v in [*names, *firsts]},
    }  # fmt: skip
