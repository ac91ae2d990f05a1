"""A store and a collector of their own in a temporary folder, and what a bench reads off them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import clickhouse_connect

from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.settings import Settings, from_environment

TABLES = "('spans', 'span_texts', 'trace_times', 'segments')"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait(url: str, seconds: float = 60) -> None:
    """Until an address answers; exits with a sentence if it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{url} does not answer")


def cpu_seconds(process: int) -> float:
    """Processor time that a process and its ended children have used (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Instance:
    """Addresses and process ids of what `running` started; no collector: its id is 0."""

    settings: Settings
    store_process: int
    collector_process: int

    @property
    def otlp(self) -> int:
        return self.settings.otlp_http_port

    def store(self) -> Store:
        """A new connection; one per thread."""
        return clickhouse.connect(self.settings)

    def client(self) -> clickhouse_connect.driver.client.Client:
        """A bare client, for what the typed functions do not offer: raw bytes and summaries."""
        return clickhouse_connect.get_client(
            dsn=clickhouse.url(self.settings), autogenerate_session_id=False
        )

    def metric(self, name: str) -> int:
        """A value of the collector's /metrics, over all projects."""
        url = f"http://127.0.0.1:{self.otlp}/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            found = re.findall(rf"^{name}(?:{{.*}})? (\d+)$", answer.read().decode(), re.M)
        return sum(map(int, found))

    def parts(self) -> tuple[int, int]:
        """(active parts, bytes on disk with indexes) of the tables that spans go to."""
        row = self.store().rows(
            "SELECT count() AS n, sum(bytes_on_disk) AS size FROM system.parts"
            f" WHERE active AND database = 'assay' AND table IN {TABLES}"
        )[0]
        return int(row["n"]), int(row["size"])

    def cpu(self) -> dict[str, float]:
        """Processor seconds so far, by process."""
        known = {"store": self.store_process, "collector": self.collector_process}
        return {name: cpu_seconds(process) for name, process in known.items() if process}


@contextmanager
def running(
    collector: bool = True, folder: Path | None = None, workers: int = 1
) -> Iterator[Instance]:
    """Start on free ports; stop and delete at the end (a `folder` that was given stays). A SIGTERM
    from here on is that end, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    home = folder or Path(tempfile.mkdtemp(prefix="assay-bench-"))
    home.mkdir(parents=True, exist_ok=True)
    names = ("STORE_PORT", "OTLP_GRPC_PORT", "OTLP_HTTP_PORT", "UI_PORT")
    ports = {f"ASSAY_{name}": str(free_port()) for name in names}
    environ = {**os.environ, **ports, "ASSAY_HOME": str(home), "CLICKHOUSE_URL": "",
               "ASSAY_COLLECTOR_WORKERS": str(workers)}  # fmt: skip
    settings = from_environment(environ)
    wanted = [("schemas.store", settings.store_port)]
    if collector:
        wanted.append(("collector", settings.otlp_http_port))
    children: list[subprocess.Popen[bytes]] = []
    try:
        for module, port in wanted:
            with (home / f"{module}.log").open("ab") as log:
                children.append(
                    subprocess.Popen([sys.executable, "-m", module], env=environ, stderr=log)
                )
            wait(f"http://127.0.0.1:{port}/readyz")
        yield Instance(settings, children[0].pid, children[1].pid if collector else 0)
    finally:
        for child in reversed(children):
            child.terminate()
        for child in reversed(children):
            child.wait(60)
        if folder is None:
            shutil.rmtree(home, ignore_errors=True)
