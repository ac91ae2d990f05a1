"""Review: items are drawn with a known chance, labelled blind, and enough labels end an item."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from schemas.clickhouse import Store
from schemas.logins import Person
from schemas.models import ScoreRow
from schemas.queries import labels, scores
from schemas.queries import review as queries
from schemas.review import RANDOM
from schemas.settings import Settings
from ui import review


def _page(settings: Settings, project: str, person: Person) -> AppTest:
    def show(project: str, home: str, port: str) -> None:
        from schemas import clickhouse
        from schemas.settings import from_environment
        from ui.views import review

        settings = from_environment({"ASSAY_HOME": home, "ASSAY_STORE_PORT": port})
        review.render(clickhouse.connect(settings), project)

    where: dict[str, str | Path] = {"home": settings.home, "port": str(settings.store_port)}
    test = AppTest.from_function(show, kwargs={"project": project, **where}, default_timeout=60)
    test.session_state["viewer"] = person
    return test.run()


def _said(page: AppTest) -> str:
    kinds = ("title", "success", "info", "caption", "text", "markdown", "subheader", "metric")
    return " ".join(str(e.value) for kind in kinds for e in page.get(kind)).replace("\\", "")


def _draw(store: Store, project: str, wanted: int, twice: float = 0.0) -> int:
    return review.draw(store, project, "groundedness", "1", review.EVER, mode=RANDOM,
                       wanted=wanted, twice=twice, author="test")  # fmt: skip


def test_ten_items_are_drawn_and_labelled_blind(
    settings: Settings, store: Store, filled: str
) -> None:
    page = _page(settings, filled, Person("ada", "reviewer"))
    assert not page.exception
    page.number_input(key="draw-many").set_value(60)
    page.slider(key="draw-twice").set_value(0)
    page.button(key="draw").click().run()
    assert not page.exception and "60 items were drawn" in _said(page)
    for n in range(10):
        assert "groundedness said" not in _said(page) or n
        label = "No" if n % 3 else "Yes"
        next(button for button in page.button if button.label == label).click().run()
        assert not page.exception and f"Stored: {label}. groundedness said 0." in _said(page)
    told = labels.labels(store, filled, "groundedness")
    assert len(told) == 10 and {row["annotator"] for row in told} == {"ada"}
    assert {(row["chosen"], row["probability"]) for row in told} == {("probability", 1.0)}
    assert sum(row["value"] for row in told) == 4
    assert "50 left for you" in _said(page)


def test_a_viewer_sees_progress_and_labels_nothing(settings: Settings, filled: str) -> None:
    page = _page(settings, filled, Person("eve", "viewer"))
    assert not page.exception and "a reviewer labels" in _said(page)
    assert not [b for b in page.button if str(b.key).startswith(("say-", "draw"))]


def test_an_item_of_two_people_waits_for_the_second(store: Store, filled: str) -> None:
    _draw(store, filled, 60, twice=1.0)
    rows = queries.queue(store, filled, "groundedness")
    twice = [row for row in rows if row["wanted"] == 2]
    for row in rows:
        review.say(store, filled, "groundedness", row, "bob", "Yes", 1.0, "")
    after = queries.queue(store, filled, "groundedness")
    assert review.waiting(after, "bob") == []
    assert len(review.waiting(after, "cyd")) == sum(
        row["wanted"] > len(row["annotators"]) for row in after
    )
    assert len(twice) <= len(rows)


def test_a_second_draw_renews_the_chances_of_the_first(store: Store, hostile: str) -> None:
    start = time.time_ns() - 3600 * 10**9
    ids = [(f"{n:032x}", f"{n:016x}", start + n) for n in range(1, 401)]
    scores.insert_scores(
        store, [ScoreRow(hostile, "groundedness", "1", *one, "scored", 0.5, 1) for one in ids]
    )
    first = _draw(store, hostile, 40)
    (one, *_) = queries.queue(store, hostile, "groundedness")
    assert one["probability"] == pytest.approx(0.1)
    review.say(store, hostile, "groundedness", one, "ada", "Yes", 1.0, "")
    second = _draw(store, hostile, 90)
    queue = queries.queue(store, hostile, "groundedness")
    assert len(queue) == first + second
    chance = 1 - 0.9 * (1 - 90 / (400 - first))
    assert {round(row["probability"], 9) for row in queue} == {round(chance, 9)}
    (told,) = labels.labels(store, hostile, "groundedness")
    assert told["probability"] == pytest.approx(chance)
