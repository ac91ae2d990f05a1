"""Child processes: start, wait until healthy, restart what dies, stop in reverse order."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schemas.settings import Settings

log = logging.getLogger("assay.up")


class StartError(RuntimeError):
    """A process cannot start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Process:
    """What to run, how to see that it is well (`url` or `ready` file), and its ports."""

    name: str
    module: str
    url: str = ""
    ready: Path | None = None
    ports: Mapping[str, int] = field(default_factory=dict)


def plan(settings: Settings, without: str = "") -> list[Process]:
    """The processes to start, in order. Raises StartError for an unknown name in `without`."""
    local = "http://127.0.0.1"
    otlp = f"{'https' if settings.tls_cert else 'http'}://127.0.0.1:{settings.otlp_http_port}"
    run = settings.home / "run"
    port = settings.evaluators_port
    asked = {"ASSAY_EVALUATORS_PORT": port} if port else {}
    every = [
        Process("store", "schemas.store", f"{local}:{settings.store_port}/readyz",
                ports={"ASSAY_STORE_PORT": settings.store_port}),
        Process("collector", "collector", f"{otlp}/readyz",
                ports={"ASSAY_OTLP_HTTP_PORT": settings.otlp_http_port,
                       "ASSAY_OTLP_GRPC_PORT": settings.otlp_grpc_port}),
        Process("evaluators", "evaluators", ready=run / "evaluators.ready", ports=asked),
        Process("monitors", "monitors", ready=run / "monitors.ready"),
        Process("ui", "ui", f"{local}:{settings.ui_port}/_stcore/health",
                ports={"ASSAY_UI_PORT": settings.ui_port}),
    ]  # fmt: skip
    left_out = {name.strip() for name in without.split(",") if name.strip()}
    unknown = left_out - {p.name for p in every}
    if unknown:
        names = ", ".join(p.name for p in every)
        raise StartError(f"--without names {', '.join(sorted(unknown))}; there are: {names}")
    if not settings.embedded:
        left_out.add("store")
    return [p for p in every if p.name not in left_out]


def busy_ports(processes: list[Process]) -> list[str]:
    """One sentence per port that another program holds."""
    found = []
    for process in processes:
        for variable, port in process.ports.items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    found.append(
                        f"port {port} ({process.name}) is in use: set {variable} to another"
                    )
    return found


class Supervisor:
    """Owns the children from `start` to `stop`; logs go to `ASSAY_HOME/logs/<name>.log`."""

    def __init__(self, settings: Settings, processes: list[Process]) -> None:
        self._settings = settings
        self._processes = processes
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._restarts: dict[str, list[float]] = {}
        self._environ: dict[str, str] = {}

    def start(self, environ: Mapping[str, str], timeout: float = 120.0) -> None:
        """Start all and wait until each is healthy. Raises StartError with the log's last lines."""
        busy = busy_ports(self._processes)
        if busy:
            raise StartError("; ".join(busy))
        (self._settings.home / "logs").mkdir(parents=True, exist_ok=True)
        (self._settings.home / "run").mkdir(parents=True, exist_ok=True)
        self._environ = {**os.environ, **environ}
        for process in self._processes:
            if process.ready is not None:
                process.ready.unlink(missing_ok=True)
            self._spawn(process)
            if process.name in {"store", "collector"}:
                self._wait(process, timeout)
        for process in self._processes:
            self._wait(process, timeout)

    def _log_path(self, process: Process) -> Path:
        return self._settings.home / "logs" / f"{process.name}.log"

    def _spawn(self, process: Process) -> None:
        with self._log_path(process).open("ab") as output:
            self._children[process.name] = subprocess.Popen(
                [sys.executable, "-P", "-m", process.module],
                env=self._environ, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def _wait(self, process: Process, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not healthy(process):
            code = self._children[process.name].poll()
            if code is not None or time.monotonic() > deadline:
                tail = self._log_path(process).read_text(errors="replace")[-1500:]
                what = f"ended with code {code}" if code is not None else "did not become healthy"
                raise StartError(f"{process.name} {what}. Its log says:\n{tail}")
            time.sleep(0.2)

    def mend(self) -> None:
        """Restart children that ended; at most 5 times a minute each, then give it a rest."""
        for process in self._processes:
            code = self._children[process.name].poll()
            if code is None:
                continue
            now = time.monotonic()
            recent = [t for t in self._restarts.get(process.name, []) if now - t < 60]
            if len(recent) >= 5:
                continue
            log.warning("%s ended with code %s; starting it again", process.name, code)
            self._restarts[process.name] = [*recent, now]
            self._spawn(process)

    def stop(self) -> None:
        """SIGTERM in reverse order, SIGKILL after 15 s."""
        for process in reversed(self._processes):
            child = self._children.get(process.name)
            if child is None or child.poll() is not None:
                continue
            child.terminate()
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def healthy(process: Process) -> bool:
    """True when the process says that it is well."""
    if process.ready is not None:
        return process.ready.exists()
    try:
        # The certificate names the outside address; this asks the own process on loopback.
        trust = ssl._create_unverified_context()
        with urllib.request.urlopen(process.url, timeout=2, context=trust) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
