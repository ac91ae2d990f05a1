"""What people do in a real browser: log in and stay so, label by keys, save a view and open it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from schemas import logins
from schemas.clickhouse import Store
from schemas.queries import labels, review
from schemas.review import RANDOM
from schemas.settings import Settings
from tests.conftest import answers, free_port, spawn, wait_until
from tests.ui.test_browser import _shown, context, page
from ui.review import EVER, draw

__all__ = ["context", "page"]
WORD = "correct horse"


@pytest.fixture(scope="module")
def site(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An explorer with the user ada, who labels and shares views."""
    from schemas import clickhouse

    store = clickhouse.connect(settings)
    logins.add(store, "root", "admin", (), WORD, "test")
    logins.add(store, "ada", "editor", (), WORD, "test")
    port = free_port()
    environ = {**os.environ, "ASSAY_HOME": str(settings.home), "ASSAY_UI_PORT": str(port),
               "ASSAY_STORE_PORT": str(settings.store_port)}  # fmt: skip
    child = spawn("ui", environ, Path(tmp_path_factory.mktemp("ui")) / "ui.log")
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/_stcore/health"), "the ui answers")
    yield f"http://127.0.0.1:{port}"
    child.terminate()
    child.wait(20)
    for name in ("ada", "root"):
        logins.remove(store, name, "test")
    store.close()


def _enter(page: Page, word: str = WORD) -> None:
    page.get_by_label("User").fill("ada")
    page.get_by_label("Password").fill(word)
    page.get_by_role("button", name="Log in").click()


def test_a_login_leads_on_and_lasts_over_reload_and_links_until_one_leaves(
    page: Page, site: str, filled: str
) -> None:
    page.goto(f"{site}/findings?project={filled}")
    expect(page.get_by_label("User")).to_be_visible()
    _enter(page, "wrong horse")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    _enter(page)
    _shown(page, "What broke")
    assert f"project={filled}" in page.url
    page.reload()
    _shown(page, "What broke")
    page.goto(f"{site}/alerts?project={filled}")
    _shown(page, "Alerts")
    page.get_by_role("link", name="Log out").click()
    expect(page.get_by_label("User")).to_be_visible()
    page.goto(f"{site}/alerts?project={filled}")
    expect(page.get_by_label("User")).to_be_visible()


def test_ten_items_are_labelled_by_keys(page: Page, site: str, store: Store, filled: str) -> None:
    draw(store, filled, "groundedness", "1", EVER, mode=RANDOM, wanted=60, twice=0.0, author="test")
    page.goto(f"{site}/review?project={filled}&evaluator=groundedness")
    _enter(page)
    _shown(page, "Review")
    page.locator("h1").first.click()  # keys are for the page, not for what the login left focused
    for n in range(10):
        expect(page.get_by_text(f"{60 - n} left for you")).to_be_visible(timeout=60_000)
        expect(page.get_by_role("button", name="Back")).to_be_visible(timeout=60_000)
        _shown(page, "Review")
        page.keyboard.press("y" if n % 2 else "n")
    expect(page.get_by_text("50 left for you")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("groundedness said")).to_be_visible()
    told = labels.labels(store, filled, "groundedness")
    assert (len(told), sum(row["value"] for row in told)) == (10, 5)
    assert {row["annotator"] for row in told} == {"ada"}
    assert len(review.queue(store, filled, "groundedness")) == 60


def test_a_saved_views_link_shows_the_same(page: Page, site: str, filled: str) -> None:
    page.goto(f"{site}/traces?project={filled}&search=answer+7&hours=168")
    _enter(page)
    _shown(page, "Traces")
    page.get_by_text("Views (0)").click()
    page.get_by_label("Name of this view").fill("the seventh")
    page.get_by_label("Name of this view").press("Enter")
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_text("Views (1)")).to_be_visible(timeout=60_000)
    if not page.get_by_role("link", name="the seventh").is_visible():
        page.get_by_text("Views (1)").click()
    link = page.get_by_role("link", name="the seventh").get_attribute("href")
    assert link is not None and re.search(r"search=answer\+7", link)
    page.goto(link if link.startswith("http") else f"{site}{link}")
    _shown(page, "Traces")
    expect(page.get_by_text("1 traces, the newest of")).to_be_visible()
