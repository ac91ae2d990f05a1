"""What evaluators see of a trace, a span or a session: its texts, never a label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from schemas.clickhouse import Store
from schemas.gen_ai_events import Said
from schemas.models import Sample, ToolCall
from schemas.queries.logs import messages_of
from schemas.queries.traces import trace_times

TURNS = 200  # of a session, the last ones


def of_traces(store: Store, project: str, traces: Sequence[str]) -> list[Sample]:
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
               anyIf(s.session_id, s.session_id != '') AS session,
               toUnixTimestamp64Nano(min(s.start_time)) AS start,
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


def of_spans(store: Store, project: str, pairs: Sequence[tuple[str, str]]) -> list[Sample]:
    """What evaluators see of single spans, given as (trace id, span id). A call of a model that
    holds no documents gets those that were found in its trace before it began; a tool's span is
    one call."""
    traces = sorted({trace for trace, _ in pairs})
    times = trace_times(store, project, traces) if traces else {}
    if not times:
        return []
    rows = store.rows(
        """
        WITH texts AS (
            SELECT trace_id, span_id, input, output, documents, tool_names, tool_arguments
            FROM span_texts
            WHERE project = {project:String} AND trace_id IN {traces:Array(String)}
              AND start_time >= fromUnixTimestamp64Nano({first:Int64})
              AND start_time <= fromUnixTimestamp64Nano({last:Int64})
            ORDER BY ingested_at DESC LIMIT 1 BY trace_id, span_id
        )
        SELECT s.trace_id AS trace_id, s.span_id AS span_id, s.session_id AS session,
               toUnixTimestamp64Nano(s.start_time) AS start, toString(s.kind) AS kind,
               s.status = 'ERROR' AS failed, toString(s.name) AS name, s.retention_days AS days,
               p.input AS input, p.output AS output, p.documents AS documents,
               p.tool_names AS names, p.tool_arguments AS arguments
        FROM spans AS s FINAL LEFT JOIN texts AS p
            ON p.trace_id = s.trace_id AND p.span_id = s.span_id
        WHERE s.project = {project:String} AND s.trace_id IN {traces:Array(String)}
          AND s.start_time >= fromUnixTimestamp64Nano({first:Int64})
          AND s.start_time <= fromUnixTimestamp64Nano({last:Int64})
        ORDER BY s.start_time, s.span_id
        """,
        project=project,
        traces=traces,
        first=min(first for first, _ in times.values()),
        last=max(last for _, last in times.values()),
    )
    logged = messages_of(store, project, traces)
    sessions: dict[str, str] = {}
    for row in rows:
        sessions[row["trace_id"]] = sessions.get(row["trace_id"]) or row["session"]
    found: defaultdict[str, list[str]] = defaultdict(list)
    wanted, made = set(pairs), []
    for row in rows:
        own = list(row["documents"])
        if (row["trace_id"], row["span_id"]) in wanted:
            documents = own or (found[row["trace_id"]] if row["kind"] == "LLM" else [])
            said = logged.get(row["trace_id"], {}).get(row["span_id"])
            made.append(_of_span(project, row, sessions[row["trace_id"]], tuple(documents), said))
        found[row["trace_id"]] += [each for each in own if each not in found[row["trace_id"]]]
    return made


def _of_span(
    project: str, row: Mapping[str, Any], session: str, documents: tuple[str, ...],
    said: Said | None,
) -> Sample:  # fmt: skip
    tools: tuple[ToolCall, ...] = ()
    if row["kind"] == "TOOL":
        name = row["names"][0] if row["names"] else row["name"]
        given = row["arguments"][0] if row["arguments"] else row["input"]
        tools = (ToolCall(name, given, bool(row["failed"])),)
    question = row["input"] or (said.input if said else "")
    answer = row["output"] or (said.output if said else "")
    return Sample(
        project, row["trace_id"], row["span_id"], session, int(row["start"]), question, answer,
        documents, int(row["days"]), tools=tools,
    )  # fmt: skip


def of_sessions(store: Store, project: str, sessions: Sequence[str]) -> list[Sample]:
    """What evaluators see of sessions: the last TURNS traces as turns; all that was asked and all
    that was answered, joined; the documents of all turns. Its ids are those of its first trace,
    without a span."""
    rows = store.rows(
        """
        SELECT session, trace_id, toUnixTimestamp64Nano(start) AS start FROM (
            SELECT trace_id, anyIf(session_id, session_id != '') AS session,
                   min(start_time) AS start
            FROM spans WHERE project = {project:String} AND trace_id IN (
                SELECT trace_id FROM spans WHERE project = {project:String}
                  AND session_id IN {sessions:Array(String)})
            GROUP BY trace_id
        ) WHERE session IN {sessions:Array(String)} ORDER BY session, start, trace_id
        """,
        project=project,
        sessions=list(sessions),
    )
    by_session: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_session[row["session"]].append(row["trace_id"])
    started = {row["trace_id"]: int(row["start"]) for row in rows}
    last = [trace for traces in by_session.values() for trace in traces[-TURNS:]]
    turns = {each.trace_id: each for each in of_traces(store, project, last)}
    made = []
    for session, traces in by_session.items():
        mine = [turns[trace] for trace in traces[-TURNS:] if trace in turns]
        if mine:
            made.append(_of_session(session, traces[0], started[traces[0]], mine))
    return made


def _of_session(session: str, first: str, start: int, turns: Sequence[Sample]) -> Sample:
    return replace(
        turns[0],
        trace_id=first, span_id="", session_id=session, start_time=start,
        question="\n\n".join(turn.question for turn in turns if turn.question.strip()),
        answer="\n\n".join(turn.answer for turn in turns if turn.answer.strip()),
        documents=tuple(dict.fromkeys(text for turn in turns for text in turn.documents)),
        turns=tuple((turn.question, turn.answer) for turn in turns),
    )  # fmt: skip
