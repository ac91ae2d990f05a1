"""Topics are asked on the Drift page, found by the monitors, and colour the map."""

from __future__ import annotations

import time
import uuid

import pytest

from monitors.questions import answer_waiting
from schemas.clickhouse import Store
from schemas.models import EmbeddingRow, SpanRow
from schemas.queries import scores, spans
from schemas.settings import Settings
from tests.monitors.test_topics import draw
from tests.ui.pages import opened, words
from ui.drifting import plane

NOW = time.time_ns() - 3600 * 10**9
DAY = 86_400 * 10**9


@pytest.fixture
def moved(store: Store) -> str:
    """300 inputs of three subjects, then 300 with a fourth, over 14 days."""
    name = f"topics-{uuid.uuid4()}"
    texts, vectors = draw([0.4, 0.3, 0.3, 0.0], 300, 1)
    late, more = draw([0.3, 0.2, 0.2, 0.3], 300, 2)
    rows, found = [], []
    for n, (text, vector) in enumerate(zip([*texts, *late], [*vectors, *more], strict=True)):
        trace, at = f"{n + 1:032x}", NOW - (599 - n) * 14 * DAY // 600
        rows.append(SpanRow(name, trace, trace[16:], at, input=text, kind="CHAIN"))
        found.append(EmbeddingRow(name, "input", "m", trace, trace[16:], at, list(vector), 1))
    spans.insert_spans(store, rows, name)
    scores.insert_embeddings(store, found)
    return name


def test_a_topic_that_appeared_is_told_with_shares_and_counts(
    settings: Settings, store: Store, moved: str
) -> None:
    answer_waiting(store)  # what other tests asked
    page = opened(settings, "drift", moved, signal="latency")
    page.button(key="topics-ask").click().run(timeout=120)
    assert "Searching" in words(page)
    assert answer_waiting(store) == 1
    page.run(timeout=120)
    assert not page.exception
    table = next(f.value for f in page.dataframe if "topic" in f.value.columns)
    assert table["what"][0] == "appeared" and "weather" in table["topic"][0]
    assert table["before"][0].endswith("%") and int(table["inputs since"][0]) > 40
    assert "inputs before, " in words(page) and f"{page.query_params['topics'][0]}".startswith("t")


def test_too_few_inputs_are_said(settings: Settings, store: Store, filled: str) -> None:
    page = opened(settings, "drift", filled, signal="latency")
    page.button(key="topics-ask").click().run(timeout=120)
    answer_waiting(store)
    page.run(timeout=120)
    assert "0 embedded inputs in the reference" in words(page)


def test_the_map_colours_the_largest_topics_and_leaves_the_rest_grey() -> None:
    traces = [str(n) for n in range(60)]
    topics = {str(n): f"topic {min(n // 7, 7)}" for n in range(56)}
    found = plane.labelled(traces, topics)
    assert len(set(found) - {plane.OTHER}) == plane.COLOURED
    assert found[-4:] == [plane.OTHER] * 4
