"""The workers of pool.py as Ray actors: the same loop, on the machines of a cluster."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Mapping
from importlib import import_module
from typing import Any

log = logging.getLogger("assay.evaluators")
LOCAL = "local"
HANDED_ON = ("ASSAY_", "CLICKHOUSE_", "HF_", "OPENAI_")
PATIENCE = 30.0  # seconds that the batches in hand have to end


class Worker:
    """An actor: `run` until `stop`, which Ray calls in another thread."""

    def __init__(self, program: str, number: int) -> None:
        """`program` is module:function; it takes the worker's number and an event that ends it."""
        self._program, self._number, self._stop = program, number, threading.Event()

    def run(self) -> None:
        module, _, name = self._program.partition(":")
        getattr(import_module(module), name)(self._number, self._stop)

    def stop(self) -> None:
        self._stop.set()


def run(
    address: str, workers: int, gpus: float, program: str = "evaluators.__main__:serve",
    environ: Mapping[str, str] = os.environ,
) -> int:  # fmt: skip
    """Start one actor for each worker, with `gpus` (a share of one, or several) each, and stop
    them on SIGTERM. `address` is a cluster's, or LOCAL for one of this process's own. The exit
    code.

    Ray starts an actor that dies again, on another machine if need be; what it was at is done
    again, and rows of one item replace each other. Raises ImportError without the extra `ray`,
    ConnectionError where no cluster answers.
    """
    import ray

    given = {k: v for k, v in environ.items() if k.startswith(HANDED_ON)}
    mine = address == LOCAL
    cores = os.cpu_count() or 1
    given |= {"OMP_NUM_THREADS": environ.get("OMP_NUM_THREADS", str(max(1, cores // workers)))}
    options: dict[str, Any] = {"num_cpus": max(cores, workers)} if mine else {"address": address}
    ray.init(**options, include_dashboard=False, runtime_env={"env_vars": given}, namespace="assay")
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):  # after Ray, which sets its own
        signal.signal(name, lambda _name, _frame: stop.set())
    actor = ray.remote(
        num_cpus=1, num_gpus=gpus, max_concurrency=2, max_restarts=-1, max_task_retries=-1,
        scheduling_strategy="SPREAD",
    )(Worker)  # fmt: skip
    actors = [actor.remote(program, number) for number in range(workers)]
    running = {each.run.remote(): number for number, each in enumerate(actors)}
    failed = False
    while running and not stop.is_set():
        for ended in ray.wait(list(running), timeout=0.5)[0]:
            number = running.pop(ended)
            failed = True
            try:
                ray.get(ended)
                log.error("worker %d ended by itself", number)
            except Exception:
                log.exception("worker %d ended", number)
                stop.wait(1.0)
                running[actors[number].run.remote()] = number
    for each in actors:
        each.stop.remote()
    if running:
        ray.wait(list(running), num_returns=len(running), timeout=PATIENCE)
    ray.shutdown()
    return int(failed and not stop.is_set())
