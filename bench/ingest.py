"""Spans per second through the collector, beside the limit of raw INSERTs: one run, one machine.

`python -m bench.ingest --traces 4000` starts a store and a collector in a temporary folder, sends
RAG traces (bench/payload.py) over OTLP/HTTP from `--senders` processes that wait for each
acknowledgement, and waits until every span is stored. The limit is the same rows as Native blocks
that lie ready, without collector and without Python's encoding: what ClickHouse takes by itself.
`--clients 500` sends one span a request from so many connections instead, with `--rate 400` at that
rate. `--rate 10000 --seconds 300` offers a fixed rate and prints a line every ten seconds.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
import uuid
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate, chain

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench import load, payload
from bench.instance import Instance, running
from bench.load import Ack, Target, quantile
from bench.payload import Body
from collector.normalise import rows
from schemas.clickhouse import INSERT_SETTINGS
from schemas.queries.ingest import stored_by_ledger
from schemas.registry import load as load_extensions

LIMIT_ROWS = 10_000  # rows of one raw INSERT
TEMPLATES = 1200  # traces that a sustained sender repeats with other ids and text


class Watch:
    """A thread that notes (time, spans stored) until stopped: what a reader could see when."""

    def __init__(self, instance: Instance, period: float = 0.1) -> None:
        self.seen: list[tuple[float, int]] = []
        self._store = instance.store()
        self._period = period
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(self._period):
            count = stored_by_ledger(self._store).get("traces", {}).get(payload.PROJECT, 0)
            self.seen.append((time.monotonic(), count))

    def until(self, spans: int, limit: float) -> float:
        """The moment at which so many were stored; exits after `limit` seconds."""
        end = time.monotonic() + limit
        while not self.seen or self.seen[-1][1] < spans:
            if time.monotonic() > end:
                raise SystemExit(f"only {self.seen[-1:]} of {spans} spans were stored")
            time.sleep(self._period)
        self._stop.set()
        return next(at for at, count in self.seen if count >= spans)

    def delays(self, acks: list[Ack]) -> list[float]:
        """Seconds from acknowledgement to queryable: the spool is written in the order of acks."""
        ordered = sorted(acks, key=lambda ack: ack.at)
        result, place = [], 0
        for ack, upto in zip(ordered, accumulate(a.spans for a in ordered), strict=True):
            while place < len(self.seen) and self.seen[place][1] < upto:
                place += 1
            if place < len(self.seen):
                result.append(max(0.0, self.seen[place][0] - ack.at))
        return result


@dataclass(frozen=True, slots=True)
class Start:
    """The moment before the first request: time, and processor seconds by process."""

    at: float
    cpu: dict[str, float]

    @classmethod
    def now(cls, instance: Instance) -> Start:
        return cls(time.monotonic(), instance.cpu())


def report(instance: Instance, acks: list[Ack], watch: Watch, start: Start, size: float) -> float:
    """Print what one load gave, `size` bytes of OTLP a span; spans stored per second."""
    spans = sum(ack.spans for ack in acks)
    stored = watch.until(spans, 600) - start.at
    acknowledged = max(ack.at for ack in acks) - start.at
    took = [ack.took for ack in acks]
    delays = watch.delays(acks)
    on_disk = instance.parts()[1] / spans
    used = {k: f"{(v - start.cpu[k]) / spans * 1e6:.0f}" for k, v in instance.cpu().items()}
    refused = sum(ack.refused for ack in acks)
    print(f"acknowledged          {spans / acknowledged:8.0f} spans/s   ack p50"
          f" {quantile(took, 0.5) * 1e3:.0f} ms, p99 {quantile(took, 0.99) * 1e3:.0f} ms,"
          f" {refused} times asked to wait")  # fmt: skip
    print(f"stored and readable   {spans / stored:8.0f} spans/s   ack to queryable p50"
          f" {quantile(delays, 0.5):.1f} s, p99 {quantile(delays, 0.99):.1f} s")  # fmt: skip
    print(f"processor, us a span           collector {used['collector']}, store {used['store']};"
          f" load average {os.getloadavg()[0]:.0f}")  # fmt: skip
    print(f"on disk               {on_disk:8.0f} bytes/span of {size:.0f} bytes of OTLP:"
          f" {on_disk / size:.2f}")  # fmt: skip
    return spans / stored


def limits(instance: Instance, bodies: list[Body]) -> float:
    """Print decoding alone and raw INSERTs; the best rate of raw INSERTs, spans per second."""
    spans = sum(body.spans for body in bodies)
    known = load_extensions("convention", "collector.conventions")
    conventions = [make() for make in known.values()]
    store, client = instance.store(), instance.client()
    client.command("CREATE TABLE ready AS spans_in ENGINE = MergeTree ORDER BY tuple()")
    normalised, token = 0.0, "limit"
    for body in bodies:
        begun = time.perf_counter()
        found = rows(ExportTraceServiceRequest.FromString(body.data), conventions, 1, token)
        normalised += time.perf_counter() - begun
        store.insert("ready", found)
    print(f"decode and normalise  {spans / normalised:8.0f} spans/s   one process, no I/O")
    best = 0.0
    blocks = [
        client.raw_query(
            "SELECT * REPLACE({project:String} AS project) FROM ready ORDER BY trace_id"
            " LIMIT {n:UInt32} OFFSET {at:UInt32}",
            parameters={"project": "limit", "n": LIMIT_ROWS, "at": at}, fmt="Native",
        ) for at in range(0, spans, LIMIT_ROWS)
    ]  # fmt: skip

    def insert(mine: list[bytes]) -> None:
        own = instance.client()
        for block in mine:
            own.raw_insert(
                "spans_in", insert_block=block, fmt="Native",
                settings={**INSERT_SETTINGS, "insert_deduplication_token": str(uuid.uuid4())},
            )  # fmt: skip

    for connections in (1, 2):
        before, begun = instance.cpu()["store"], time.perf_counter()
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(insert, [blocks[n::connections] for n in range(connections)]))
        rate = spans / (time.perf_counter() - begun)
        best = max(best, rate)
        used = (instance.cpu()["store"] - before) / spans * 1e6
        print(f"raw INSERT (limit)    {rate:8.0f} spans/s   {connections} connections,"
              f" {LIMIT_ROWS} rows each, store {used:.0f} us a span")  # fmt: skip
    return best


def target_of(instance: Instance, asked: argparse.Namespace) -> Target:
    port = instance.settings.otlp_grpc_port if asked.grpc else instance.otlp
    return Target(port, compress=asked.gzip, grpc=asked.grpc)


def burst(instance: Instance, traces: int, batch: int, senders: int, target: Target) -> None:
    """Everything as fast as it is acknowledged, then the limit in the same run."""
    bodies = list(payload.bodies(traces, batch))
    spans = sum(body.spans for body in bodies)
    size = sum(len(body.data) for body in bodies) / spans
    print(f"{spans} spans in {len(bodies)} requests of {batch} traces, {size:.0f} bytes a span,"
          f" {senders} senders, {os.cpu_count()} cores")  # fmt: skip
    watch, start = Watch(instance), Start.now(instance)
    with ProcessPoolExecutor(senders) as pool:
        jobs = [pool.submit(load.send_all, target, bodies[n::senders]) for n in range(senders)]
        acks = list(chain.from_iterable(job.result() for job in jobs))
    rate = report(instance, acks, watch, start, size)
    print(f"ratio stored / limit  {rate / limits(instance, bodies):8.2f}")


def small(instance: Instance, traces: int, clients: int, pace: float) -> None:
    """One span a request: what many processes that each export little cost."""
    single = []
    for body in payload.bodies(traces, 50):
        whole = ExportTraceServiceRequest.FromString(body.data)
        group = whole.resource_spans[0]
        for span in group.scope_spans[0].spans:
            one = ExportTraceServiceRequest()
            one.resource_spans.add(resource=group.resource).scope_spans.add().spans.append(span)
            single.append(one.SerializeToString())
    size = sum(map(len, single)) / len(single)
    print(f"{len(single)} requests of one span, {size:.0f} bytes each, {clients} connections"
          + (f", {pace:.0f} spans/s asked for" if pace else ""))  # fmt: skip
    watch, start = Watch(instance), Start.now(instance)
    with ProcessPoolExecutor(1) as pool:
        acks = pool.submit(load.send_small, instance.otlp, single, clients, pace).result()
    report(instance, acks, watch, start, size)


def sustained(
    instance: Instance, rate: float, seconds: float, batch: int, senders: int, target: Target
) -> None:
    """A fixed rate for a while: flat backlog and parts mean that it can go on."""
    bodies = list(payload.bodies(TEMPLATES, batch))
    size = sum(len(body.data) for body in bodies) / sum(body.spans for body in bodies)
    print(f"{rate:.0f} spans/s asked for {seconds:.0f} s, {size:.0f} bytes a span,"
          f" {batch} traces a request, {senders} senders, {os.cpu_count()} cores")  # fmt: skip
    print("     s   stored/s    waiting   active parts")
    watch, start = Watch(instance, 0.25), Start.now(instance)
    before = 0
    with ProcessPoolExecutor(senders) as pool:
        jobs: list[Future[list[Ack]]] = [
            pool.submit(load.send_paced, target, bodies[n::senders], rate / senders, seconds, n)
            for n in range(senders)
        ]
        ends, last = 10.0, start.at
        while ends <= seconds:
            time.sleep(max(0, start.at + ends - time.monotonic()))
            at, count = watch.seen[-1] if watch.seen else (start.at + ends, 0)
            print(f"{ends:6.0f} {(count - before) / max(at - last, 1e-3):10.0f}"
                  f" {instance.metric('assay_spans_waiting'):10d} {instance.parts()[0]:14d}",
                  flush=True)  # fmt: skip
            before, last, ends = count, at, ends + 10
        acks = list(chain.from_iterable(job.result() for job in jobs))
    report(instance, acks, watch, start, size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=100, help="traces in one request")
    parser.add_argument("--senders", type=int, default=2)
    parser.add_argument("--gzip", action="store_true", help="compress while sending")
    parser.add_argument("--clients", type=int, default=0, help="connections of one-span requests")
    parser.add_argument("--rate", type=float, default=0, help="spans/s of a sustained run")
    parser.add_argument("--seconds", type=float, default=300, help="length of a sustained run")
    parser.add_argument("--grpc", action="store_true", help="OTLP/gRPC instead of HTTP")
    parser.add_argument("--workers", type=int, default=1, help="collector processes")
    asked = parser.parse_args()
    with running(workers=asked.workers) as instance:
        target = target_of(instance, asked)
        if asked.clients:
            small(instance, asked.traces, asked.clients, asked.rate)
        elif asked.rate:
            sustained(instance, asked.rate, asked.seconds, asked.batch, asked.senders, target)
        else:
            burst(instance, asked.traces, asked.batch, asked.senders, target)


if __name__ == "__main__":
    main()
