"""Work for evaluators: what is quiet and lacks a score of the current version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.clickhouse import Store
from schemas.evaluation import FILTERS, EvaluationPolicy, Item
from schemas.gen_ai_events import EVENTS
from schemas.queries.scope import across_projects
from schemas.queries.traces import trace_times

_NEVER = "toDateTime64(0, 3, 'UTC')"
_STORED = """
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
            ) GROUP BY trace_id"""
_QUIET = "last < now64(3) - toIntervalSecond({quiet:UInt32})"
_OURS = """project = {project:String} AND evaluator = {evaluator:String}
              AND evaluator_version = {version:String}"""
_WAITS = f"retry_at > {_NEVER} AND retry_at <= now64(3)"


@dataclass(frozen=True, slots=True)
class Split:
    """Which of several workers this is: each has the items whose hash falls to it."""

    worker: int = 0
    workers: int = 1

    def mine(self, key: str) -> str:
        """SQL that holds for this worker's items; `key` is an expression."""
        if self.workers == 1:
            return "1"
        return f"cityHash64({key}) % {int(self.workers)} = {int(self.worker)}"


@dataclass(frozen=True, slots=True)
class Due:
    """The first items that are due, how many there are, and since when the oldest of those that
    were never tried has waited (ms; 0 where there is none)."""

    items: list[Item]
    queue: int = 0
    oldest_ms: int = 0


@across_projects("a worker asks it which projects to look at")
def projects(store: Store, since_ms: int = 0) -> list[str]:
    """Projects that may have something due: of which something was stored since `since_ms`, or an
    error waits to be tried again now. One question for all, where `due` asks for each evaluator."""
    rows = store.rows(
        f"""
        SELECT DISTINCT toString(project) AS project FROM (
            SELECT project FROM spans WHERE stored_at >= fromUnixTimestamp64Milli({{since:Int64}})
            UNION ALL
            SELECT project FROM logs WHERE stored_at >= fromUnixTimestamp64Milli({{since:Int64}})
              AND event_name IN {{events:Array(String)}}
            UNION ALL
            SELECT project FROM scores WHERE {_WAITS}
        ) ORDER BY project
        """,
        since=since_ms,
        events=list(EVENTS),
    )
    return [row["project"] for row in rows]


def due(
    store: Store, project: str, evaluator: str, version: str, quiet_seconds: int, limit: int,
    since_ms: int = 0, level: str = "trace", kinds: Sequence[str] = (),
    rules: Sequence[EvaluationPolicy] = (), split: Split | None = None,
) -> Due:  # fmt: skip
    """Items quiet for `quiet_seconds` with no score since something of them was stored, by when
    that was, and errors whose time to be tried again has come.

    Of what was stored since `since_ms` (0: the whole retention, so that a worker that was cut off
    misses nothing). Level span: spans of `kinds`. With `rules` only what one of them takes, and
    each item says which do.
    """
    named: dict[str, Any] = {
        "project": project, "evaluator": evaluator, "version": version, "quiet": quiet_seconds,
        "limit": limit, "since": since_ms, "events": list(EVENTS), "kinds": list(kinds),
    }  # fmt: skip
    conditions = [_condition(rule, number, named) for number, rule in enumerate(rules)]
    sql = {"trace": _due_traces, "span": _due_spans, "session": _due_sessions}[level]
    rows = store.rows(sql(split or Split(), _any(conditions, level)), **named)
    if not rows:
        return Due([])
    oldest = min((int(row["oldest"]) for row in rows if row["oldest"]), default=0)
    tries = {
        (row["trace_id"], row["span_id"], row["session_id"]): int(row["tries"]) for row in rows
    }
    found = identified(store, project, list(tries), level, kinds, rules)
    made = {(each.trace_id if level != "session" else "", each.span_id if level == "span" else "",
             each.session_id if level == "session" else ""): each for each in found}  # fmt: skip
    items = [made[key].tried(n) for key, n in tries.items() if key in made]
    return Due(items, int(rows[0]["queue"]), oldest)


def _selected(keys: str, joined: str, at: str) -> str:
    """The end of each query: what is due, the new before what is tried again."""
    return f"""
        SELECT {keys}, if(again > {_NEVER} AND scored >= {at}, tries, 0) AS tries,
               count() OVER () AS queue,
               if({at} > {_NEVER}, toUnixTimestamp64Milli({at}), 0) AS oldest
        FROM {joined}
        WHERE scored < {at} OR (again > {_NEVER} AND again <= now64(3))
        ORDER BY {at} = {_NEVER}, {at}, {keys.partition(" AS ")[0]} LIMIT {{limit:UInt32}}"""


def _done(key: str, among: str) -> str:
    return f"""
            SELECT {key}, max(scored_at) AS scored, argMax(retry_at, scored_at) AS again,
                   argMax(attempts, scored_at) AS tries
            FROM scores WHERE {_OURS} AND {among} GROUP BY {key}"""


def _due_traces(split: Split, wanted: str) -> str:
    mine = split.mine("trace_id")
    return f"""
        WITH late AS ({_STORED} HAVING {mine} AND {_QUIET}), ids AS (
            SELECT trace_id, max(last) AS at FROM (
                SELECT trace_id, last FROM late UNION ALL
                SELECT trace_id, {_NEVER} AS last FROM scores WHERE {_OURS} AND {_WAITS} AND {mine}
            ) GROUP BY trace_id
        ), done AS ({_done("trace_id", "trace_id IN (SELECT trace_id FROM ids)")})
        {_selected("ids.trace_id AS trace_id, '' AS span_id, '' AS session_id",
                   "(SELECT * FROM ids WHERE 1 " + wanted + ") AS ids"
                   " LEFT JOIN done ON ids.trace_id = done.trace_id", "ids.at")}"""  # fmt: skip


def _due_spans(split: Split, wanted: str) -> str:
    mine = split.mine("trace_id")
    return f"""
        WITH late AS ({_STORED} HAVING {mine} AND {_QUIET}), ids AS (
            SELECT trace_id, max(last) AS at FROM (
                SELECT trace_id, last FROM late UNION ALL
                SELECT trace_id, {_NEVER} AS last FROM scores WHERE {_OURS} AND {_WAITS} AND {mine}
            ) GROUP BY trace_id
        ), pairs AS (
            SELECT s.trace_id AS trace_id, s.span_id AS span_id, any(ids.at) AS at
            FROM spans AS s INNER JOIN (SELECT * FROM ids WHERE 1 {wanted}) AS ids
                ON s.trace_id = ids.trace_id
            WHERE s.project = {{project:String}} AND s.kind IN {{kinds:Array(String)}}
            GROUP BY s.trace_id, s.span_id
        ), done AS ({_done("trace_id, span_id", "trace_id IN (SELECT trace_id FROM ids)")})
        {_selected("pairs.trace_id AS trace_id, pairs.span_id AS span_id, '' AS session_id",
                   "pairs LEFT JOIN done ON pairs.trace_id = done.trace_id"
                   " AND pairs.span_id = done.span_id", "pairs.at")}"""  # fmt: skip


def _due_sessions(split: Split, wanted: str) -> str:
    mine = split.mine("session_id")
    return f"""
        WITH touched AS ({_STORED}), late AS (
            SELECT session_id, max(touched.last) AS last
            FROM touched INNER JOIN (
                SELECT trace_id, anyIf(session_id, session_id != '') AS session_id FROM spans
                WHERE project = {{project:String}} AND trace_id IN (SELECT trace_id FROM touched)
                GROUP BY trace_id
            ) AS named ON touched.trace_id = named.trace_id
            WHERE session_id != '' GROUP BY session_id HAVING {mine} AND {_QUIET}
        ), ids AS (
            SELECT session_id, max(last) AS at FROM (
                SELECT session_id, last FROM late UNION ALL
                SELECT session_id, {_NEVER} AS last FROM scores
                WHERE {_OURS} AND level = 'session' AND {_WAITS} AND {mine}
            ) GROUP BY session_id
        ), done AS ({_done("session_id", "level = 'session'"
                           " AND session_id IN (SELECT session_id FROM ids)")})
        {_selected("ids.session_id AS session_id, '' AS trace_id, '' AS span_id",
                   "(SELECT * FROM ids WHERE 1 " + wanted + ") AS ids"
                   " LEFT JOIN done ON ids.session_id = done.session_id", "ids.at")}"""  # fmt: skip


def _condition(rule: EvaluationPolicy, number: int, named: dict[str, Any]) -> str:
    """An aggregate over a trace's spans that is 1 where the rule takes it; its values go into
    `named`. Each filter may be met by another span: the model's name is not on the root."""
    parts = []
    for column in FILTERS:
        if values := getattr(rule, column):
            named[f"r{number}_{column}"] = list(values)
            parts.append(f"max({column} IN {{r{number}_{column}:Array(String)}})")
    for place, (key, value) in enumerate(rule.attributes):
        named[f"r{number}_k{place}"], named[f"r{number}_v{place}"] = key, value
        parts.append(f"max(attributes[{{r{number}_k{place}:String}}]"
                     f" = {{r{number}_v{place}:String}})")  # fmt: skip
    return f"({' AND '.join(parts)})" if parts else "toUInt8(1)"


def _any(conditions: Sequence[str], level: str) -> str:
    """Which of the ids a rule takes, as the rest of a WHERE."""
    if not conditions:
        return ""
    some = " OR ".join(conditions)
    if level != "session":
        return f"""AND trace_id IN (
                SELECT trace_id FROM spans WHERE project = {{project:String}}
                  AND trace_id IN (SELECT trace_id FROM ids) GROUP BY trace_id HAVING {some})"""
    return f"""AND session_id IN (
                SELECT session FROM ({_of_sessions("SELECT session_id FROM ids", conditions)})
                WHERE arrayExists(m -> m > 0, matched))"""


def _by_trace(among: str, conditions: Sequence[str], extra: str = "") -> str:
    root = "(parent_span_id != '', start_time)"
    return f"""
            SELECT trace_id, argMin(span_id, {root}) AS root,
                   anyIf(session_id, session_id != '') AS session,
                   min(start_time) AS start, argMin(retention_days, {root}) AS days,
                   argMin(sampling_probability, {root}) AS kept,
                   CAST([{", ".join(conditions)}], 'Array(UInt8)') AS matched{extra}
            FROM spans WHERE project = {{project:String}} AND trace_id IN ({among})
            GROUP BY trace_id"""


def _of_sessions(among: str, conditions: Sequence[str]) -> str:
    """The first trace of each session; a rule takes a session of which it takes a trace. What a
    client's own sampler left out of a session cannot be weighed: it left holes in it."""
    traces = f"""SELECT trace_id FROM spans WHERE project = {{project:String}}
                    AND session_id IN ({among})"""
    inner = _by_trace(traces, conditions)
    return f"""
            SELECT session, argMin(trace_id, start) AS trace_id, '' AS root, min(start) AS first,
                   argMin(days, start) AS days, toFloat64(1) AS kept, maxForEach(matched) AS matched
            FROM ({inner}) WHERE session != '' GROUP BY session"""


def identified(
    store: Store, project: str, keys: Sequence[tuple[str, str, str]], level: str = "trace",
    kinds: Sequence[str] = (), rules: Sequence[EvaluationPolicy] = (),
) -> list[Item]:  # fmt: skip
    """What is known of items without their texts; `keys` are (trace id, span id, session id), of
    which the level uses its own. What is not stored is left out."""
    named: dict[str, Any] = {"project": project, "kinds": list(kinds)}
    conditions = [_condition(rule, number, named) for number, rule in enumerate(rules)]
    if level == "session":
        named["ids"] = sorted({session for _, _, session in keys})
        sql = _of_sessions("SELECT arrayJoin({ids:Array(String)})", conditions)
        rows = store.rows(
            f"SELECT *, toUnixTimestamp64Nano(first) AS at FROM ({sql}) ORDER BY at, session",
            **named,
        )
        return [_item(project, level, row, row["root"], int(row["at"])) for row in rows]
    traces = sorted({trace for trace, _, _ in keys})
    times = trace_times(store, project, traces) if traces else {}
    if not times:
        return []
    named |= {
        "ids": traces, "first": min(first for first, _ in times.values()),
        "last": max(last for _, last in times.values()),
    }  # fmt: skip
    among = """SELECT arrayJoin({ids:Array(String)})
              ) AND start_time >= fromUnixTimestamp64Nano({first:Int64})
                AND (start_time <= fromUnixTimestamp64Nano({last:Int64})"""
    several = ""
    if level == "span":
        several = """, groupUniqArrayIf((span_id, toUnixTimestamp64Nano(start_time),
                        sampling_probability), kind IN {kinds:Array(String)}) AS several"""
    sql = _by_trace(among, conditions, several)
    rows = store.rows(
        f"SELECT *, toUnixTimestamp64Nano(start) AS at FROM ({sql}) ORDER BY at, trace_id", **named
    )
    if level == "trace":
        return [_item(project, level, row, row["root"], int(row["at"])) for row in rows]
    wanted = {(trace, span) for trace, span, _ in keys}
    return [
        _item(project, level, {**row, "kept": kept}, span, int(at))
        for row in rows for span, at, kept in sorted(row["several"], key=lambda each: each[1])
        if (row["trace_id"], span) in wanted
    ]  # fmt: skip


def _item(project: str, level: str, row: dict[str, Any], span: str, start: int) -> Item:
    matched = tuple(number for number, yes in enumerate(row["matched"]) if yes)
    return Item(
        project, level, row["trace_id"], span, row["session"], start, int(row["days"]),
        float(row["kept"]), matched,
    )  # fmt: skip


def still_stored(store: Store, project: str, traces: Sequence[str]) -> set[str]:
    """Those of the traces that were not deleted meanwhile."""
    return set(trace_times(store, project, traces)) if traces else set()


@across_projects("the budget of a rule is one, whatever projects it takes")
def judged(store: Store, rule: str, since_ms: int, split: Split) -> int:
    """Items that a rule had judged since a time, of this worker's share."""
    (row,) = store.rows(
        f"""
        SELECT uniqExact(project, trace_id, span_id, evaluator, evaluator_version) AS n FROM scores
        WHERE rule = {{rule:String}} AND status IN ('scored', 'error')
          AND scored_at >= fromUnixTimestamp64Milli({{since:Int64}})
          AND {split.mine("if(level = 'session', session_id, trace_id)")}
        """,
        rule=rule, since=since_ms,
    )  # fmt: skip
    return int(row["n"])
