"""Data sets: content is copied, versions do not change, of two writers one is told to try again."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from schemas import datasets
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.models import SpanRow
from schemas.queries import datasets as queries
from schemas.queries.spans import insert_spans

TRACES = [f"{n:032x}" for n in range(1, 4)]


@pytest.fixture
def project(store: Store) -> str:
    name, now = f"set-{uuid.uuid4()}", time.time_ns() - 60 * 10**9
    rows = [
        SpanRow(name, trace, trace[16:], now, kind="CHAIN", input=f"q {trace[-1]}", output="a",
                documents=["d"], model="m", session_id="s")
        for trace in TRACES
    ]  # fmt: skip
    insert_spans(store, rows, name)
    return name


def _items(store: Store, project: str, number: int) -> list[str]:
    version = {v["number"]: v for v in queries.dataset_versions(store, project, "set")}[number]
    found = queries.dataset_items(store, project, "set", version["draft"])
    return [row["trace_id"] for row in found]


def test_a_version_holds_the_last_one_and_what_was_picked(store: Store, project: str) -> None:
    first, missing = datasets.add(store, project, "set", [TRACES[0], "f" * 32], "why", "ada")
    second, _ = datasets.add(store, project, "set", TRACES, "", "bob")
    assert (first.number, first.items, missing) == (1, 1, ["f" * 32])
    assert (second.number, second.items) == (2, 3)
    assert _items(store, project, 1) == TRACES[:1] and _items(store, project, 2) == TRACES
    (named,) = queries.dataset_names(store, project)
    assert (named["dataset"], named["versions"], named["items"]) == ("set", 2, 3)
    rows = queries.dataset_items(store, project, "set", second.draft)
    line = json.loads(datasets.exported(rows).split("\n")[0])
    assert (line["question"], line["answer"], line["documents"]) == ("q 1", "a", ["d"])
    assert line["metadata"] == {"model": "m"}


def test_of_two_writers_of_a_version_one_is_told(
    store: Store, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = queries.dataset_items

    def meanwhile(*given: object) -> list[dict[str, object]]:
        monkeypatch.setattr(queries, "dataset_items", look)
        datasets.add(store, project, "set", TRACES[1:2], "", "bob")
        return look(*given)  # type: ignore[arg-type]

    datasets.add(store, project, "set", TRACES[:1], "", "ada")
    monkeypatch.setattr(queries, "dataset_items", meanwhile)
    with pytest.raises(ControlError, match="bob made version 2 meanwhile"):
        datasets.add(store, project, "set", TRACES[2:], "", "ada")
    assert _items(store, project, 2) == TRACES[:2]


@pytest.mark.parametrize(("name", "traces"), [("a b", TRACES), ("set", ["f" * 32]), ("set", [])])
def test_what_cannot_be_made_changes_nothing(
    store: Store, project: str, name: str, traces: list[str]
) -> None:
    with pytest.raises(ControlError):
        datasets.add(store, project, name, traces, "", "ada")
    assert queries.dataset_names(store, project) == []
