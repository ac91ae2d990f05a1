"""`assay monitors`: wiring of the loop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time

from monitors.alerts.journal import Journal, OutboxInUseError
from monitors.watch import Watch
from schemas import clickhouse, telemetry
from schemas.registry import load
from schemas.settings import SettingsError, from_environment


def main() -> None:
    """Look every `poll_seconds` until SIGTERM; survive ClickHouse being away."""
    try:
        settings = from_environment()
        end_telemetry = telemetry.start(settings, "monitors")
        journal = Journal(settings.home / "outbox")
    except (SettingsError, OutboxInUseError, OSError) as error:
        sys.exit(f"monitors: {error}")
    logging.basicConfig(level=settings.log_level, stream=sys.stderr)
    clickhouse.without_frames()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    sinks = load("sink", "monitors.alerts.sinks")
    ready = settings.home / "run" / "monitors.ready"
    ready.parent.mkdir(parents=True, exist_ok=True)
    watch = Watch(settings, os.environ, journal, sinks)
    while not stop.is_set():
        if watch.once():
            ready.write_text(str(time.time()))
        stop.wait(settings.poll_seconds)
    end_telemetry()


if __name__ == "__main__":
    main()
