"""What a click costs in a real browser over millions of spans: `python -m bench.clicks --folder F`.

Serves the explorer over a store that `bench.pages --folder F` filled, opens it in headless Chromium
and does what people do most: choose a period, a column, a signal, search, open a trace. A time is
from the click (or Enter) until the page's script has ended and nothing is loading, with the
drawing of it: server, ClickHouse and browser share the machine, unless `--elsewhere` gives
Chromium what the others leave, as if it ran on the viewer's own. Each repeat has a new server,
which has kept no answer.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.instance import Instance, free_port, running, wait
from bench.load import quantile
from bench.many import LONG_TRACE
from bench.payload import PROJECT
from bench.queries import settle, words
from bench.screenshots import DONE, FLAGS, LOADING
from schemas.queries import spans

LIMIT = 120_000  # ms until a click counts as broken
Do = Callable[[Page], None]
# Notes when the last key or button was pressed, and resolves once what it led to is drawn. It looks
# at changes of the page: to look at every frame makes the browser draw sixty a second.
WATCH = f"""() => {{
    for (const kind of ['pointerdown', 'keydown'])
        addEventListener(kind, () => window.pressed = performance.now(), true);
    window.drawn = new Promise(resolve => {{
        let ran = false;
        const watch = new MutationObserver(() => {{
            const done = document.querySelector('{DONE}');
            ran = ran || !done;
            if (!ran || !done || document.querySelector('{LOADING}')) return;
            watch.disconnect();
            requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
        }});
        watch.observe(document.body, {{attributes: true, childList: true, subtree: true}});
    }});
}}"""


def choose(label: str, option: str) -> Do:
    """In a select box."""

    def act(page: Page) -> None:
        page.get_by_role("combobox", name=label).click()
        page.get_by_role("option", name=option, exact=True).click()

    return act


def enter(label: str, text: str) -> Do:
    """Into a text field."""

    def act(page: Page) -> None:
        page.get_by_role("textbox", name=label).first.fill(text)
        page.keyboard.press("Enter")

    return act


def press(name: str) -> Do:
    return lambda page: page.get_by_role("radio", name=name).click()


def clicks(instance: Instance) -> list[tuple[str, str, str, Do]]:
    """(page, its address, what is done there, how)."""
    store = instance.store()
    first, last = spans.time_range(store, PROJECT)
    some = spans.list_traces(store, PROJECT, first, last, limit=1)[0]["trace_id"]
    return [
        ("overview", "/", "seven days", choose("Last", "7 days")),
        ("overview", "/", "thirty days", choose("Last", "30 days")),
        ("quality", "/quality", "by prompt version", choose("By", "prompt_version")),
        ("quality", "/quality", "thirty days", choose("Last", "30 days")),
        ("drift", "/drift", "latency", choose("Signal", "latency")),
        ("traces", "/traces", "seven days", choose("Last", "7 days")),
        ("traces", "/traces", "a failed span", enter("Search", "status=ERROR")),
        ("traces", "/traces", "a low score", enter("Search", "score.groundedness<0.4")),
        ("traces", "/traces", "a rare word", enter("Search", words(instance, 1)[0])),
        ("trace", f"/trace?trace={some}", "similar ones", press("Similar")),
        ("trace", f"/trace?trace={some}", "of 30,000 spans", enter("Trace id", LONG_TRACE)),
        ("sessions", "/sessions", "seven days", choose("Last", "7 days")),
        ("retrieval", "/retrieval", "lowest relevance", press("Lowest relevance")),
    ]


def browser(folder: Path, elsewhere: bool) -> str:
    """The executable of Chromium; of the lowest priority if it is to stand for another machine."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is missing: apt-get install chromium")
    if not elsewhere:
        return chromium
    path = folder / "chromium"
    path.write_text(f'#!/bin/sh\nexec nice -n 19 {chromium} "$@"\n')
    path.chmod(0o755)
    return str(path)


@contextmanager
def served(instance: Instance) -> Iterator[str]:
    """The address of an explorer over the store."""
    port = free_port()
    environ = {**os.environ, "ASSAY_HOME": str(instance.settings.home),
               "ASSAY_STORE_PORT": str(instance.settings.store_port),
               "ASSAY_UI_PORT": str(port)}  # fmt: skip
    with (instance.settings.home / "ui.log").open("ab") as log:
        child = subprocess.Popen([sys.executable, "-m", "ui"], env=environ, stdout=log, stderr=log)
    try:
        wait(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait(20)


def once(page: Page, address: str, act: Do) -> float:
    """Seconds of one click on a page that stands."""
    page.goto(address)
    page.locator("h1").first.wait_for(timeout=LIMIT)
    page.locator(DONE).wait_for(timeout=LIMIT)
    page.wait_for_load_state("networkidle", timeout=LIMIT)
    time.sleep(1)
    page.evaluate(WATCH)
    act(page)
    drawn = page.evaluate("() => window.drawn.then(at => at - window.pressed)")
    if page.get_by_test_id("stException").count():
        raise RuntimeError(f"{page.url} shows an error")
    return float(drawn) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pages", default="", help="only these, by comma")
    parser.add_argument("--settle", type=float, default=600, help="seconds to wait for merges")
    parser.add_argument("--elsewhere", action="store_true", help="the browser at lowest priority")
    asked = parser.parse_args()
    with running(collector=False, folder=asked.folder) as instance, sync_playwright() as playwright:
        settle(instance, asked.settle)
        instance.client().command("SYSTEM STOP MERGES")  # their processor time is no page's
        wanted = [each for each in clicks(instance)
                  if not asked.pages or each[0] in asked.pages.split(",")]  # fmt: skip
        took: dict[int, list[float]] = {n: [] for n in range(len(wanted))}
        for _ in range(asked.repeats):
            with served(instance) as url:
                path = browser(instance.settings.home, asked.elsewhere)
                opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
                page = opened.new_page(viewport={"width": 1440, "height": 1100})
                page.goto(f"{url}/settings?project={PROJECT}")  # what every page imports
                page.locator(DONE).wait_for(timeout=LIMIT)
                for n, (_, place, _, act) in enumerate(wanted):
                    mark = "&" if "?" in place else "?"
                    took[n].append(once(page, f"{url}{place}{mark}project={PROJECT}", act))
                opened.close()
        print(f"{spans.count_spans(instance.store(), PROJECT):,} spans;"
              f" load average {os.getloadavg()[0]:.0f}")  # fmt: skip
        print("| page | click | n | p50 s | slowest s |")
        print("|---|---|---|---|---|")
        for n, (name, _, what, _) in enumerate(wanted):
            print(f"| {name} | {what} | {len(took[n])} | {quantile(took[n], 0.5):.2f} |"
                  f" {max(took[n]):.2f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
