"""Several workers behind one pair of ports (SO_REUSEPORT): each its own process and spool."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from schemas.settings import Settings

log = logging.getLogger("assay.collector")


def taken(settings: Settings) -> str:
    """A sentence where a port belongs to somebody else: shared ports would hide that; else ""."""
    for port in (settings.otlp_http_port, settings.otlp_grpc_port):
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError as error:
                return f"cannot listen on {settings.host}:{port}: {error}"
    return ""


def _start(worker: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "collector"],
        env={**os.environ, "ASSAY_COLLECTOR_WORKER": str(worker)},
    )


def run(settings: Settings) -> int:
    """Start the workers, restart one that dies, stop all on SIGTERM. The exit code."""
    why = taken(settings)
    if why:
        log.error("%s", why)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    children: dict[int, subprocess.Popen[bytes]] = {}
    started: dict[int, float] = {}
    while not stop.wait(0.2):
        for worker in range(settings.workers):
            child = children.get(worker)
            if child is not None and child.poll() is None:
                continue
            if child is not None:
                log.error("worker %d ended with %s", worker, child.returncode)
            if time.monotonic() - started.get(worker, -60.0) < 1.0:
                continue
            children[worker], started[worker] = _start(worker), time.monotonic()
    for child in children.values():
        child.terminate()
    codes = [child.wait() for child in children.values()]
    return max((abs(code) for code in codes), default=0)
