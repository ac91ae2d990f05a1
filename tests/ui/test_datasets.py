"""Data sets and experiments on their pages: pick, see, compare pair by pair."""

from __future__ import annotations

import dataclasses
import time
import uuid

import schemas.datasets
from schemas.clickhouse import Store
from schemas.logins import Person
from schemas.models import ScoreRow, SpanRow
from schemas.queries import datasets, scores, spans
from schemas.settings import Settings
from tests.ui.test_editing import _page
from tests.ui.test_pages import _page as _shown
from tests.ui.test_pages import _words, where

__all__ = ["where"]


def test_an_editor_picks_traces_into_a_version(
    settings: Settings, store: Store, filled: str
) -> None:
    assert "No data set yet" in _words(_page(settings, "datasets", filled, Person("e", "viewer")))
    page = _page(settings, "datasets", filled, Person("bob", "editor"))
    page.text_input(key="pick-name").set_value("hard")
    page.text_area(key="pick-ids").set_value(f"{1:032x}, {2:032X}").run()
    page.button(key="pick").click().run()
    assert not page.exception and "Version 1 of hard has 2 items" in _words(page)
    assert list(page.dataframe[0].value["answer"]) == ["answer 1", "answer 2"]
    (version,) = datasets.dataset_versions(store, filled, "hard")
    assert (version["author"], version["items"]) == ("bob (explorer)", 2)


def test_two_runs_are_compared_by_the_same_question(store: Store) -> None:
    project, now = f"pair-{uuid.uuid4()}", time.time_ns() - 3600 * 10**9
    rows = [
        SpanRow(project, f"{n:032x}", f"{n:016x}", now + n, input=f"question {n % 20}", output="a",
                prompt_version="v1" if n < 20 else "v2")
        for n in range(40)
    ]  # fmt: skip
    spans.insert_spans(store, rows, project)
    judged = [
        ScoreRow(project, "groundedness", "1", r.trace_id, r.span_id, r.start_time, "scored",
                 0.5 + 0.2 * (n >= 20) + 0.01 * (n % 3), 1)
        for n, r in enumerate(rows)
    ]  # fmt: skip
    scores.insert_scores(store, judged)
    page = _shown("experiments", project, by="prompt_version", evaluator="groundedness")
    assert not page.exception
    assert page.metric[2].value == "+0.200" and float(page.metric[3].value) < 0.01
    assert "20 questions that both were asked, 20 independent units" in _words(page)
    page = _shown("experiments", project, compare="Two versions of the evaluator")
    assert "under one version only" in _words(page)
    made = schemas.datasets.add(store, project, "hard", [f"{n:032x}" for n in range(1, 6)], "", "t")
    assert made[0].items == 5
    page = _shown("experiments", project, by="prompt_version", dataset="hard")
    assert "5 questions that both were asked of data set hard" in _words(page)
    worst = page.dataframe[-1].value
    assert worst["question"].str.startswith("question ").all()
    assert (worst["A's trace"] != worst["B's trace"]).all()
    again = [dataclasses.replace(row, evaluator_version="2", value=0.1) for row in judged]
    scores.insert_scores(store, again)
    page = _shown("experiments", project, compare="Two versions of the evaluator", dataset="hard")
    assert "5 traces that both have scored of data set hard" in _words(page)


def test_a_data_set_shows_what_evaluators_say_of_its_items(store: Store, filled: str) -> None:
    schemas.datasets.add(store, filled, "scored", [f"{n:032x}" for n in (1, 2, 60)], "", "t")
    page = _shown("datasets", filled, dataset="scored")
    assert not page.exception
    assert {m.label: m.value for m in page.metric} == {"groundedness": "0.700"}
    assert "n 3 of 3" in _words(page)
    assert page.dataframe[0].value["groundedness"].round(2).tolist() == [0.8, 0.8, 0.5]
