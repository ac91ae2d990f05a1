"""Rows under another retention: a changed policy is written into what is stored already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.clickhouse import Store
from schemas.errors import Permanent
from schemas.queries.scope import across_projects

# Tables whose partition is (retention_days, day), and the time that both are told by. For
# trace_times the last span counts, as in its TTL.
MOVED = {
    "span_texts": "start_time", "spans": "start_time", "logs": "time", "metrics": "time",
    "trace_times": "last",
}  # fmt: skip
KEYS = {
    "span_texts": "trace_id, span_id", "spans": "trace_id, span_id", "logs": "log_id",
    "metrics": "point_id", "trace_times": "trace_id",
}  # fmt: skip
UPDATED = {"scores": "span_start", "embeddings": "span_start"}
_MINE = "project = {project:String} AND retention_days IN {old:Array(UInt16)}"


@dataclass(frozen=True, slots=True)
class Move:
    """Rows of one table and day that carry one of the `old` retentions."""

    table: str
    day: str
    rows: int


def held(store: Store, project: str) -> list[dict[str, Any]]:
    """Spans by retention_days: what a project's rows say, whatever its policy is."""
    return store.rows(
        """
        SELECT retention_days AS days, count() AS spans FROM spans WHERE project = {project:String}
        GROUP BY days ORDER BY days
        """,
        project=project,
    )


def moves(store: Store, project: str, old: Sequence[int]) -> Iterator[Move]:
    """What carries one of the `old` retentions, texts before their spans, oldest day first."""
    for table, time in MOVED.items():
        rows = store.rows(
            f"""
            SELECT toString(toDate({time})) AS day, count() AS n FROM {table} WHERE {_MINE}
            GROUP BY day ORDER BY day
            """,
            project=project,
            old=list(old),
        )
        for row in rows:
            yield Move(table, row["day"], int(row["n"]))


def move(store: Store, project: str, one: Move, old: Sequence[int], new: int, token: str) -> None:
    """Copy a day's rows that are younger than `new` days under `new`, and delete those that carry
    an old retention. For a moment both are there; a cut-off move is repeated under its token.
    Raises Permanent where the copy is not whole: then nothing is deleted."""
    time, key = MOVED[one.table], KEYS[one.table]
    day = f"{_MINE} AND toDate({time}) = toDate({{day:String}})"
    # Rows of one trace are merged in trace_times, so that their day may become a later one.
    same = "" if one.table == "trace_times" else f"AND toDate({time}) = toDate({{day:String}})"
    alive = f"{time} > now() - toIntervalDay({new})" if new else "1"
    named = {"project": project, "old": list(old), "day": one.day}
    # In a subquery: beside REPLACE, the condition would see the new value.
    store.command(
        f"""
        INSERT INTO {one.table} SELECT * REPLACE (toUInt16({new}) AS retention_days)
        FROM (SELECT * FROM {one.table} WHERE {day} AND {alive})
        SETTINGS max_partitions_per_insert_block = 0, insert_deduplication_token = '{token}'
        """,
        **named,
    )
    (row,) = store.rows(
        f"""
        SELECT count() AS n FROM (SELECT DISTINCT {key} FROM {one.table}
            WHERE {day} AND {time} > now() - toIntervalDay({new or 36500}) + toIntervalMinute(10))
        WHERE ({key}) NOT IN (SELECT {key} FROM {one.table} WHERE project = {{project:String}}
            AND retention_days = {new} {same})
        """,
        **named,
    )
    if row["n"]:
        raise Permanent(f"{row['n']} rows of {one.table} of {one.day} were not copied, so that day"
                        " was left as it is")  # fmt: skip
    store.command(
        f"ALTER TABLE {one.table} DELETE WHERE {day} SETTINGS mutations_sync = 2", **named
    )


def update(store: Store, project: str, old: Sequence[int], new: int) -> None:
    """Scores and embeddings: their partition is the month, so that the column can be changed."""
    for table in UPDATED:
        store.command(
            f"""
            ALTER TABLE {table} UPDATE retention_days = {new} WHERE {_MINE}
            SETTINGS mutations_sync = 2
            """,
            project=project,
            old=list(old),
        )


@across_projects("what is past its time, everywhere")
def drop_expired(store: Store) -> None:
    """Carry the TTL out now: without it the engine does so within hours."""
    for table in (*MOVED, *UPDATED):
        store.command(f"ALTER TABLE {table} MATERIALIZE TTL SETTINGS mutations_sync = 2")
