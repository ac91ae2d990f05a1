"""Bytes on disk per span, by table, beside the raw OTLP: `python -m bench.disk --traces 20000`.

The same spans are stored twice, as of today and as of two days ago: texts of more than a day are
written anew at a higher level (schemas/sql/0008). Parts are merged before they are measured;
inactive parts do not count, indexes do.
"""

from __future__ import annotations

import argparse
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench import payload
from bench.instance import TABLES, Instance, running
from collector.normalise import rows
from schemas.queries.spans import insert_spans
from schemas.registry import load

DAY = 86_400 * 10**9


def store(instance: Instance, traces: int, end_ns: int) -> tuple[int, int]:
    """Insert; (spans, bytes of raw OTLP)."""
    conventions = [make() for make in load("convention", "collector.conventions").values()]
    client, spans, size = instance.store(), 0, 0
    for n, body in enumerate(payload.bodies(traces, 500, end_ns=end_ns)):
        request = ExportTraceServiceRequest.FromString(body.data)
        insert_spans(client, rows(request, conventions, time.time_ns(), "disk"), f"{end_ns}-{n}")
        spans, size = spans + body.spans, size + len(body.data)
    for table in ("spans", "span_texts", "trace_times"):
        client.command(f"OPTIMIZE TABLE {table} FINAL")
    return spans, size


def report(instance: Instance, spans: int, size: int) -> None:
    """Print bytes a span by table."""
    found = instance.store().rows(
        "SELECT table, sum(bytes_on_disk) AS bytes,"
        " sum(secondary_indices_compressed_bytes) AS words"
        f" FROM system.parts WHERE active AND database = 'assay' AND table IN {TABLES}"
        " GROUP BY table ORDER BY bytes DESC"
    )
    for row in found:
        print(f"{row['table']:12s} {row['bytes'] / spans:7.0f} bytes a span,"
              f" of them indexes {row['words'] / spans:.0f}")  # fmt: skip
    total = sum(row["bytes"] for row in found)
    print(f"{'all':12s} {total / spans:7.0f} of {size / spans:.0f}: {total / size:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=20_000)
    asked = parser.parse_args()
    for name, age in (("today", 0), ("two days ago", 2 * DAY)):
        with running(collector=False) as instance:
            spans, size = store(instance, asked.traces, time.time_ns() - age)
            print(f"{spans} spans of {name}")
            report(instance, spans, size)


if __name__ == "__main__":
    main()
