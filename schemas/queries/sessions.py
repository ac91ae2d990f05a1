"""Sessions: conversations of several traces, and what they cost."""

from __future__ import annotations

from typing import Any

from schemas.clickhouse import Store
from schemas.estimates.ratios import ratio
from schemas.queries.traces import WINDOWS, trace_times

HOUR = 3600 * 10**9

_RANGE = """project = {project:String}
          AND start_time >= fromUnixTimestamp64Nano({start:Int64})
          AND start_time < fromUnixTimestamp64Nano({end:Int64})"""


def list_sessions(
    store: Store, project: str, start_ns: int, end_ns: int, limit: int = 200, user: str = ""
) -> list[dict[str, Any]]:
    """Sessions with a span in [start, end) (of one user where named), newest first: session_id,
    user_id, start_ns, last_ns, traces, spans, errors (spans), tokens, cost_usd.
    Spans without a session are left out."""
    names = [] if user else _newest(store, project, start_ns, end_ns, limit)
    mine = f"""SELECT session_id FROM spans
                WHERE {_RANGE} AND user_id = {{user:String}} AND session_id != ''"""
    some = f"session_id IN ({mine})" if user else "session_id IN {names:Array(String)}"
    # Of the sorting key, a trace may be looked for before FINAL: by spans' index of ids.
    return store.rows(
        f"""
        SELECT session_id, anyIf(s.user_id, s.user_id != '') AS user_id,
               toUnixTimestamp64Nano(min(start_time)) AS start_ns,
               toUnixTimestamp64Nano(max(start_time)) AS last_ns,
               uniqExact(trace_id) AS traces, count() AS spans,
               countIf(s.status = 'ERROR') AS errors,
               sum(s.input_tokens) + sum(s.output_tokens) AS tokens, sum(s.cost_usd) AS cost_usd
        FROM spans AS s FINAL
        PREWHERE trace_id IN (SELECT trace_id FROM spans WHERE {_RANGE} AND {some})
        WHERE {_RANGE} AND {some} GROUP BY session_id
        HAVING {{user:String}} = '' OR countIf(s.user_id = {{user:String}}) > 0
        ORDER BY last_ns DESC, session_id LIMIT {{limit:UInt32}}
        """,
        project=project, start=start_ns, end=end_ns, limit=limit, user=user, names=names,
    )  # fmt: skip


def _newest(store: Store, project: str, start_ns: int, end_ns: int, limit: int) -> list[str]:
    """The sessions whose last spans of a range are newest: told from its end alone, so a window
    that ends there widens until there are enough."""
    names: list[str] = []
    for begin in [*(end_ns - w for w in WINDOWS if end_ns - w > start_ns), start_ns]:
        rows = store.rows(
            f"""
            SELECT session_id, max(start_time) AS last FROM spans FINAL
            WHERE {_RANGE} AND session_id != '' GROUP BY session_id
            ORDER BY last DESC, session_id LIMIT {{limit:UInt32}}
            """,
            project=project, start=begin, end=end_ns, limit=limit,
        )  # fmt: skip
        names = [row["session_id"] for row in rows]
        if len(names) == limit:
            break
    return names


def users(
    store: Store, project: str, start_ns: int, end_ns: int, limit: int = 100
) -> list[dict[str, Any]]:
    """Users with a span in [start, end), dearest first: user_id, sessions, traces, failed (traces
    with a failed span), tokens, cost_usd, last_ns."""
    return store.rows(
        f"""
        SELECT user_id, uniqExactIf(cityHash64(session_id), session_id != '') AS sessions,
               uniqExact(cityHash64(trace_id)) AS traces,
               uniqExactIf(cityHash64(trace_id), s.status = 'ERROR') AS failed,
               sum(s.input_tokens) + sum(s.output_tokens) AS tokens, sum(s.cost_usd) AS cost_usd,
               toUnixTimestamp64Nano(max(start_time)) AS last_ns
        FROM spans AS s FINAL WHERE {_RANGE} AND user_id != ''
        GROUP BY user_id ORDER BY cost_usd DESC, tokens DESC, user_id LIMIT {{limit:UInt32}}
        """,
        project=project, start=start_ns, end=end_ns, limit=limit,
    )  # fmt: skip


def user_scores(
    store: Store, project: str, start_ns: int, end_ns: int, users: list[str]
) -> dict[str, list[tuple[str, float, float, int]]]:
    """(evaluator, mean over traces, half of its 95% interval by session (NaN for one), traces) by
    user, of each evaluator's newest version, over traces that began in [start, end)."""
    rows = store.rows(
        f"""
        SELECT user, name, count() AS sessions, sum(n) AS items, sum(a) AS w, sum(b) AS v,
               sum(a * a) AS ww, sum(a * b) AS vw, sum(b * b) AS vv
        FROM (
            SELECT u.user AS user, name, unit, count() AS n, sum(worth) AS a, sum(x * worth) AS b
            FROM (
                SELECT cityHash64(trace_id) AS trace, toString(evaluator) AS name,
                       argMax(value, scored_at) AS x,
                       argMax(if(probability > 0, 1 / probability, 1), scored_at) AS worth,
                       any(cityHash64(if(session_id = '', trace_id, session_id))) AS unit
                FROM scores
                WHERE project = {{project:String}} AND status = 'scored'
                  AND span_start >= fromUnixTimestamp64Nano({{start:Int64}})
                  AND span_start < fromUnixTimestamp64Nano({{end:Int64}})
                  AND (evaluator, evaluator_version) IN (
                    SELECT evaluator, argMax(evaluator_version, scored_at) FROM scores
                    WHERE project = {{project:String}} GROUP BY evaluator)
                GROUP BY trace, name
            ) AS s INNER JOIN (
                SELECT cityHash64(trace_id) AS trace, any(user_id) AS user FROM spans
                WHERE {_RANGE} AND user_id IN {{users:Array(String)}} GROUP BY trace
            ) AS u ON u.trace = s.trace
            GROUP BY user, name, unit
        ) GROUP BY user, name ORDER BY user, name
        """,
        project=project, start=start_ns, end=end_ns, users=users,
    )  # fmt: skip
    found: dict[str, list[tuple[str, float, float, int]]] = {}
    for row in rows:
        mean, half = ratio(row, int(row["sessions"]))
        found.setdefault(row["user"], []).append((row["name"], mean, half, int(row["items"])))
    return found


def session_turns(
    store: Store, project: str, session_id: str, limit: int = 500
) -> list[dict[str, Any]]:
    """The traces of a session, oldest first: trace_id, start_ns, duration_ms, name, input, output
    (previews of the root, else of the first call of a model), errors, cost_usd."""
    return store.rows(
        """
        SELECT trace_id, toUnixTimestamp64Nano(min(s.start_time)) AS start_ns,
               max(s.duration_ns) / 1e6 AS duration_ms,
               argMin(toString(s.name), s.start_time) AS name,
               argMinIf(s.input_preview, s.start_time, s.input_preview != '') AS input,
               argMinIf(s.output_preview, s.start_time, s.output_preview != '') AS output,
               countIf(s.status = 'ERROR') AS errors, sum(s.cost_usd) AS cost_usd
        FROM spans AS s FINAL
        PREWHERE trace_id IN (
            SELECT trace_id FROM spans WHERE project = {project:String}
            AND session_id = {session:String})
        WHERE project = {project:String}
        GROUP BY trace_id ORDER BY start_ns, trace_id LIMIT {limit:UInt32}
        """,
        project=project, session=session_id, limit=limit,
    )  # fmt: skip


def judged_between(store: Store, project: str, traces: list[str]) -> tuple[int, int]:
    """The moments (ns) between which spans of these traces began that were judged: scores are
    ordered by day, and one by its trace alone would be looked for in all of them."""
    times = trace_times(store, project, traces)
    if len(times) < len(set(traces)):  # one may just be arriving
        return 0, 2**62
    first = min((first for first, _ in times.values()), default=HOUR)
    return max(0, first - HOUR), max((last for _, last in times.values()), default=0) + HOUR


def session_scores(store: Store, project: str, traces: list[str]) -> dict[str, list[Any]]:
    """(evaluator, status, value) by trace, of each evaluator's newest verdict."""
    since, until = judged_between(store, project, traces)
    rows = store.rows(
        """
        SELECT trace_id, toString(evaluator) AS name, toString(status) AS state, value
        FROM scores FINAL PREWHERE trace_id IN {traces:Array(String)}
        WHERE project = {project:String}
          AND span_start >= fromUnixTimestamp64Nano({since:Int64})
          AND span_start <= fromUnixTimestamp64Nano({until:Int64})
        ORDER BY scored_at DESC LIMIT 1 BY trace_id, name
        """,
        project=project, traces=traces, since=since, until=until,
    )  # fmt: skip
    found: dict[str, list[Any]] = {}
    for row in sorted(rows, key=lambda row: row["name"]):
        found.setdefault(row["trace_id"], []).append((row["name"], row["state"], row["value"]))
    return found
