"""How long the traces of a range took: percentiles, and counts over time and latency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.filters import Condition
from schemas.queries.traces import Matching

_ROOTS = """project = {project:String} AND parent_span_id = ''
          AND start_time >= fromUnixTimestamp64Nano({start:Int64})
          AND start_time < fromUnixTimestamp64Nano({end:Int64})"""
STEPS = 4  # bands of latency to a factor of ten


def _which(search: str, conditions: Sequence[Condition]) -> tuple[str, dict[str, Any]]:
    if not search and not conditions:
        return "", {}
    source, every, named = Matching(search, conditions).source()
    chosen = f"SELECT trace_id {source} GROUP BY trace_id HAVING {every}"
    return f" AND trace_id IN ({chosen})", named


def percentiles(
    store: Store, project: str, start_ns: int, end_ns: int, search: str = "",
    conditions: Sequence[Condition] = (),
) -> dict[str, Any]:  # fmt: skip
    """Of root spans that began in [start, end), of the traces that match as in `list_traces`:
    traces, failed (roots), p50, p90, p95, p99 (ms, t-digest; NaN without one), first_p50 and
    first_p95 (ms to the first token, of those that tell it)."""
    also, named = _which(search, conditions)
    (row,) = store.rows(
        f"""
        SELECT count() AS traces, countIf(status = 'ERROR') AS failed,
               quantilesTDigest(0.5, 0.9, 0.95, 0.99)(duration_ns / 1e6) AS q,
               quantilesTDigestIf(0.5, 0.95)(first_token_ns / 1e6, first_token_ns > 0) AS f
        FROM spans WHERE {_ROOTS}{also}
        """,
        project=project, start=start_ns, end=end_ns, **named,
    )  # fmt: skip
    names = zip(("p50", "p90", "p95", "p99"), row["q"], strict=True)
    firsts = zip(("first_p50", "first_p95"), row["f"], strict=True)
    return {
        "traces": row["traces"], "failed": row["failed"],
        **{k: float(v) for k, v in [*names, *firsts]},
    }  # fmt: skip


def heat(
    store: Store, project: str, start_ns: int, end_ns: int, search: str = "",
    conditions: Sequence[Condition] = (), columns: int = 60,
) -> list[dict[str, Any]]:  # fmt: skip
    """Root spans by when they began and how long they took: at_ns (start of the cell; a cell is
    `width` ns wide), width, low_ms and high_ms (a band, STEPS to a factor of ten), traces,
    failed."""
    width = max(10**9, -(-(end_ns - start_ns) // columns))
    also, named = _which(search, conditions)
    rows = store.rows(
        f"""
        SELECT intDiv(toUnixTimestamp64Nano(start_time) - {{start:Int64}}, {{width:Int64}}) AS cell,
               toInt16(floor(log10(greatest(duration_ns, 1000) / 1e6) * {STEPS})) AS band,
               count() AS traces, countIf(status = 'ERROR') AS failed
        FROM spans WHERE {_ROOTS}{also} GROUP BY cell, band ORDER BY cell, band
        """,
        project=project, start=start_ns, end=end_ns, width=width, **named,
    )  # fmt: skip
    return [
        {
            "at_ns": start_ns + int(row["cell"]) * width, "width": width,
            "low_ms": 10 ** (row["band"] / STEPS), "high_ms": 10 ** ((row["band"] + 1) / STEPS),
            "traces": int(row["traces"]), "failed": int(row["failed"]),
        }
        for row in rows
    ]  # fmt: skip
