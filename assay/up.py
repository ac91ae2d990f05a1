"""`assay up`: everything on one machine, until Ctrl-C."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from types import FrameType

from assay.control import enforce, load, show
from assay.supervisor import StartError, Supervisor, plan
from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.settings import Settings


def addresses(settings: Settings) -> str:
    """Where to send traces and where to look, for a person to read."""
    store = f"http://127.0.0.1:{settings.store_port}" if settings.embedded else "CLICKHOUSE_URL"
    return (
        f"  UI          http://127.0.0.1:{settings.ui_port}\n"
        f"  OTLP/HTTP   http://127.0.0.1:{settings.otlp_http_port}\n"
        f"  OTLP/gRPC   http://127.0.0.1:{settings.otlp_grpc_port}\n"
        f"  ClickHouse  {store}\n"
        f"  data, logs  {settings.home}"
    )


def stop_event() -> threading.Event:
    """An event that Ctrl-C or SIGTERM sets."""
    event = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        event.set()

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    return event


def run(settings: Settings, without: str = "") -> int:
    """Start, serve, stop. Returns the exit code."""
    logging.basicConfig(level=settings.log_level, format="%(message)s")
    stopping = stop_event()
    try:
        supervisor = Supervisor(settings, plan(settings, without))
    except StartError as error:
        print(f"assay: {error}", file=sys.stderr)
        return 2
    try:
        documents = load(settings)
        supervisor.start({})
        if documents is not None:
            show(enforce(settings, documents))
        print(f"Assay is running.\n{addresses(settings)}\nCtrl-C stops it.", flush=True)
        while not stopping.wait(1.0):
            supervisor.mend()
    except (StartError, ControlError, Retryable, Permanent) as error:
        print(f"assay: {error}", file=sys.stderr)
        return 1
    finally:
        supervisor.stop()
    return 0
