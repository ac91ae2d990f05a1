"""Each page shows real rows without an error, and words where there is nothing."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from schemas.clickhouse import Store
from schemas.models import RejectionRow, SpanRow
from schemas.queries import rejections, spans


def _page(name: str, project: str, **query: str) -> AppTest:
    def show(name: str, project: str, home: str, port: str) -> None:
        import importlib

        from schemas import clickhouse
        from schemas.settings import from_environment

        settings = from_environment({"ASSAY_HOME": home, "ASSAY_STORE_PORT": port})
        page = importlib.import_module(f"ui.views.{name}")
        page.render(clickhouse.connect(settings), project)

    test = AppTest.from_function(show, kwargs={"name": name, "project": project, **_where})
    for key, value in query.items():
        test.query_params[key] = value
    return test.run(timeout=60)


_where: dict[str, str] = {}


@pytest.fixture(autouse=True)
def where(settings: object) -> None:
    home: Path = settings.home  # type: ignore[attr-defined]
    port: int = settings.store_port  # type: ignore[attr-defined]
    _where.update(home=str(home), port=str(port))


def _words(page: AppTest) -> str:
    kinds = ("title", "subheader", "error", "info", "success", "markdown", "caption", "text")
    return " ".join(str(e.value) for kind in kinds for e in page.get(kind)).replace("\\", "")


def test_overview_shows_finding_and_mean(filled: str) -> None:
    page = _page("overview", filled)
    assert not page.exception
    assert "groundedness fell for v2" in _words(page)
    assert [m.value for m in page.metric] == ["60", "0.655"]


def test_overview_lists_costs_and_what_was_refused(store: Store) -> None:
    name, token = f"p-{uuid.uuid4()}", str(uuid.uuid4())
    now = time.time_ns() - 60 * 10**9
    rows = [
        SpanRow(name, f"{n:032x}", f"{n:016x}", now, model=model, cost_usd=cost, cost_source=source,
                segment=token)
        for n, (model, cost, source) in enumerate(
            [("dear", 1.5, "span"), ("ours", 0.0, "unpriced")], 1
        )
    ]  # fmt: skip
    spans.insert_spans(store, rows, token)
    day = datetime.fromtimestamp(now / 1e9, UTC).date()
    refused = RejectionRow(name, day, "traces", "all-zero id", "opentelemetry python 1.40", "{}", 3,
                           now // 10**6, now // 10**6)  # fmt: skip
    rejections.insert_rejections(store, [refused], token)
    page = _page("overview", name)
    assert not page.exception
    costs, bad = (frame.value for frame in page.dataframe)
    assert list(zip(costs["model"], costs["cost"], strict=True)) == [
        ("dear", "$ 1.5000"), ("ours", "no price")
    ]  # fmt: skip
    assert (list(bad["reason"]), list(bad["items"])) == (["all-zero id"], [3])


def test_findings_show_segment_effect_and_examples(filled: str) -> None:
    page = _page("findings", filled)
    assert not page.exception
    assert "prompt_version=v2" in _words(page)
    assert "-0.300" in [m.value for m in page.metric]


def test_traces_are_listed_and_searched(filled: str) -> None:
    page = _page("traces", filled, search="answer 7")
    assert not page.exception
    assert list(page.dataframe[0].value["output"]) == ["answer 7"]
    assert "No trace matches" in _words(_page("traces", filled, search="nowhere"))


def test_a_trace_shows_its_text_and_scores(filled: str) -> None:
    page = _page("trace", filled, trace=f"{7:032x}")
    assert not page.exception
    assert "answer 7" in _words(page)
    assert page.dataframe[0].value["evaluator"][0] == "groundedness"


def test_an_unknown_trace_and_an_empty_project_are_said_in_words(filled: str) -> None:
    assert "No trace" in str(_page("trace", filled, trace="f" * 32).warning[0].value)
    assert "not proof of no change" in _words(_page("findings", "empty-project"))
