"""Data sets and experiments on their pages: pick, see, compare pair by pair."""

from __future__ import annotations

import time
import uuid

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
    made = [
        ScoreRow(project, "groundedness", "1", r.trace_id, r.span_id, r.start_time, "scored",
                 0.5 + 0.2 * (n >= 20) + 0.01 * (n % 3), 1)
        for n, r in enumerate(rows)
    ]  # fmt: skip
    scores.insert_scores(store, made)
    page = _shown("experiments", project, by="prompt_version", evaluator="groundedness")
    assert not page.exception
    assert page.metric[2].value == "+0.200" and float(page.metric[3].value) < 0.01
    assert "20 questions that both were asked, 20 independent units" in _words(page)
    page = _shown("experiments", project, compare="Two versions of the evaluator")
    assert "under one version only" in _words(page)
