"""Senders: OTLP requests over kept connections, each waiting for its acknowledgement."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.payload import Body


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go; `headers` beyond content type and encoding. `grpc`: OTLP/gRPC instead."""

    port: int
    path: str = "/v1/traces"
    headers: tuple[tuple[str, str], ...] = ()
    compress: bool = False
    grpc: bool = False


@dataclass(frozen=True, slots=True)
class Ack:
    """When (time.monotonic) a request was acknowledged, after how many seconds, its spans."""

    at: float
    took: float
    spans: int
    refused: int = 0  # answers before this one that said "later"


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie; NaN of none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else math.nan


def post(connection: http.client.HTTPConnection, target: Target, data: bytes) -> int:
    """Send until it is taken, as exporters do; how often it was refused. Raises on a 4xx."""
    headers = {"Content-Type": "application/x-protobuf", **dict(target.headers)}
    if target.compress:
        headers["Content-Encoding"] = "gzip"
        data = gzip.compress(data, 1)
    refused = 0
    while True:
        try:
            connection.request("POST", target.path, data, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (http.client.HTTPException, OSError):
            connection.close()
            answer = None
        if answer is not None and answer.status < 300:
            return refused
        if answer is not None and answer.status not in {429, 500, 502, 503, 504}:
            raise RuntimeError(f"{answer.status}: {text[:300]!r}")
        refused += 1
        time.sleep(float(answer.headers.get("Retry-After") or 1) if answer else 0.2)


def sending(target: Target) -> Callable[[bytes], int]:
    """What sends a request until it is taken and says how often it was refused."""
    if target.grpc:
        return _grpc_sender(target)
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=120)
    return lambda data: post(connection, target, data)


def _grpc_sender(target: Target) -> Callable[[bytes], int]:
    import grpc

    channel = grpc.insecure_channel(f"127.0.0.1:{target.port}")
    export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
    packing = grpc.Compression.Gzip if target.compress else None

    def send(data: bytes) -> int:
        refused = 0
        while True:
            try:
                export(data, timeout=120, compression=packing)
                return refused
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise
            refused += 1
            time.sleep(0.2)

    return send


def send_all(target: Target, bodies: Sequence[Body]) -> list[Ack]:
    """Each body once, as fast as the acknowledgements come."""
    send = sending(target)
    result = []
    for body in bodies:
        begun = time.monotonic()
        refused = send(body.data)
        now = time.monotonic()
        result.append(Ack(now, now - begun, body.spans, refused))
    return result


def send_paced(
    target: Target, bodies: Sequence[Body], rate: float, seconds: float, sender: int
) -> list[Ack]:
    """`rate` spans/s for `seconds`: the bodies in turn, each time with other ids and text.

    The schedule is fixed beforehand: a sender that falls behind does not lower the rate asked for.
    Latency counts from the moment a request was due.
    """
    send = sending(target)
    begun, due, number = time.monotonic(), 0.0, 0
    result = []
    while due < seconds:
        body = bodies[number % len(bodies)]
        data = body.again((sender << 24) + number + 1)
        pause = begun + due - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        refused = send(data)
        now = time.monotonic()
        result.append(Ack(now, now - begun - due, body.spans, refused))
        due += body.spans / rate
        number += 1
        if now - begun > seconds:
            break  # behind schedule: the rate that was reached is what counts
    return result


async def _client(
    port: int, data: Sequence[bytes], into: list[Ack], first: float, every: float
) -> None:
    """`every`: seconds from one request to the next, the first one `first` seconds from now; 0: as
    fast as the acknowledgements come. Latency counts from the moment that a request was due."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    start = time.monotonic() + first
    for number, body in enumerate(data):
        begun = time.monotonic()
        if every:
            due = start + number * every
            await asyncio.sleep(max(0.0, due - begun))
            begun = due
        writer.write(
            b"POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf"
            b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(repr(head[:100]))
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        now = time.monotonic()
        into.append(Ack(now, now - begun, 1))
    writer.close()
    await writer.wait_closed()


def send_small(
    port: int, single: Sequence[bytes], clients: int, rate: float = 0.0
) -> list[Ack]:
    """One span a request from `clients` open connections at once, `rate` spans/s over all of them
    (0: as fast as they are acknowledged)."""
    result: list[Ack] = []
    pause = clients / rate if rate else 0.0

    async def together() -> None:
        await asyncio.gather(
            *(
                _client(port, single[n::clients], result, 1 + pause * n / clients, pause)
                for n in range(clients)
            )
        )

    asyncio.run(together())
    return result
