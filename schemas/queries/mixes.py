"""What traffic is made of, by block of time: shares of document sources and of topics of inputs.

The unit is the session: its own shares are averaged, so that a long conversation weighs as much as
a short one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.clickhouse import Store

NO_TOPIC = "(none known)"
_RANGE = """s.project = {project:String}
              AND s.start_time >= fromUnixTimestamp64Nano({start:Int64})
              AND s.start_time < fromUnixTimestamp64Nano({end:Int64})"""
_UNIT = """if(any(s.session_id) = '', s.trace_id, any(s.session_id)) AS unit,
                       intDiv(toUnixTimestamp(min(s.start_time)), {seconds:UInt32}) AS block"""
_SHARES = """
        SELECT block, value, sum(countEqual(found, value) / length(found)) / any(units) AS share,
               any(units) AS sessions
        FROM (SELECT block, found, count() OVER (PARTITION BY block) AS units FROM units)
        ARRAY JOIN arrayDistinct(found) AS value
        WHERE units >= {least:UInt32} GROUP BY block, value ORDER BY block, value"""


@dataclass(frozen=True, slots=True)
class Frozen:
    """Topics as a query knows them: `centres` of length 1, the cosine `far` from all of which an
    input is of NO_TOPIC; of several labels that are alike the number tells which."""

    centres: Sequence[Sequence[float]]
    labels: Sequence[str]
    far: float

    def names(self) -> list[str]:
        """A name for each topic, none twice."""
        return [
            label if list(self.labels).count(label) == 1 else f"{label} ({number})"
            for number, label in enumerate(self.labels)
        ]

    def sql(self) -> tuple[str, dict[str, Any]]:
        """(subquery of trace, topic; its parameters) of the embedded inputs in [start, end)."""
        size = len(self.centres[0])
        # As text: a parameter travels in the address of a request, for which it is too long.
        centres = ",".join("[" + ",".join(f"{x:.5g}" for x in each) + "]" for each in self.centres)
        query = f"""
            SELECT trace_id AS trace, any(vector) AS v,
                   arrayMap(c -> dotProduct(v, c) / L2Norm(v),
                            CAST([{centres}] AS Array(Array(Float32)))) AS near,
                   if(1 - arrayMax(near) <= {{far:Float64}},
                      {{names:Array(String)}}[indexOf(near, arrayMax(near))],
                      {{none:String}}) AS topic
            FROM embeddings FINAL
            WHERE project = {{project:String}} AND field = 'input' AND length(vector) = {size}
              AND span_start >= fromUnixTimestamp64Nano({{start:Int64}})
              AND span_start < fromUnixTimestamp64Nano({{end:Int64}})
            GROUP BY trace_id"""
        return query, {"far": float(self.far), "names": self.names(), "none": NO_TOPIC}


def sources(
    store: Store, project: str, start_ns: int, end_ns: int, seconds: int, least: int
) -> list[dict[str, Any]]:
    """Of each block with `least` sessions whose retrievals name a document source: block, value,
    share (the mean over those sessions), sessions. A value that a block lacks has no row."""
    return store.rows(
        f"""
        WITH units AS (
            SELECT block, unit, groupArrayArray(here) AS found FROM (
                SELECT {_UNIT},
                       groupArray(toString(s.document_source)) AS here
                FROM spans AS s FINAL
                WHERE {_RANGE} AND s.kind = 'RETRIEVER' AND s.document_source != ''
                GROUP BY s.trace_id
            ) GROUP BY block, unit
        ) {_SHARES}
        """,
        project=project, start=start_ns, end=end_ns, seconds=seconds, least=least,
    )  # fmt: skip


def topics(
    store: Store, project: str, frozen: Frozen, start_ns: int, end_ns: int, seconds: int, least: int
) -> list[dict[str, Any]]:
    """The same of topics of embedded inputs."""
    query, named = frozen.sql()
    return store.rows(
        f"""
        WITH units AS (
            SELECT block, unit, groupArray(topic) AS found FROM (
                SELECT {_UNIT},
                       any(t.topic) AS topic
                FROM spans AS s FINAL INNER JOIN ({query}) AS t ON t.trace = s.trace_id
                WHERE {_RANGE} GROUP BY s.trace_id
            ) GROUP BY block, unit
        ) {_SHARES}
        """,
        project=project, start=start_ns, end=end_ns, seconds=seconds, least=least, **named,
    )  # fmt: skip


def topic_traces(
    store: Store, project: str, frozen: Frozen, topic: str, start_ns: int, end_ns: int
) -> list[str]:
    """Up to five newest traces in [start, end) whose input is of a topic."""
    query, named = frozen.sql()
    rows = store.rows(
        f"""
        SELECT s.trace_id AS trace, max(s.start_time) AS at
        FROM spans AS s INNER JOIN ({query}) AS t ON t.trace = s.trace_id
        WHERE {_RANGE} AND t.topic = {{topic:String}}
        GROUP BY s.trace_id ORDER BY at DESC, trace LIMIT 5
        """,
        project=project, start=start_ns, end=end_ns, topic=topic, **named,
    )  # fmt: skip
    return [str(row["trace"]) for row in rows]
