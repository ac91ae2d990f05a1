"""The pages in a real browser: no error, no foreign request, the project kept across clicks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from bench.screenshots import DONE, FLAGS
from monitors.alerts.compose import findings_page
from schemas.clickhouse import Store
from schemas.models import EmbeddingRow, ScoreRow, SpanRow
from schemas.queries import scores, spans
from schemas.settings import Settings
from tests.conftest import answers, free_port, spawn, wait_until
from tests.ui.conftest import START

TRACE = f"{60:032x}"


@pytest.fixture(scope="module")
def address(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    environ = {"ASSAY_HOME": str(settings.home), "ASSAY_STORE_PORT": str(settings.store_port),
               "ASSAY_UI_PORT": str(port)}  # fmt: skip
    log = tmp_path_factory.mktemp("ui") / "ui.log"
    child: subprocess.Popen[bytes] = spawn("ui", {**os.environ, **environ}, log)
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/_stcore/health"), "the ui answers")
    yield f"http://127.0.0.1:{port}"
    child.terminate()
    child.wait(20)


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    """One browser for a module, which keeps the explorer's scripts: to start one and to read them
    again takes longer than most of what a test does."""
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: `make chromium` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser.new_context(viewport={"width": 1440, "height": 1100})
        browser.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails the test on a script error or on a request to another host. Nobody is
    logged in and nothing is kept of an earlier page."""
    problems: list[str] = []
    context.clear_cookies()
    opened = context.new_page()
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("request", lambda r: _foreign(r.url) and problems.append(f"asked for {r.url}"))
    yield opened
    for each in context.pages:
        if each.url.startswith("http"):
            each.evaluate("localStorage.clear()")
        each.close()
    assert problems == []


def _foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))


def _shown(page: Page, title: str) -> None:
    expect(page.locator("h1").first).to_have_text(title, timeout=60_000)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.locator(DONE)).to_have_count(1, timeout=60_000)


def test_overview_leads_to_the_finding_of_the_same_project(
    page: Page, address: str, filled: str
) -> None:
    page.goto(f"{address}/?project={filled}")
    _shown(page, "Overview")
    expect(page.get_by_text("groundedness fell for v2")).to_be_visible()
    expect(page.locator("canvas, svg.marks").first).to_be_visible()
    page.get_by_role("link", name="What broke, since").click()
    _shown(page, "What broke")
    expect(page.get_by_text("groundedness: prompt_version=v2")).to_be_visible()
    assert f"project={filled}" in page.url and "finding=f" in page.url
    page.get_by_role("link", name="groundedness 0.50").first.click()
    _shown(page, "Trace")
    assert f"trace={TRACE}" in page.url
    expect(page.get_by_text("answer 60").first).to_be_visible()


def test_an_alerts_link_leads_to_an_example_trace(page: Page, address: str, filled: str) -> None:
    page.goto(findings_page(filled, address, "f"))
    _shown(page, "What broke")
    page.get_by_role("link", name="groundedness 0.50").first.click()
    _shown(page, "Trace")
    assert f"trace={TRACE}" in page.url


def test_a_bad_trace_is_found_from_the_lowest_scores(page: Page, address: str, filled: str) -> None:
    page.goto(f"{address}/?project={filled}")
    _shown(page, "Overview")
    page.get_by_role("link", name="Lowest scores").first.click()
    _shown(page, "Traces")
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box
    with page.expect_popup() as opened:  # the table is drawn: 'open' in its first row
        page.mouse.move(box["x"] + 20, box["y"] + 50)
        page.mouse.move(box["x"] + 24, box["y"] + 54)
        page.mouse.down()
        page.mouse.up()
    trace = opened.value
    _shown(trace, "Trace")
    expect(trace.get_by_text("answer 60").first).to_be_visible()
    assert f"trace={TRACE}" in trace.url


def test_two_traces_are_compared(page: Page, address: str, filled: str) -> None:
    page.goto(f"{address}/trace?project={filled}&trace={TRACE}")
    _shown(page, "Trace")
    page.get_by_role("radio", name="Compare").click()
    page.get_by_label("Compare with the trace").fill(f"{1:032x}")
    page.keyboard.press("Enter")
    _both(page)
    expect(page).to_have_url(re.compile(f"with={1:032x}"))
    page.goto(page.url)
    _both(page)


def _both(page: Page) -> None:
    for text in ("answer 60", "answer 1"):
        expect(page.get_by_test_id("stChatMessage").get_by_text(text, exact=True)).to_be_visible()


def test_a_search_and_a_trace_are_addresses(page: Page, address: str, filled: str) -> None:
    page.goto(f"{address}/traces?project={filled}&search=answer+7")
    _shown(page, "Traces")
    expect(page.get_by_text("1 traces, the newest of")).to_be_visible()
    page.goto(f"{address}/trace?project={filled}&trace={TRACE}")
    _shown(page, "Trace")
    expect(page.get_by_text("answer 60").first).to_be_visible()
    expect(page.get_by_text("who?").first).to_be_visible()
    page.goto(f"{address}/trace?project={filled}&trace={TRACE}&part=Logs")
    expect(page.get_by_text("1 log record")).to_be_visible(timeout=60_000)


def test_markup_in_a_trace_stays_text(
    page: Page, address: str, hostile: str, tmp_path: Path
) -> None:
    page.goto(f"{address}/trace?project={hostile}&trace={'e' * 32}")
    _shown(page, "Trace")
    expect(page.get_by_text("<img src=x").first).to_be_visible()
    page.goto(f"{address}/findings?project={hostile}")
    _shown(page, "What broke")
    expect(page.get_by_text("![a](http://example.invalid/a.png)").first).to_be_visible()
    page.goto(f"{address}/?project={hostile}")
    _shown(page, "Overview")
    expect(page.locator("[data-testid=stMain] img")).to_have_count(0)


def test_a_span_is_picked_and_a_branch_folded_in_the_timeline(
    page: Page, address: str, store: Store
) -> None:
    name, now = f"timeline-{time.time_ns()}", time.time_ns() - 3600 * 10**9
    told = 'supported: "It is red." (0.91) by document 1: "It is red."'
    rows = [
        SpanRow(name, "a" * 32, "1" * 16, now, name="ask", kind="CHAIN", duration_ns=10**9,
                input="Which colour?", output="It is red. <b>Or blue.</b>"),
        SpanRow(name, "a" * 32, "2" * 16, now + 1, parent_span_id="1" * 16, name="look up",
                kind="RETRIEVER", duration_ns=10**8, documents=["It is red."]),
    ]  # fmt: skip
    spans.insert_spans(store, rows, name)
    scores.insert_scores(store, [
        ScoreRow(name, "groundedness", "1", "a" * 32, "1" * 16, now, "scored", 0.9, 1,
                 explanation=told)
    ])  # fmt: skip
    page.goto(f"{address}/trace?project={name}&trace={'a' * 32}")
    _shown(page, "Trace")
    page.get_by_role("button", name="It is red.: supported by document 1").click()
    expect(page.locator(".doc .on")).to_have_text("It is red.")
    expect(page.locator("[data-testid=stMain] b")).to_have_count(0)
    page.get_by_role("treeitem", name="look up").click()
    expect(page.get_by_role("heading", name="look up")).to_be_visible(timeout=60_000)
    assert f"span={'2' * 16}" in page.url
    root = page.get_by_role("treeitem", name="ask")
    root.focus()
    root.press("ArrowLeft")
    expect(page.get_by_role("treeitem")).to_have_count(1, timeout=60_000)
    assert f"toggled={'1' * 16}" in page.url


def test_a_line_around_points_of_the_map_lists_their_traces(
    page: Page, address: str, filled: str, store: Store
) -> None:
    """Two clouds of embeddings, 20 and 40; the line goes around the one on the right."""
    made = [
        EmbeddingRow(filled, "input", "m", f"{n:032x}", f"{n:016x}", START + n * 10**12,
                     [10.0 if n <= 20 else -5.0, n % 7 / 9, n % 3 / 9], 1)
        for n in range(1, 61)
    ]  # fmt: skip
    scores.insert_embeddings(store, made)
    page.goto(f"{address}/drift?project={filled}")
    _shown(page, "Drift")
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    left, right = box["x"] + box["width"] / 2, box["x"] + box["width"] - 2
    top, bottom = box["y"] + 2, box["y"] + box["height"] - 2
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 5)):
        page.mouse.move(x, y, steps=5)
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"^20 traces; the newest 20$"))).to_be_visible(
        timeout=60_000
    )
