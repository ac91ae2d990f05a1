"""`assay monitors`: wiring of the loop."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time

from monitors.watch import once
from schemas import clickhouse, telemetry
from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.registry import load
from schemas.settings import SettingsError, from_environment


def main() -> None:
    """Look every `poll_seconds` until SIGTERM; survive ClickHouse being away."""
    try:
        settings = from_environment()
        end_telemetry = telemetry.start(settings, "monitors")
    except SettingsError as error:
        sys.exit(f"monitors: {error}")
    logging.basicConfig(level=settings.log_level, stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    log = logging.getLogger("assay.monitors")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    sinks = load("sink", "monitors.alerts.sinks")
    ready = settings.home / "run" / "monitors.ready"
    ready.parent.mkdir(parents=True, exist_ok=True)
    last: dict[str, int] = {}
    while not stop.is_set():
        try:
            store = clickhouse.connect(settings)
            once(store, settings, sinks, last)
            store.close()
            ready.write_text(str(time.time()))
        except Retryable as error:
            log.warning("ClickHouse is away: %s", error)
        except ControlError as error:
            log.error("control state cannot be used: %s", error)
        except Permanent:
            log.exception("a query failed")
        stop.wait(settings.poll_seconds)
    end_telemetry()


if __name__ == "__main__":
    main()
