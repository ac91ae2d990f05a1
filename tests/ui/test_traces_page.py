"""The list of traces: chips, pages in the address, columns, a range of time, the live list."""

from __future__ import annotations

import time
import uuid

import pytest

from schemas.models import SpanRow
from schemas.queries import spans
from schemas.settings import Settings
from tests.ui.pages import opened, words
from ui import period

NOW = time.time_ns() - 1800 * 10**9


@pytest.fixture(scope="module")
def busy(settings: Settings) -> str:
    """230 traces a second apart."""
    from schemas import clickhouse

    store = clickhouse.connect(settings)
    name = f"busy-{uuid.uuid4()}"
    rows = [
        SpanRow(name, f"{n:032x}", f"{n:016x}", NOW + n * 10**9, name="ask", input=f"question {n}",
                model="a" if n % 2 else "b", duration_ns=n * 10**6, user_id="ada")
        for n in range(1, 231)
    ]  # fmt: skip
    spans.insert_spans(store, rows, name)
    store.close()
    return name


def test_pages_are_walked_by_the_address(settings: Settings, busy: str) -> None:
    page = opened(settings, "traces", busy)
    assert not page.exception and page.metric[0].value == "230"
    seen = list(page.dataframe[0].value["input"])
    for _ in range(2):
        next(b for b in page.button if b.label == "Older").click()
        page.run(timeout=120)
        seen += list(page.dataframe[0].value["input"])
    assert len(seen) == len(set(seen)) == 230
    again = opened(settings, "traces", busy, after="".join(page.query_params["after"]))
    assert list(again.dataframe[0].value["input"]) == seen[200:]
    assert next(b for b in page.button if b.label == "Older").disabled


def test_a_condition_is_a_chip_that_can_be_taken_away(settings: Settings, busy: str) -> None:
    page = opened(settings, "traces", busy, search="model=a duration_ms>100")
    assert page.metric[0].value == "65"
    chip = next(b for b in page.button if "duration" in b.label)
    chip.click()
    page.run(timeout=120)
    assert page.text_input(key="search").value == "model=a" and page.metric[0].value == "115"


def test_columns_are_chosen_and_kept_in_the_address(settings: Settings, busy: str) -> None:
    page = opened(settings, "traces", busy, columns="user")
    assert list(page.dataframe[0].value.columns) == ["open", "user"]


def test_a_range_of_time_is_an_address(settings: Settings, busy: str) -> None:
    start, end = NOW + 10 * 10**9, NOW + 20 * 10**9
    page = opened(settings, "traces", busy,
                  **{"from": period.written(start), "to": period.written(end)})  # fmt: skip
    assert 9 <= int(page.metric[0].value) <= 11
    next(b for b in page.button if b.label == "All").click()
    page.run(timeout=120)
    assert page.metric[0].value == "230"


def test_the_live_list_shows_the_last_hour(settings: Settings, busy: str) -> None:
    page = opened(settings, "traces", busy, live="true")
    assert not page.exception and "Live: 100 newest traces" in words(page)
