"""The pages in a real browser: no error, no foreign request, the project kept across clicks."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from bench.screenshots import FLAGS
from schemas.settings import Settings
from tests.conftest import answers, free_port, spawn, wait_until

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


@pytest.fixture
def page() -> Iterator[Page]:
    """A page that fails the test on a script error or on a request to another host."""
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: `make chromium` installs it"
    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1440, "height": 1100})
        opened.on("pageerror", lambda error: problems.append(str(error)))
        opened.on("request", lambda r: _foreign(r.url) and problems.append(f"asked for {r.url}"))
        yield opened
        browser.close()
    assert problems == []


def _foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))


def _shown(page: Page, title: str) -> None:
    expect(page.locator("h1").first).to_have_text(title, timeout=60_000)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=60_000)


def test_overview_leads_to_the_finding_of_the_same_project(
    page: Page, address: str, filled: str
) -> None:
    page.goto(f"{address}/?project={filled}")
    _shown(page, "Overview")
    expect(page.get_by_text("groundedness fell for v2")).to_be_visible()
    expect(page.locator("canvas, svg.marks").first).to_be_visible()
    page.get_by_role("link", name="Findings").click()
    _shown(page, "Findings")
    expect(page.get_by_text("groundedness: prompt_version=v2")).to_be_visible()
    assert f"project={filled}" in page.url


def test_a_search_and_a_trace_are_addresses(page: Page, address: str, filled: str) -> None:
    page.goto(f"{address}/traces?project={filled}&search=answer+7")
    _shown(page, "Traces")
    expect(page.get_by_text("Newest 1 before")).to_be_visible()
    page.goto(f"{address}/trace?project={filled}&trace={TRACE}")
    _shown(page, "Trace")
    expect(page.get_by_text("answer 60")).to_be_visible()
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
    _shown(page, "Findings")
    expect(page.get_by_text("![a](http://example.invalid/a.png)").first).to_be_visible()
    page.goto(f"{address}/?project={hostile}")
    _shown(page, "Overview")
    expect(page.locator("[data-testid=stMain] img")).to_have_count(0)
