"""`assay collector`: wiring of receivers, spool and writer."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Sequence

import uvicorn

from collector.intake import Intake
from collector.ledger import Ledger, prometheus
from collector.receivers import otlp_grpc, otlp_http
from collector.spool import Spool
from collector.writer import Writer, load
from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.models import SpanRow
from schemas.queries.spans import insert_spans
from schemas.registry import load as load_extensions
from schemas.settings import Settings, from_environment


class _Sink:
    """The writer's INSERT: a connection per thread, opened when needed and again after an error."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._own = threading.local()

    def insert(self, rows: Sequence[SpanRow], token: str) -> None:
        store: Store | None = getattr(self._own, "store", None)
        if store is None:
            store = self._own.store = clickhouse.connect(self._settings)
        try:
            insert_spans(store, rows, token)
        except Exception:
            self._own.store = None
            raise


def main() -> None:
    """Serve OTLP until SIGTERM, then drain."""
    settings = from_environment()
    logging.basicConfig(level=settings.log_level, stream=sys.stderr)
    logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)
    if not settings.loopback and not settings.ingest_key:
        sys.exit(
            f"collector: ASSAY_HOST={settings.host} lets other machines in: set ASSAY_INGEST_KEY,"
            " or leave ASSAY_HOST at 127.0.0.1"
        )
    conventions = [
        make() for make in load_extensions("convention", "collector.conventions").values()
    ]
    spool = Spool(settings.spool)
    ledger = Ledger(settings.home / "ledger.json")
    waiting = sum(len(load(path, conventions)[1]) for path in spool.sealed())
    ledger.recover(waiting)
    writer = Writer(
        spool, ledger, conventions, _Sink(settings).insert, settings.home / "dead_letters.jsonl"
    )
    writer.start()
    intake = Intake(spool, ledger, settings.ingest_key)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    grpc_server = otlp_grpc.serve(intake, f"{host}:{settings.otlp_grpc_port}")
    app = otlp_http.build(intake, lambda: prometheus(ledger.totals(), len(spool.sealed())))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.otlp_http_port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=10,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again once it has drained; by then there is nothing left to end.
        signal.signal(number, lambda _number, _frame: None)
    try:
        server.run()
    finally:
        grpc_server.stop(5).wait()
        spool.close()
        writer.stop()
        ledger.save()


if __name__ == "__main__":
    main()
