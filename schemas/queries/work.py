"""Work for evaluators: quiet traces that lack a score of the current version."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.clickhouse import Store
from schemas.models import Sample
from schemas.queries.traces import trace_times


def unscored(
    store: Store, project: str, evaluator: str, version: str, quiet_seconds: int, limit: int,
    since_ms: int = 0,
) -> list[Sample]:  # fmt: skip
    """Traces quiet for `quiet_seconds` with no score since their last span was stored, by when
    that was; of those stored since `since_ms` (0: the whole retention, so that a worker that was
    cut off misses nothing)."""
    due = store.rows(
        """
        WITH due AS (
            SELECT trace_id, max(stored_at) AS last FROM spans
            WHERE project = {project:String}
              AND stored_at >= fromUnixTimestamp64Milli({since:Int64})
            GROUP BY trace_id HAVING last < now64(3) - toIntervalSecond({quiet:UInt32})
        ), done AS (
            SELECT trace_id, max(scored_at) AS scored FROM scores
            WHERE project = {project:String} AND evaluator = {evaluator:String}
              AND evaluator_version = {version:String}
              AND trace_id IN (SELECT trace_id FROM due) GROUP BY trace_id
        )
        SELECT due.trace_id AS trace_id FROM due LEFT JOIN done ON due.trace_id = done.trace_id
        WHERE done.scored < due.last ORDER BY due.last LIMIT {limit:UInt32}
        """,
        project=project,
        evaluator=evaluator,
        version=version,
        quiet=quiet_seconds,
        limit=limit,
        since=since_ms,
    )
    return samples(store, project, [row["trace_id"] for row in due])


def samples(store: Store, project: str, traces: Sequence[str]) -> list[Sample]:
    """What evaluators see of these traces, oldest first; one that is not stored has none."""
    times = trace_times(store, project, traces) if traces else {}
    if not times:
        return []
    rows = store.rows(
        """
        WITH texts AS (
            SELECT trace_id, span_id, input, output, documents FROM span_texts
            WHERE project = {project:String} AND trace_id IN {traces:Array(String)}
              AND start_time >= fromUnixTimestamp64Nano({first:Int64})
              AND start_time <= fromUnixTimestamp64Nano({last:Int64})
            ORDER BY ingested_at DESC LIMIT 1 BY trace_id, span_id
        )
        SELECT s.trace_id AS trace_id,
               argMin(s.span_id, (s.parent_span_id != '', s.start_time)) AS root,
               any(s.session_id) AS session, toUnixTimestamp64Nano(min(s.start_time)) AS start,
               argMin(s.retention_days, (s.parent_span_id != '', s.start_time)) AS days,
               argMin(p.input, (s.parent_span_id != '', s.start_time)) AS question,
               argMin(p.output, (s.parent_span_id != '', s.start_time)) AS answer,
               arrayDistinct(arrayFlatten(groupArray(p.documents))) AS documents
        FROM spans AS s LEFT JOIN texts AS p ON p.trace_id = s.trace_id AND p.span_id = s.span_id
        WHERE s.project = {project:String} AND s.trace_id IN {traces:Array(String)}
          AND s.start_time >= fromUnixTimestamp64Nano({first:Int64})
          AND s.start_time <= fromUnixTimestamp64Nano({last:Int64})
        GROUP BY s.trace_id ORDER BY start, trace_id
        """,
        project=project,
        traces=list(traces),
        first=min(first for first, _ in times.values()),
        last=max(last for _, last in times.values()),
    )
    return [
        Sample(
            project,
            r["trace_id"],
            r["root"],
            r["session"],
            int(r["start"]),
            r["question"],
            r["answer"],
            tuple(r["documents"]),
            int(r["days"]),
        )
        for r in rows
    ]


def still_stored(store: Store, project: str, traces: Sequence[str]) -> set[str]:
    """Those of the traces that were not deleted meanwhile."""
    return set(trace_times(store, project, traces)) if traces else set()
