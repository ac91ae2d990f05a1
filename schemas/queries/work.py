"""Work for evaluators: quiet traces that lack a score of the current version."""

from __future__ import annotations

from schemas.clickhouse import Store
from schemas.models import Sample


def unscored(
    store: Store, project: str, evaluator: str, version: str, quiet_seconds: int, limit: int
) -> list[Sample]:
    """Traces quiet for `quiet_seconds` with no score since their last span was stored.

    The anti-join covers the whole retention, so a cut-off worker misses nothing.
    """
    rows = store.rows(
        """
        WITH due AS (
            SELECT trace_id, max(stored_at) AS last FROM spans
            WHERE project = {project:String} GROUP BY trace_id
            HAVING last < now64(3) - toIntervalSecond({quiet:UInt32})
        ), done AS (
            SELECT trace_id, max(scored_at) AS scored FROM scores
            WHERE project = {project:String} AND evaluator = {evaluator:String}
              AND evaluator_version = {version:String} GROUP BY trace_id
        )
        SELECT s.trace_id AS trace_id,
               argMin(s.span_id, (s.parent_span_id != '', s.start_time)) AS root,
               any(s.session_id) AS session, toUnixTimestamp64Nano(min(s.start_time)) AS start,
               argMin(p.input, (s.parent_span_id != '', s.start_time)) AS question,
               argMin(p.output, (s.parent_span_id != '', s.start_time)) AS answer,
               arrayDistinct(arrayFlatten(groupArray(p.documents))) AS documents
        FROM spans AS s
        LEFT JOIN span_texts AS p ON p.project = s.project AND p.trace_id = s.trace_id
            AND p.span_id = s.span_id
        WHERE s.project = {project:String} AND p.project = {project:String} AND s.trace_id IN (
            SELECT due.trace_id FROM due LEFT JOIN done ON due.trace_id = done.trace_id
            WHERE done.scored < due.last ORDER BY due.last LIMIT {limit:UInt32})
        GROUP BY s.trace_id
        """,
        project=project,
        evaluator=evaluator,
        version=version,
        quiet=quiet_seconds,
        limit=limit,
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
        )
        for r in rows
    ]
