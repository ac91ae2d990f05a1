"""A store made larger inside ClickHouse: each span as several, under ids of their own.

A fill by bench/many.py to ten million spans takes hours of a small machine, mostly for making texts
in Python. Copies lie at the same times as their originals, have the same texts, and sessions,
verdicts and embeddings of their own.
"""

from __future__ import annotations

import time

from bench.instance import Instance
from bench.payload import PROJECT

_ID = "lower(hex({hash}({name}, copy))) AS {name}"
_TRACE = _ID.format(hash="sipHash128", name="trace_id")
_SPAN = _ID.format(hash="sipHash64", name="span_id")
_PARENT = (
    "if(parent_span_id = '', '', lower(hex(sipHash64(parent_span_id, copy)))) AS parent_span_id"
)
_SESSION = "if(session_id = '', '', concat(session_id, '-', toString(copy))) AS session_id"
# Table -> (its time, what is another in a copy).
_TABLES = {
    "spans": ("start_time", [_TRACE, _SPAN, _PARENT, _SESSION, "now64(3) AS stored_at"]),
    "span_texts": ("start_time", [_TRACE, _SPAN]),
    "trace_times": ("first", [_TRACE]),
    "scores": ("span_start", [_TRACE, _SPAN, _SESSION]),
    "embeddings": ("span_start", [_TRACE, _SPAN]),
}


def multiply(instance: Instance, times: int) -> None:
    """Make `times` of each span of the bench's project, day by day, the newest first."""
    store, begun = instance.store(), time.perf_counter()
    days = store.rows(
        "SELECT DISTINCT toString(toDate(start_time)) AS day FROM spans"
        " WHERE project = {project:String} ORDER BY day DESC", project=PROJECT,
    )  # fmt: skip
    for row in days:
        for table, (at, changed) in _TABLES.items():
            store.command(
                f"""
                INSERT INTO {table}
                SELECT * EXCEPT (copy) REPLACE ({", ".join(changed)}) FROM (
                    SELECT *, arrayJoin(range(1, {{times:UInt16}})) AS copy FROM {table}
                    WHERE project = {{project:String}} AND toDate({at}) = {{day:String}}
                ) SETTINGS max_partitions_per_insert_block = 0, max_insert_threads = 1,
                    max_threads = 2, max_block_size = 8192, min_insert_block_size_rows = 65536,
                    min_insert_block_size_bytes = 67108864
                """,
                project=PROJECT, day=row["day"], times=times,
            )  # fmt: skip
    print(f"{times} copies of each span: {time.perf_counter() - begun:.0f} s", flush=True)
