"""A store and a collector as child processes, load that keeps a list of what was acknowledged,
and the comparison of that list with what is stored and what waits."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType

import grpc
import httpx
from grpc_status import rpc_status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas import clickhouse
from schemas.errors import Permanent, Retryable
from schemas.queries import ingest, spans
from schemas.settings import from_environment
from tests.conftest import answers, environment, spawn, start_store, wait_until

PROJECT = "durable"
KIND = {"content-type": "application/x-protobuf"}
Id = tuple[str, str]
Child = subprocess.Popen[bytes]
Send = Callable[[bytes], int]
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def batch(
    count: int = 3, size: int = 1000, **names: str
) -> tuple[ExportTraceServiceRequest, list[Id]]:
    """One trace of `count` spans with `size` characters of input each, and its ids."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = names.get(
        "project", PROJECT
    )
    scope = group.scope_spans.add()
    trace, now = uuid.uuid4().bytes, time.time_ns()
    for _ in range(count):
        span = scope.spans.add(
            trace_id=trace, span_id=uuid.uuid4().bytes[:8], name=names.get("name", "n"),
            start_time_unix_nano=now, end_time_unix_nano=now + 10**6,
        )  # fmt: skip
        span.attributes.add(key="input.value").value.string_value = "text " * (size // 5)
    return request, [(trace.hex(), span.span_id.hex()) for span in scope.spans]


@cache
def client() -> httpx.Client:
    """One for all single requests, a connection each: to make one reads every certificate of the
    system, which takes 40 ms."""
    return httpx.Client(verify=False, timeout=20, limits=httpx.Limits(max_keepalive_connections=0))


class Site:
    """A home folder with a store and a collector of its own; stops what it started."""

    def __init__(self, home: Path, **extra: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.environ = {**environment(home), "ASSAY_LOG_LEVEL": "WARNING", **extra}
        self.settings = from_environment(self.environ)
        self.base = f"http://127.0.0.1:{self.settings.otlp_http_port}"
        self.store: Child | None = None
        self.collector: Child | None = None
        self._connection = clickhouse.Kept(self.settings)

    @property
    def lane(self) -> Path:
        """Where the only worker keeps spans."""
        return self.settings.spool / "0" / "traces"

    def __enter__(self) -> Site:
        self.start_store()
        self.start_collector()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        codes = []
        for child in (self.collector, self.store):
            if child is not None and child.poll() is None:
                child.terminate()
        for child in (self.collector, self.store):
            if child is not None:
                codes.append(child.wait(40))
        if kind is None:
            assert set(codes) <= {0}, self.log()

    def start_store(self) -> None:
        self.store = start_store(self.environ, self.home)

    def start_collector(self, ready: bool = True) -> Child:
        child = self.collector = spawn("collector", self.environ, self.home / "collector.log")
        url = f"{self.base}/{'readyz' if ready else 'healthz'}"
        wait_until(lambda: answers(url) or child.poll() is not None, "the collector is ready")
        assert child.poll() is None, self.log()
        return child

    def kill_store(self) -> None:
        self.store = _killed(self.store)

    def kill_collector(self) -> None:
        self.collector = _killed(self.collector)

    def log(self) -> str:
        """The end of the collector's log."""
        return (self.home / "collector.log").read_text(errors="replace")[-4000:]

    def stored(self, project: str = PROJECT) -> list[Id]:
        """What the typed query returns; nothing while the store is away."""
        try:
            with self._connection.store() as store:
                return spans.span_ids(store, project)
        except (Retryable, Permanent):
            return []

    def counted(self, project: str = PROJECT) -> int:
        """Spans stored by ClickHouse's own ledger, which counts re-sends."""
        with self._connection.store() as store:
            return ingest.stored_by_ledger(store).get("traces", {}).get(project, 0)

    def metrics(self) -> dict[str, int]:
        """The collector's ledger over all projects: received, written, waiting and so on."""
        text = client().get(f"{self.base}/metrics").text
        totals = {"waiting": 0, "written": 0}
        for name, value in re.findall(r"^assay_spans_(\w+?)(?:_total)?\{.*\} (\d+)$", text, re.M):
            totals[name] = totals.get(name, 0) + int(value)
        return totals

    def post(self, request: ExportTraceServiceRequest) -> httpx.Response:
        body = request.SerializeToString()
        return client().post(f"{self.base}/v1/traces", content=body, headers=KIND)

    def rss(self) -> int:
        """Resident bytes of the collector."""
        assert self.collector is not None
        pages = Path(f"/proc/{self.collector.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def limit_files(self, size: int) -> None:
        """No file of the collector may grow past `size` bytes, as on a full disk; -1: any size."""
        assert self.collector is not None
        _, hard = resource.prlimit(self.collector.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.collector.pid, resource.RLIMIT_FSIZE, (size, hard))

    def segments(self, kind: str = "sealed") -> list[Path]:
        return sorted(self.lane.glob(f"*.{kind}"))

    def settle(self, acknowledged: list[Id], limit: float = 120) -> None:
        """Wait until nothing waits; then what is stored is what was acknowledged, each once."""
        wait_until(lambda: self.metrics()["waiting"] == 0, "the spool is drained", limit)
        wait_until(lambda: not self.segments() + self.segments("open"), "no file is left", limit)
        found = self.stored()
        assert len(found) == len(set(found))
        assert len(acknowledged) == len(set(acknowledged))
        assert set(found) == set(acknowledged)


def _killed(child: Child | None) -> None:
    """kill -9."""
    assert child is not None
    child.kill()
    child.wait()


@contextmanager
def _over_http(site: Site) -> Iterator[Send]:
    with httpx.Client(base_url=site.base, timeout=20, headers=KIND, verify=False) as client:

        def send(body: bytes) -> int:
            try:
                return client.post("/v1/traces", content=body).status_code
            except httpx.TransportError:
                return 0

        yield send


@contextmanager
def _over_grpc(site: Site) -> Iterator[Send]:
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]
    address = f"127.0.0.1:{site.settings.otlp_grpc_port}"
    with grpc.insecure_channel(address, options=options) as channel:
        export = channel.unary_unary(EXPORT)

        def send(body: bytes) -> int:
            try:
                export(body, timeout=20)
            except grpc.RpcError as error:
                refused = "RetryInfo" in str(rpc_status.from_call(error))
                broken = error.code() is grpc.StatusCode.UNAVAILABLE
                return 503 if refused else 0 if broken else int(error.code().value[0])
            return 200

        yield send


class Load:
    """Threads that send as OTLP exporters do: the same batch until it is acknowledged.

    Every second one speaks gRPC. `acknowledged` holds the ids of batches that got a 200, `statuses`
    how often each other answer came: HTTP's code, 0 for a broken connection; UNAVAILABLE with
    RetryInfo counts as 503. Leaving the context waits until every batch begun is acknowledged.
    """

    def __init__(
        self, site: Site, workers: int = 4, pause: float = 0.004,
        make: Callable[[], tuple[ExportTraceServiceRequest, list[Id]]] = batch,
    ) -> None:  # fmt: skip
        self.acknowledged: list[Id] = []
        self.statuses: dict[int, int] = {}
        self._site, self._pause, self._make = site, pause, make
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=((_over_http, _over_grpc)[n % 2],), daemon=True)
            for n in range(workers)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_args: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive(), f"a batch was never acknowledged; {self._site.log()}"

    def _run(self, transport: Callable[[Site], AbstractContextManager[Send]]) -> None:
        with transport(self._site) as send:
            while not self._stop.wait(self._pause):
                request, ids = self._make()
                body = request.SerializeToString()
                while (code := send(body)) != 200:
                    with self._lock:
                        self.statuses[code] = self.statuses.get(code, 0) + 1
                    time.sleep(0.05)
                with self._lock:
                    self.acknowledged.extend(ids)

    def more(self, count: int) -> None:
        """Wait until `count` more spans are acknowledged."""
        goal = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= goal, f"{count} more acknowledged", 120)
