"""The worker against a real store: scores once, keeps failures typed, stores embeddings."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from evaluators.base import Evaluator, Resources, Result
from evaluators.embedding import Embedder
from evaluators.judges.torch_lm import TorchJudge
from evaluators.metrics.llm_judge import LlmJudge
from evaluators.plan import whole
from evaluators.worker import build, run_batch, run_once
from schemas.clickhouse import Store
from schemas.models import Sample, SpanRow
from schemas.queries import scores, spans
from schemas.settings import Settings
from tests.conftest import own_settings, wait_until

DOCUMENT = "The Eiffel Tower stands in Paris and was finished in 1889."


class Broken:
    name = "broken"
    version = "1"
    level = "trace"
    needs = ("answer",)
    model = ""
    probability = 1.0

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        raise RuntimeError("no judge at home")


settings = own_settings  # the tests of this file look at every project


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture
def project(store: Store) -> str:
    """A project of three traces: grounded, hallucinated, and one without an answer."""
    name = f"eval-{uuid.uuid4().hex[:8]}"
    now = time.time_ns()
    answers = ["The Eiffel Tower was finished in 1889.", "Napoleon finished it in 1999.", ""]
    rows = []
    for i, answer in enumerate(answers):
        trace = f"{name}-{i}"
        rows.append(
            SpanRow(name, trace, "a", now, input="When was the tower finished?", output=answer,
                    ingested_at=now // 10**6)
        )  # fmt: skip
        rows.append(
            SpanRow(name, trace, "b", now + 1, parent_span_id="a", kind="RETRIEVER",
                    documents=[DOCUMENT], ingested_at=now // 10**6)
        )  # fmt: skip
    spans.insert_spans(store, rows, uuid.uuid4().hex)
    time.sleep(0.01)  # the traces must be older than the clock's tick to be quiet
    return name


def only(store: Store, project: str, index: int) -> dict[str, dict[str, object]]:
    found = scores.trace_scores(store, project, f"{project}-{index}")
    assert len({row["evaluator"] for row in found}) == len(found)
    return {row["evaluator"]: row for row in found}


def work(store: Store, evaluators: Sequence[Evaluator], embedder: Embedder) -> int:
    return run_once(store, evaluators, embedder, quiet_seconds=0)[0]


def test_every_trace_is_scored_once_and_embedded(
    store: Store, project: str, embedder: Embedder
) -> None:
    evaluators = [e for e in build(Resources(embedder)) if e.probability == 1]
    assert work(store, evaluators, embedder) >= 9
    assert work(store, evaluators, embedder) == 0
    good, bad, empty = (only(store, project, i) for i in range(3))
    assert set(good) == {"answer_relevance", "groundedness", "refusal"}
    assert float(str(good["groundedness"]["value"])) > float(str(bad["groundedness"]["value"]))
    assert {row["status"] for row in empty.values()} == {"unscored"}
    assert {row["reason"] for row in empty.values()} == {"no answer"}
    assert all(math.isnan(float(str(row["value"]))) for row in empty.values())
    inputs = scores.embeddings(store, project, "input", 0, time.time_ns() + 10**9)
    outputs = scores.embeddings(store, project, "output", 0, time.time_ns() + 10**9)
    assert (len(inputs), len(outputs)) == (3, 2)
    assert len(inputs[0][2]) == 384


def test_a_trace_is_scored_again_when_a_span_arrives_later(
    store: Store, project: str, embedder: Embedder
) -> None:
    evaluators = [e for e in build(Resources(embedder)) if e.name == "groundedness"]
    assert work(store, evaluators, embedder) >= 3
    late = SpanRow(project, f"{project}-1", "c", time.time_ns(), parent_span_id="a",
                   documents=["Napoleon finished it in 1999."])  # fmt: skip
    before = only(store, project, 1)["groundedness"]["value"]
    time.sleep(0.01)
    spans.insert_spans(store, [late], uuid.uuid4().hex)
    time.sleep(0.01)
    assert work(store, evaluators, embedder) == 1
    assert float(str(only(store, project, 1)["groundedness"]["value"])) > float(str(before))


def test_a_failed_evaluator_leaves_an_error_and_no_number(
    store: Store, project: str, embedder: Embedder
) -> None:
    work(store, [Broken()], embedder)
    row = only(store, project, 0)["broken"]
    assert (row["status"], row["reason"]) == ("error", "RuntimeError: no judge at home")
    assert math.isnan(float(str(row["value"])))
    assert work(store, [Broken()], embedder) == 0


def test_unsampled_traces_are_ticked_off_without_a_judgement(store: Store, project: str) -> None:
    judge = LlmJudge(TorchJudge(Path("absent.gguf")))
    judge.probability = 1e-12
    assert run_batch(store, project, whole(judge, 0)) == 3
    assert only(store, project, 0)["llm_judge"]["reason"] == "not sampled"
    assert run_batch(store, project, whole(judge, 0)) == 0


def test_the_process_scores_and_stops_cleanly_on_sigterm(
    store: Store, project: str, settings: Settings
) -> None:
    environ = {
        **os.environ, "ASSAY_HOME": str(settings.home),
        "ASSAY_STORE_PORT": str(settings.store_port), "ASSAY_QUIET_SECONDS": "0",
    }  # fmt: skip
    command = [sys.executable, "-P", "-m", "evaluators"]
    ready = settings.home / "run" / "evaluators.ready"
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE) as child:
        try:
            wait_until(
                lambda: child.poll() is not None
                or (ready.exists() and len(only(store, project, 0)) == 3),
                "it is ready and has scored", 180,
            )  # fmt: skip
            assert child.poll() is None
        finally:
            child.send_signal(signal.SIGTERM)
            child.communicate(timeout=60)
    assert child.returncode == 0
    assert ready.read_text().strip().isdigit()
