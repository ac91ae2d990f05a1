"""One collector process: lanes, writers, both transports, until SIGTERM."""

from __future__ import annotations

import logging
import signal as signals
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn

from collector import hours, late
from collector import lanes as rooms
from collector.access import TALLY as REQUESTS
from collector.access import exposed as requested
from collector.access import of_settings
from collector.intake import Intake
from collector.keeping import Keeper, look
from collector.kept import Shelf
from collector.lanes import DEAD, Lane
from collector.ledger import ITEMS, NAMES, prometheus
from collector.pace import keep_pace
from collector.receivers import otlp_grpc, otlp_http
from collector.redact.policies import TALLY, Policies, exposed, reader
from collector.replay import Source, watch
from collector.signals.standard import standard
from collector.writer import Writer
from schemas import clickhouse, telemetry
from schemas.clickhouse import Store
from schemas.errors import Retryable
from schemas.queries.logs import insert_logs
from schemas.queries.metrics import insert_metrics
from schemas.queries.rejections import insert_rejections
from schemas.queries.spans import insert_spans
from schemas.settings import Settings

log = logging.getLogger("assay.collector")
Put = Callable[[Store, Sequence[Any], str], None]
PUTS: dict[str, Put] = {"traces": insert_spans, "logs": insert_logs, "metrics": insert_metrics}


class _Sink:
    """A writer's INSERT: a connection per thread, opened when needed and again after an error."""

    def __init__(self, settings: Settings, put: Put) -> None:
        self._settings = settings
        self._put = put
        self._own = threading.local()

    def insert(self, rows: Sequence[Any], token: str) -> None:
        store: Store | None = getattr(self._own, "store", None)
        if store is None:
            store = self._own.store = clickhouse.connect(self._settings)
        try:
            self._put(store, rows, token)
        except Exception:
            self._own.store = None
            raise


def _listen(settings: Settings, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it an answer that comes in
    # two writes waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((settings.host, settings.otlp_http_port))
    return listener


def serve(settings: Settings, worker: int) -> None:
    """Serve OTLP as worker number `worker`, then drain. Raises OSError and RuntimeError where a
    port is taken, SpoolInUseError where the folder is."""
    shared = settings.workers > 1
    if worker == 0:
        rooms.take_over(settings.spool, settings.home, settings.workers)
    open_lanes: list[Lane] = []
    writers: list[Writer] = []
    sources: dict[Path, Source] = {}
    shelf = Shelf(settings.keep_seconds, settings.keep_mib * 2**20 // settings.workers)
    keeper = Keeper(settings.home, look(settings))
    with suppress(Retryable):  # what was cached holds until ClickHouse answers
        keeper.refresh()
    for each in standard(keeper).values():
        lane = rooms.open_lane(rooms.folder_of(settings.spool, worker, each.name), each)
        open_lanes.append(lane)
        insert = _Sink(settings, PUTS[each.name]).insert
        shelf.found(lane.folder)
        sources[lane.folder] = Source(lane, insert)
        writers.append(
            Writer(lane.spool, lane.ledger, each, insert, lane.folder / DEAD, shelf=shelf)
        )
    redaction = Policies(settings.home, reader(settings))
    access = of_settings(settings)
    access.refresh()
    intake = Intake({lane.signal.name: lane for lane in open_lanes}, redaction, access)
    tally = settings.spool / str(worker) / TALLY
    asked = settings.spool / str(worker) / REQUESTS

    def metered() -> str:
        names = [lane.signal.name for lane in open_lanes]
        counts = {n: rooms.totals(settings.spool, open_lanes, n) for n in names}
        found = redaction.totals(settings.spool, tally)
        requests = requested(access.totals(settings.spool, asked))
        held = (*rooms.segments(settings.spool), rooms.used(settings.spool))
        return prometheus(counts, *held) + exposed(found) + requests

    def counts() -> dict[str, int]:
        found: dict[str, int] = {}
        for lane in open_lanes:
            for name in NAMES:
                every = lane.ledger.totals().values()
                found[f"{ITEMS[lane.signal.name]}.{name}"] = sum(c.get(name, 0) for c in every)
        return found

    stop = threading.Event()
    redaction.start(stop, tally)
    listener = _listen(settings, shared)
    end_telemetry = telemetry.start(settings, "collector", counts)
    grpc_server = otlp_grpc.serve(intake, settings, shared)
    for writer in writers:
        writer.start()
    put_rejections = _Sink(settings, insert_rejections).insert
    rejected = threading.Thread(
        target=intake.rejections.run, args=(put_rejections, stop), name="rejections", daemon=True
    )
    names = open_lanes[0].signal.naming
    chores = [
        rejected,
        threading.Thread(target=keeper.run, args=(stop,), name="keeping", daemon=True),
        threading.Thread(
            target=late.run, args=(keeper, settings, names, stop), name="late", daemon=True
        ),
        threading.Thread(target=access.run, args=(stop, asked), name="access", daemon=True),
        threading.Thread(target=_save, args=(open_lanes, stop), name="ledger", daemon=True),
        threading.Thread(
            target=keep_pace, args=(settings, [lane.spool for lane in open_lanes], stop),
            name="pace", daemon=True,
        ),
        threading.Thread(
            target=watch, args=(settings, shelf, sources, stop), name="replay", daemon=True
        ),
    ]  # fmt: skip
    if worker == 0:
        chores.append(
            threading.Thread(target=hours.run, args=(settings, stop), name="hours", daemon=True)
        )
    for chore in chores:
        chore.start()
    server = uvicorn.Server(
        uvicorn.Config(
            otlp_http.build(intake, metered, settings.cors_origins),
            log_level="warning",
            access_log=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=10,
            ssl_certfile=settings.tls_cert or None,
            ssl_keyfile=settings.tls_key or None,
        )
    )
    for number in (signals.SIGTERM, signals.SIGINT):
        # uvicorn raises the signal again once it has drained; by then there is nothing left to end.
        signals.signal(number, lambda _number, _frame: None)
    try:
        server.run(sockets=[listener])
    finally:
        grpc_server.stop(5).wait()
        stop.set()
        for lane in open_lanes:
            lane.spool.close()
        for writer in writers:
            writer.stop()
        for lane in open_lanes:
            with suppress(OSError):
                lane.ledger.save()
        rejected.join(5)
        end_telemetry()


def _save(open_lanes: Sequence[Lane], stop: threading.Event) -> None:
    """Counters of what was received, for other workers' /metrics; none is lost without it."""
    while not stop.wait(1.0):
        for lane in open_lanes:
            try:
                lane.ledger.save()
            except OSError as error:
                log.error("the ledger cannot be saved: %s", error)
