"""Spans per second through the collector, beside the limit of raw INSERTs: one run, one machine.

`python -m bench.ingest --traces 6000 --senders 2` starts a store and a collector in a temporary
folder, sends recorded answers (three spans a trace, OpenInference and GenAI) over OTLP/HTTP from
`senders` processes that wait for each acknowledgement, and waits until every span is stored. The
limit is the same rows through the same INSERT without the collector, into a second project of the
same store: what the embedded ClickHouse takes if everything else cost nothing.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.normalise import rows
from examples.demo_traffic.plan import make_plan
from examples.demo_traffic.spans import request
from schemas import clickhouse
from schemas.queries.spans import count_spans, insert_spans
from schemas.registry import load
from schemas.settings import from_environment

BASE = 21870
PORTS = {"ASSAY_STORE_PORT": BASE, "ASSAY_OTLP_GRPC_PORT": BASE + 1,
         "ASSAY_OTLP_HTTP_PORT": BASE + 2, "ASSAY_UI_PORT": BASE + 3}  # fmt: skip
LIMIT_ROWS = 10_000  # rows of one raw INSERT


def wait(url: str) -> None:
    """Until an address answers; half a minute at most."""
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{url} does not answer")


def send(bodies: Sequence[bytes]) -> list[float]:
    """Post each body over one connection; seconds until its acknowledgement."""
    connection = http.client.HTTPConnection("127.0.0.1", PORTS["ASSAY_OTLP_HTTP_PORT"], timeout=60)
    took = []
    for body in bodies:
        begun = time.monotonic()
        while True:
            connection.request("POST", "/v1/traces", body, {
                "Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"})  # fmt: skip
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                break
            time.sleep(float(answer.headers.get("Retry-After") or 1))
        took.append(time.monotonic() - begun)
    return took


def measure(traces: int, batch: int, senders: int) -> None:
    plan = make_plan(1, True, time.time_ns(), traces)
    draw = random.Random(1)
    made = [request(plan.traces[i : i + batch], draw) for i in range(0, traces, batch)]
    spans = sum(n for _, n in made)
    bodies = [gzip.compress(r.SerializeToString(), 1) for r, _ in made]
    size = sum(len(r.SerializeToString()) for r, _ in made)
    store = clickhouse.connect(from_environment())

    begun = time.monotonic()
    with ProcessPoolExecutor(senders) as pool:
        parts = pool.map(send, [bodies[i::senders] for i in range(senders)])
        took = sorted(chain.from_iterable(parts))
    acknowledged = time.monotonic() - begun
    while count_spans(store, "demo") < spans:
        time.sleep(0.05)
        if time.monotonic() - begun > 600:
            sys.exit(f"only {count_spans(store, 'demo')} of {spans} spans were stored")
    stored = time.monotonic() - begun

    conventions = [make() for make in load("convention", "collector.conventions").values()]
    begun = time.monotonic()
    copies = []
    for body in bodies:
        parsed = ExportTraceServiceRequest.FromString(gzip.decompress(body))
        copies += rows(parsed, conventions, time.time_ns(), "limit")
    normalised = time.monotonic() - begun
    copies = [replace(row, project="limit") for row in copies]
    begun = time.monotonic()
    for i in range(0, len(copies), LIMIT_ROWS):
        insert_spans(store, copies[i : i + LIMIT_ROWS], str(uuid.uuid4()))
    raw = time.monotonic() - begun

    print(f"{spans} spans in {len(bodies)} requests of {batch} traces, {size / spans:.0f} bytes a"
          f" span, {senders} senders, {os.cpu_count()} cores")  # fmt: skip
    print(
        f"acknowledged          {spans / acknowledged:8.0f} spans/s   ack p50"
        f" {took[len(took) // 2] * 1e3:.0f} ms, p99 {took[int(len(took) * 0.99)] * 1e3:.0f} ms"
    )
    print(f"stored and readable   {spans / stored:8.0f} spans/s")
    print(f"decode and normalise  {spans / normalised:8.0f} spans/s   one process, no I/O")
    print(f"raw INSERT (limit)    {spans / raw:8.0f} spans/s   {LIMIT_ROWS} rows each")
    print(f"ratio stored / limit  {raw / stored:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=100, help="traces in one request")
    parser.add_argument("--senders", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update({"ASSAY_HOME": folder, **{k: str(v) for k, v in PORTS.items()}})
        children = []
        for module, port in (("schemas.store", "STORE"), ("collector", "OTLP_HTTP")):
            log = (Path(folder) / f"{module}.log").open("ab")
            children.append(subprocess.Popen([sys.executable, "-m", module], stderr=log))
            wait(f"http://127.0.0.1:{PORTS[f'ASSAY_{port}_PORT']}/readyz")
        try:
            measure(arguments.traces, arguments.batch, arguments.senders)
        finally:
            for child in reversed(children):
                child.terminate()
                child.wait(30)


if __name__ == "__main__":
    main()
