"""Two workers, one of them killed: every trace has one score, none two, none is missing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

from schemas.clickhouse import Store
from schemas.models import SpanRow
from schemas.queries import spans
from schemas.settings import Settings
from tests.conftest import own_settings, wait_until

TRACES = 240
# The loop of `evaluators/__main__.py` with an evaluator that takes its time, and no models.
PROGRAM = """
import sys, threading, time, signal
from evaluators import pool, worker
from evaluators.base import scored
from schemas.clickhouse import connect
from schemas.queries.work import Split
from schemas.settings import from_environment

class Slow:
    name, version, level, needs, model, probability = "slow", "v1", "trace", (), "", 1.0
    judge, batch = "none", 16
    def evaluate(self, samples):
        time.sleep(0.1)
        return [scored(1.0) for _ in samples]

if len(sys.argv) == 1:
    sys.exit(pool.run(2, [sys.executable, __file__]))
settings, stop = from_environment(), threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
desk = worker.Desk(Split(int(sys.argv[1]), 2))
worker.run(lambda: connect(settings), [Slow()], None, 0, 1, None, stop, desk=desk)
"""


settings = own_settings  # the tests of this file look at every project


def children(parent: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def test_a_killed_worker_leaves_no_double_and_no_missing_score(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    project, now = f"pool-{uuid.uuid4().hex[:8]}", time.time_ns() - 10**10
    rows = [SpanRow(project, f"{project}-{i}", "r", now + i, output="x") for i in range(TRACES)]
    spans.insert_spans(store, rows, uuid.uuid4().hex)
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    environ = {
        **os.environ, "ASSAY_HOME": str(settings.home), "PYTHONPATH": os.getcwd(),
        "ASSAY_STORE_PORT": str(settings.store_port),
    }  # fmt: skip

    def count(final: str = "FINAL") -> int:
        sql = f"SELECT count() AS n FROM scores {final} WHERE project = {{p:String}}"
        return int(store.rows(sql, p=project)[0]["n"])

    with subprocess.Popen([sys.executable, str(script)], env=environ) as parent:
        try:
            wait_until(lambda: count() > 0, "a worker scores", 150)
            victim = children(parent.pid)[0]
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: count() == TRACES, "all are scored", 150)
            wait_until(lambda: victim not in (now := children(parent.pid)) and len(now) == 2,
                       "another worker took its place", 60)  # fmt: skip
        finally:
            parent.send_signal(signal.SIGTERM)
            parent.wait(30)
    found = store.rows(
        "SELECT trace_id, count() AS n FROM scores FINAL WHERE project = {p:String}"
        " AND status = 'scored' GROUP BY trace_id",
        p=project,
    )
    assert len(found) == TRACES and {row["n"] for row in found} == {1}
