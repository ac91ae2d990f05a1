"""Two actors of a local Ray, one of them killed: every trace has one score."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid

import pytest

from schemas.clickhouse import Store
from schemas.models import SpanRow
from schemas.queries import spans
from schemas.settings import Settings
from tests.conftest import own_settings, wait_until

TRACES = 600
PROGRAM = (
    "import sys; from evaluators import actors;"
    "sys.exit(actors.run('local', 2, 0.0, 'tests.evaluators.ray_worker:serve'))"
)


settings = own_settings  # the tests of this file look at every project


@pytest.mark.slow  # a Ray of its own takes half a minute and a gigabyte
def test_a_killed_actor_leaves_no_double_and_no_missing_score(
    store: Store, settings: Settings
) -> None:
    project, now = f"ray-{uuid.uuid4().hex[:8]}", time.time_ns() - 10**10
    rows = [SpanRow(project, f"{project}-{i}", "r", now + i, output="x") for i in range(TRACES)]
    spans.insert_spans(store, rows, uuid.uuid4().hex)
    environ = {
        **os.environ, "ASSAY_HOME": str(settings.home), "PYTHONPATH": os.getcwd(),
        "ASSAY_STORE_PORT": str(settings.store_port), "RAY_USAGE_STATS_ENABLED": "0",
    }  # fmt: skip

    def count() -> int:
        sql = "SELECT count() AS n FROM scores FINAL WHERE project = {p:String}"
        return int(store.rows(sql, p=project)[0]["n"])

    def workers(number: int) -> list[int]:
        found = (settings.home / "actors").glob(f"{number}-*")
        return [int(path.name.partition("-")[2]) for path in found]

    with subprocess.Popen([sys.executable, "-c", PROGRAM], env=environ) as parent:
        try:
            wait_until(lambda: count() > 0, "an actor scores", 150)
            wait_until(lambda: bool(workers(1)), "the second is there", 60)
            (victim,) = workers(1)
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: count() == TRACES, "all are scored", 150)
            wait_until(lambda: len(workers(1)) == 2, "another actor took its place", 60)
        finally:
            parent.send_signal(signal.SIGTERM)
            code = parent.wait(60)
    assert code == 0
    found = store.rows(
        "SELECT trace_id, count() AS n FROM scores FINAL WHERE project = {p:String}"
        " AND status = 'scored' GROUP BY trace_id",
        p=project,
    )
    assert len(found) == TRACES and {row["n"] for row in found} == {1}
