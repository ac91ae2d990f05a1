"""Several evaluator workers: each its own process, with its part of the items by hash."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

log = logging.getLogger("assay.evaluators")


COMMAND = (sys.executable, "-P", "-m", "evaluators")


def start(worker: int, workers: int, command: Sequence[str]) -> subprocess.Popen[bytes]:
    """One worker. The cores are shared out: each would else take all of them for its models."""
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    return subprocess.Popen(
        [*command, str(worker)],
        env={"OMP_NUM_THREADS": threads, **os.environ},
    )


def run(workers: int, command: Sequence[str] = COMMAND) -> int:
    """Start them, start one that dies again, stop all on SIGTERM. The exit code.

    What a dead one was at is done again by its successor: nothing but its rows ticks an item off,
    and rows of one item replace each other.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    children: dict[int, subprocess.Popen[bytes]] = {}
    started: dict[int, float] = {}
    while not stop.wait(0.2):
        for worker in range(workers):
            child = children.get(worker)
            if child is not None and child.poll() is None:
                continue
            if child is not None:
                log.error("worker %d ended with %s", worker, child.returncode)
            if time.monotonic() - started.get(worker, -60.0) < 1.0:
                continue
            children[worker] = start(worker, workers, command)
            started[worker] = time.monotonic()
    for child in children.values():
        child.terminate()
    codes = [child.wait() for child in children.values()]
    return max((abs(code) for code in codes), default=0)
