"""Work for evaluators: quiet traces that lack a score of the current version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.clickhouse import Store
from schemas.gen_ai_events import EVENTS, Said
from schemas.models import Sample
from schemas.queries.logs import messages_of
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
            SELECT trace_id, max(stored_at) AS last FROM (
                SELECT trace_id, stored_at FROM spans
                WHERE project = {project:String}
                  AND stored_at >= fromUnixTimestamp64Milli({since:Int64})
                UNION ALL
                SELECT trace_id, stored_at FROM logs
                WHERE project = {project:String}
                  AND stored_at >= fromUnixTimestamp64Milli({since:Int64})
                  AND event_name IN {events:Array(String)}
                  AND trace_id IN (
                    SELECT trace_id FROM trace_times WHERE project = {project:String})
            ) GROUP BY trace_id HAVING last < now64(3) - toIntervalSecond({quiet:UInt32})
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
        events=list(EVENTS),
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
        ), s.kind IN ('LLM', 'AGENT', 'CHAIN') AS speaks
        SELECT s.trace_id AS trace_id,
               argMin(s.span_id, (s.parent_span_id != '', s.start_time)) AS root,
               any(s.session_id) AS session, toUnixTimestamp64Nano(min(s.start_time)) AS start,
               argMin(s.retention_days, (s.parent_span_id != '', s.start_time)) AS days,
               argMin(p.input, (s.parent_span_id != '', s.start_time)) AS question,
               argMin(p.output, (s.parent_span_id != '', s.start_time)) AS answer,
               argMinIf(p.input, s.start_time, speaks AND p.input != '') AS first_input,
               argMaxIf(p.output, s.start_time, speaks AND p.output != '') AS last_output,
               arraySort(x -> x.1, groupArrayIf((s.start_time, s.span_id), s.kind = 'LLM'))
                   AS calls,
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
    bare = [r["trace_id"] for r in rows if not (r["question"] and r["answer"])]
    logged = messages_of(store, project, bare) if bare else {}
    return [_sample(project, row, logged.get(row["trace_id"], {})) for row in rows]


def _sample(project: str, row: Mapping[str, Any], logged: Mapping[str, Said]) -> Sample:
    """The root's texts; where it has none, what log events say of the calls of models, else the
    first input and the last output of a span below it."""
    calls = [span for _, span in row["calls"] if span in logged]
    ask = next((logged[span].input for span in calls if logged[span].input), "")
    answer = next((logged[span].output for span in reversed(calls) if logged[span].output), "")
    return Sample(
        project,
        row["trace_id"],
        row["root"],
        row["session"],
        int(row["start"]),
        row["question"] or ask or row["first_input"],
        row["answer"] or answer or row["last_output"],
        tuple(row["documents"]),
        int(row["days"]),
    )


def still_stored(store: Store, project: str, traces: Sequence[str]) -> set[str]:
    """Those of the traces that were not deleted meanwhile."""
    return set(trace_times(store, project, traces)) if traces else set()
