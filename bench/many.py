"""Millions of spans without an hour of sending: real ones, copied inside ClickHouse.

Copies have other ids, other times and another `ref-` word in every text. Each copy lies in one day,
so that days are as full as sent ones would make them.
"""

from __future__ import annotations

import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench import payload
from bench.instance import Instance
from bench.payload import PROJECT
from collector.normalise import rows
from schemas.clickhouse import INSERT_SETTINGS
from schemas.registry import load as load_extensions

TRACES = 10_000  # in the template
DAYS = 29
LONG_TRACE = "f" * 32
LONG_SPANS = 30_000
SHORT = 200  # characters of a text beyond the first spans

_COPY = """
INSERT INTO spans_in SELECT * EXCEPT (offset_ns) REPLACE(
    lower(hex(MD5(concat(trace_id, {copy:String})))) AS trace_id,
    left(lower(hex(MD5(concat(span_id, {copy:String})))), 16) AS span_id,
    if(parent_span_id = '', '', left(lower(hex(MD5(concat(parent_span_id, {copy:String})))), 16))
        AS parent_span_id,
    concat(session_id, '-', {copy:String}) AS session_id,
    fromUnixTimestamp64Nano({day:Int64}
        + toInt64(cityHash64(trace_id, {copy:String}) % 86390000000000) + offset_ns) AS start_time,
    replaceAll(left(input, {cut:UInt32}), 'ref-00000000',
        concat('ref-', lower(hex(sipHash64(span_id, {copy:String}))))) AS input,
    replaceAll(left(output, {cut:UInt32}), 'ref-00000000',
        concat('ref-', lower(hex(sipHash64(span_id, {copy:String}))))) AS output,
    arrayMap(d -> replaceAll(left(d, {cut:UInt32}), 'ref-00000000',
        concat('ref-', lower(hex(sipHash64(span_id, {copy:String}))))), documents) AS documents
) FROM template
"""
_LONG = """
INSERT INTO spans_in SELECT * EXCEPT (offset_ns) REPLACE(
    {trace:String} AS trace_id, lower(hex(sipHash64(trace_id, span_id))) AS span_id,
    if(rowNumberInAllBlocks() = 0, '', 'f0f0f0f0f0f0f0f0') AS parent_span_id,
    fromUnixTimestamp64Nano({day:Int64} + rowNumberInAllBlocks() * 40000000) AS start_time
) FROM template LIMIT {n:UInt32}
"""


def fill(instance: Instance, spans: int, real: int) -> None:
    """`spans` spans over 29 days, the first `real` with texts of real size, and one long trace."""
    known = load_extensions("convention", "collector.conventions")
    conventions = [make() for make in known.values()]
    store, client = instance.store(), instance.client()
    client.command("CREATE TABLE ready AS spans_in ENGINE = MergeTree ORDER BY tuple()")
    for body in payload.bodies(TRACES, 500):
        whole = ExportTraceServiceRequest.FromString(body.data)
        store.insert("ready", rows(whole, conventions, time.time_ns(), "bench"))
    client.command(
        "CREATE TABLE template ENGINE = MergeTree ORDER BY trace_id AS SELECT *,"
        " toUnixTimestamp64Nano(start_time) - min(toUnixTimestamp64Nano(start_time))"
        " OVER (PARTITION BY trace_id) AS offset_ns FROM ready"
    )
    today = time.time_ns() // 86_400_000_000_000 * 86_400_000_000_000
    per_copy = TRACES * payload.SPANS
    settings = {**INSERT_SETTINGS, "max_threads": 1}
    for copy in range(spans // per_copy):
        day = today - (1 + copy % DAYS) * 86_400_000_000_000
        cut = 10**6 if copy * per_copy < real else SHORT
        client.command(
            _COPY, parameters={"copy": str(copy), "day": day, "cut": cut}, settings=settings
        )
    client.command(
        _LONG, settings=settings,
        parameters={"trace": LONG_TRACE, "day": today - 20 * 3600 * 10**9, "n": LONG_SPANS},
    )  # fmt: skip
    client.command("DROP TABLE ready")
    client.command("DROP TABLE template")
    print(f"{spans + LONG_SPANS} spans of project {PROJECT}, {real} of them with whole texts")
