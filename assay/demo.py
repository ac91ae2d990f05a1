"""`assay demo`: real traffic through a real installation, and a report that can fail.

The truth about the injected regression is read only here, to check what the monitors found.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import json
import logging
import os
import secrets
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.receiver import Receiver
from assay.report import print_report
from assay.supervisor import StartError, Supervisor, plan
from assay.up import addresses, stop_event
from schemas.settings import Settings

PROJECT = "demo"
_ROOT = Path(__file__).resolve().parent.parent


def _fresh_home(settings: Settings) -> Settings:
    """The demo's own data folder, emptied, so that stored can be compared with sent."""
    home = settings.home / "demo"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    return dataclasses.replace(settings, home=home)


def _send(settings: Settings, arguments: argparse.Namespace, truth: Path) -> dict[str, Any]:
    seed = arguments.seed
    if seed is None:
        seed = int(datetime.now(UTC).strftime("%Y%m%d"))
    command = [
        sys.executable, "-m", "examples.demo_traffic.send",
        "--endpoint", f"http://127.0.0.1:{settings.otlp_http_port}",
        "--seed", str(seed), "--traces", str(arguments.traces), "--truth", str(truth),
    ]  # fmt: skip
    if arguments.no_regression:
        command.append("--no-regression")
    if arguments.seed is not None:
        command.append("--any")
    subprocess.run(command, cwd=_ROOT, check=True)
    found: dict[str, Any] = json.loads(truth.read_text())
    return found


def _opt_in(settings: Settings) -> None:
    """48 hours of traffic are too little for a calibrated finding, which alone is sent by default:
    the demo asks for the uncalibrated one, as a user may (docs/drift.md)."""
    from assay.control import enforce
    from schemas.control import parse

    enforce(settings, parse("monitors: {page_uncalibrated: true}", "assay demo"), False)


def _live(settings: Settings, environ: dict[str, str], questions: int) -> None:
    if questions <= 0:
        return
    print(
        f"Asking examples/docs_qa {questions} questions (retrieval and a real language model) ..."
    )
    subprocess.run(
        [sys.executable, "-m", "examples.docs_qa", "--questions", str(questions)],
        cwd=_ROOT, check=False,
        env={**environ, "OTEL_EXPORTER_OTLP_ENDPOINT":
             f"http://127.0.0.1:{settings.otlp_http_port}"},
    )  # fmt: skip


def _wait(settings: Settings, sent: int, supervisor: Supervisor, limit: float) -> None:
    """Until all demo traces are scored and the monitors have looked twice since then, or nothing
    has moved for `limit` seconds: the report then says what is missing."""
    from schemas import clickhouse
    from schemas.errors import Permanent, Retryable
    from schemas.queries import spans
    from schemas.queries.scores import evaluators

    ready = settings.home / "run" / "monitors.ready"
    deadline = time.monotonic() + limit
    looked: list[str] = []
    shown = ""
    while time.monotonic() < deadline and len(looked) < 3:
        time.sleep(1)
        supervisor.mend()
        try:
            store = clickhouse.connect(settings)
            stored = spans.count_spans(store, PROJECT)
            rows = evaluators(store, PROJECT)
            store.close()
        except (Retryable, Permanent):
            continue
        done = {r["evaluator"]: r["scored"] + r["unscored"] + r["errors"] for r in rows}
        text = f"  {stored} spans stored; scored: " + ", ".join(f"{k} {v}" for k, v in done.items())
        if text != shown:
            print(text, flush=True)
            shown, deadline = text, time.monotonic() + limit
        every = sent // 3
        if stored < sent or len(done) < 3 or min(done.values()) < every:
            continue
        now = ready.read_text() if ready.exists() else ""
        if not looked or looked[-1] != now:
            looked.append(now)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Start, send, wait, report; then serve until Ctrl-C unless `--exit`. 0 only if all held."""
    if not (_ROOT / "examples" / "demo_traffic").is_dir():
        print("assay: the demo needs a checkout of the repository (examples/)", file=sys.stderr)
        return 2
    logging.basicConfig(level=settings.log_level, format="%(message)s")
    started = time.monotonic()
    settings = _fresh_home(settings)
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    receiver = Receiver(secret)
    environ = {
        "ASSAY_HOME": str(settings.home), "ASSAY_WEBHOOK_URL": receiver.url,
        "ASSAY_WEBHOOK_SECRET": secret, "ASSAY_ALLOW_PRIVATE_WEBHOOKS": "1",
        "ASSAY_QUIET_SECONDS": "2",
    }  # fmt: skip
    stopping = stop_event()
    supervisor = Supervisor(settings, plan(settings))
    try:
        print("Starting store, collector, evaluators, monitors and ui ...", flush=True)
        supervisor.start(environ)
        _opt_in(settings)
        truth = _send(settings, arguments, settings.home / "truth.json")
        _live(settings, {**os.environ, **environ}, arguments.questions)
        _wait(settings, int(truth["spans"]), supervisor, 120)
        held = print_report(settings, PROJECT, truth, receiver)
        print(f"\n{time.monotonic() - started:.0f} s from start to report.\n{addresses(settings)}")
        print(f"\nOpen http://127.0.0.1:{settings.ui_port}/?project={PROJECT}", flush=True)
        if not arguments.exit:
            print("Serving until Ctrl-C.", flush=True)
            while not stopping.wait(1.0):
                supervisor.mend()
        return 0 if held else 1
    except StartError as error:
        print(f"assay: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"assay: the demo traffic could not be sent ({error})", file=sys.stderr)
        return 1
    finally:
        supervisor.stop()
        receiver.close()
