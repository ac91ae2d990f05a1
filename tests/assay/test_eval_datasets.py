"""`assay eval --dataset`: the items of a stored version, as a file of them would be."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from schemas import datasets
from schemas.clickhouse import Store
from schemas.models import SpanRow
from schemas.queries.spans import insert_spans
from schemas.settings import Settings
from tests.assay.shell import Done, assay

TRACES = [f"{n:032x}" for n in range(1, 4)]
ANSWERS = ["I cannot help with that.", "Paris.", "Two\nlines\u2028and more."]


@pytest.fixture
def project(store: Store) -> str:
    name, now = f"set-{uuid.uuid4()}", time.time_ns() - 60 * 10**9
    rows = [
        SpanRow(name, trace, trace[16:], now, kind="CHAIN", input="q", output=answer,
                session_id="s")
        for trace, answer in zip(TRACES, ANSWERS, strict=True)
    ]  # fmt: skip
    insert_spans(store, rows, name)
    datasets.add(store, name, "set", TRACES[:1], "", "ada")
    datasets.add(store, name, "set", TRACES[1:], "", "ada")
    return name


def run(settings: Settings, *words: str) -> Done:
    environ = {"ASSAY_HOME": str(settings.home), "ASSAY_STORE_PORT": str(settings.store_port)}
    return assay("eval", "refusal", *words, **environ)


def test_the_last_version_is_scored_or_the_one_that_is_named(
    settings: Settings, project: str
) -> None:
    done = run(settings, "--project", project, "--dataset", "set")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["trace_id"] for row in rows] == TRACES, done.stderr
    assert [row["label"] for row in rows] == ["yes", "no", "no"]
    assert [row["answer"] for row in rows] == ANSWERS and b"3/3" in done.stderr
    first = run(settings, "--project", project, "--dataset", "set@1")
    assert [json.loads(line)["trace_id"] for line in first.stdout.splitlines()] == TRACES[:1]


def test_what_is_not_there_is_said_with_what_is(settings: Settings, project: str) -> None:
    for words, said in (
        (("--project", project, "--dataset", "set@7"), "there is: set@1, set@2"),
        (("--project", project, "--dataset", "sat"), "there is: set"),
        (("--project", f"{project}-x", "--dataset", "set"), "there is: none"),
        (("--dataset", "set"), "--dataset needs --project"),
    ):
        done = run(settings, *words)
        assert done.returncode == 3 and said in done.stderr.decode(), done.stderr
