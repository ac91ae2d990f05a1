"""Assay beside Arize Phoenix and MLflow: the same requests, one machine, one clock, one run.

`python -m bench.peers --traces 1000` installs each peer with pip into a virtual environment of its
own (`--venvs`, kept), starts it on SQLite as its documentation says, sends the same OTLP/HTTP
requests from the same two senders, and waits until its own tables hold every span. Acknowledged is
not the same promise everywhere: Assay answers after fsync, the peers when the spans are in memory
or in a transaction.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench import load, payload
from bench.instance import cpu_seconds, free_port, running, wait
from bench.load import Target, quantile
from bench.payload import PROJECT, Body
from schemas import keys
from schemas.queries.ingest import stored_by_ledger

LIMIT = 900  # seconds until a product must have stored what it acknowledged


@dataclass(frozen=True, slots=True)
class Peer:
    """A product: pip package, command and environment (with {port}, {other}, {folder}), the SQLite
    file that holds its `spans` table, headers that its endpoint asks for."""

    name: str
    package: str
    command: tuple[str, ...]
    environ: dict[str, str]
    file: str
    headers: tuple[tuple[str, str], ...] = ()


PEERS = (
    Peer(
        "phoenix", "arize-phoenix==20.19.*", ("phoenix", "serve"),
        {"PHOENIX_WORKING_DIR": "{folder}", "PHOENIX_PORT": "{port}", "PHOENIX_HOST": "127.0.0.1",
         "PHOENIX_GRPC_PORT": "{other}", "PHOENIX_TELEMETRY_ENABLED": "false"},
        "phoenix.db",
    ),
    Peer(
        "mlflow", "mlflow",
        ("mlflow", "server", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1",
         "--backend-store-uri", "sqlite:///{folder}/mlflow.db",
         "--default-artifact-root", "{folder}/artifacts"),
        {"MLFLOW_DISABLE_TELEMETRY": "true"}, "mlflow.db", (("x-mlflow-experiment-id", "0"),),
    ),
)  # fmt: skip


def install(peer: Peer, venvs: Path) -> tuple[Path, str]:
    """The folder of its commands and its version; exits with a sentence if pip fails."""
    home = venvs / peer.name
    if not (home / "bin" / peer.command[0]).exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        done = subprocess.run([home / "bin/pip", "install", "-q", peer.package], check=False)
        if done.returncode:
            sys.exit(f"pip install {peer.package} failed")
    name = peer.package.split("=")[0]
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    run = subprocess.run([home / "bin/python", "-c", code], capture_output=True, text=True)
    return home / "bin", run.stdout.strip()


def in_sqlite(file: Path) -> int:
    """Rows of `spans`, 0 while the file is busy or not there."""
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5) as database:
            return int(database.execute("SELECT count(*) FROM spans").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def group_cpu(leader: int) -> float:
    """Processor seconds of a process and of what it started."""
    total = 0.0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) == leader:
                total += cpu_seconds(int(entry.name))
        except (OSError, ValueError):
            continue
    return total


def timed(
    name: str, target: Target, bodies: Sequence[Body], count: Callable[[], int],
    size: Callable[[], int], cpu: Callable[[], float],
) -> None:  # fmt: skip
    """Print one row: what was acknowledged and what could be read, spans per second."""
    spans, senders = sum(body.spans for body in bodies), 2
    used, begun = cpu(), time.monotonic()
    with ProcessPoolExecutor(senders) as pool:
        jobs = [pool.submit(load.send_all, target, bodies[n::senders]) for n in range(senders)]
        acks = list(chain.from_iterable(job.result() for job in jobs))
    acknowledged = max(ack.at for ack in acks) - begun
    while (found := count()) < spans and time.monotonic() - begun < LIMIT:
        time.sleep(0.1)
    stored = time.monotonic() - begun
    short = "" if found >= spans else f" (only {found} of {spans})"
    print(f"| {name} | {spans} | {spans / acknowledged:,.0f} |"
          f" {quantile([a.took for a in acks], 0.99) * 1e3:,.0f} | {found / stored:,.0f}{short} |"
          f" {(cpu() - used) / spans * 1e6:,.0f} | {size() / spans:,.0f} |")  # fmt: skip


def refuses(port: int) -> bool:
    """Whether the collector has heard of the key: it lets nobody in without one."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/traces", b"", {"content-type": "application/x-protobuf"}
    )
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except urllib.error.HTTPError as error:
        return error.code == 401
    return False


def assay(bodies: Sequence[Body]) -> None:
    """With an API key, by the redaction that is on by default."""
    with running() as instance:
        store = instance.store()
        _, text = keys.create(store, PROJECT, ["ingest"], 0, "", "bench")
        target = Target(instance.otlp, headers=(("authorization", f"Bearer {text}"),))
        while not refuses(instance.otlp):
            time.sleep(0.1)
        timed(
            "Assay (this tree)", target, bodies,
            lambda: stored_by_ledger(store).get("traces", {}).get(PROJECT, 0),
            lambda: instance.parts()[1],
            lambda: sum(instance.cpu().values()),
        )  # fmt: skip


def measured(peer: Peer, venvs: Path, bodies: Sequence[Body]) -> None:
    binaries, version = install(peer, venvs)
    folder = Path(tempfile.mkdtemp(prefix=f"bench-{peer.name}-"))
    known = {"port": str(free_port()), "other": str(free_port()), "folder": str(folder)}
    command = [str(binaries / peer.command[0]), *(c.format(**known) for c in peer.command[1:])]
    # Not from here: their server would import this repository's packages by name.
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environ |= {k: v.format(**known) for k, v in peer.environ.items()}
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            command, env=environ, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
    try:
        wait(f"http://127.0.0.1:{known['port']}/", 180)
        file = folder / peer.file
        timed(
            f"{peer.name} {version}", Target(int(known["port"]), headers=peer.headers), bodies,
            lambda: in_sqlite(file),
            lambda: sum(p.stat().st_size for p in folder.glob(f"{peer.file}*")),
            lambda: group_cpu(child.pid),
        )  # fmt: skip
    finally:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=1000, help="for each peer")
    parser.add_argument("--assay-traces", type=int, default=5000, help="Assay is done too soon")
    parser.add_argument("--batch", type=int, default=20, help="traces in one request")
    parser.add_argument("--venvs", type=Path, default=Path(tempfile.gettempdir()) / "bench-venvs")
    asked = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.0f}\n")
    print("| product | spans | acknowledged/s | ack p99 ms | stored and readable/s |"
          " processor us/span | bytes/span |\n|---|---|---|---|---|---|---|")  # fmt: skip
    bodies = list(payload.bodies(asked.traces, asked.batch))
    assay(bodies)
    for peer in PEERS:
        measured(peer, asked.venvs, bodies)
    assay(list(payload.bodies(asked.assay_traces, asked.batch)))


if __name__ == "__main__":
    main()
