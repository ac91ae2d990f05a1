"""`assay store`: wiring of engine, HTTP interface and migrations."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time

import uvicorn

from schemas import clickhouse, keys
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.migrate import migrate
from schemas.settings import Settings, from_environment
from schemas.store.engine import Engine, FolderInUseError
from schemas.store.guard import password
from schemas.store.http import build
from schemas.store.users import UsersFile, of_keys

log = logging.getLogger("assay.store")
KEY_SECONDS = 3.0


def _migrate_when_up(settings: Settings, ready: threading.Event, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            store = clickhouse.connect(settings)
        except Retryable:
            time.sleep(0.1)
            continue
        for name in migrate(store):
            log.info("applied migration %s", name)
        store.close()
        ready.set()
        return


def _read_keys(settings: Settings, users: UsersFile, ready: threading.Event,
               stop: threading.Event) -> None:  # fmt: skip
    """Take over API keys every KEY_SECONDS once the tables are there."""
    ready.wait()
    store: Store | None = None
    while not stop.wait(KEY_SECONDS):
        try:
            store = store or clickhouse.connect(settings)
            users.keys = of_keys(keys.read(store), time.time_ns() // 10**6)
        except (Retryable, Permanent, ControlError) as error:
            log.debug("keys cannot be read, the last known ones hold: %s", error)
            store = None


def main() -> None:
    """Serve until SIGTERM. Always the embedded store, whatever CLICKHOUSE_URL says."""
    settings = from_environment()
    logging.basicConfig(level=settings.log_level, stream=sys.stderr)
    secret = password(settings.password_file)
    try:
        engine = Engine(settings.home / "store")
    except FolderInUseError as error:
        sys.exit(f"assay store: {error}")
    ready, stop = threading.Event(), threading.Event()
    threading.Thread(
        target=_migrate_when_up, args=(settings, ready, stop), name="migrate", daemon=True
    ).start()
    users = UsersFile(settings.users_file)
    threading.Thread(
        target=_read_keys, args=(settings, users, ready, stop), name="keys", daemon=True
    ).start()
    server = uvicorn.Server(
        uvicorn.Config(
            build(engine, secret, ready.is_set, users),
            host="127.0.0.1",
            port=settings.store_port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=10,
        )
    )
    # An answer that breaks off after an exception does so on purpose (schemas.store.answer).
    logging.getLogger("uvicorn.error").addFilter(
        lambda record: "without completing response" not in record.getMessage()
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again once it has drained; by then there is nothing left to end.
        signal.signal(number, lambda _number, _frame: None)
    try:
        server.run()
    finally:
        stop.set()
        engine.close()


if __name__ == "__main__":
    main()
