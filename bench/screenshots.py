"""Pictures of every page of a running UI: `python -m bench.screenshots --project demo`."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


def shoot(page: Page, url: str, name: str, out: Path) -> None:
    page.goto(url)
    page.locator("h1").first.wait_for(timeout=60_000)
    page.wait_for_timeout(4000)  # charts are drawn after the script has ended
    page.screenshot(path=out / f"{name}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8501")
    parser.add_argument("--project", default="demo")
    parser.add_argument("--trace", default="", help="a trace id for the trace page")
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    arguments = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is missing: apt-get install chromium")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1100})
        for path, name in (("", "overview"), ("findings", "findings"), ("traces", "traces")):
            url = f"{arguments.url}/{path}?project={arguments.project}"
            shoot(page, url, name, arguments.out)
        if arguments.trace:
            url = f"{arguments.url}/trace?project={arguments.project}&trace={arguments.trace}"
            shoot(page, url, "trace", arguments.out)
        browser.close()


if __name__ == "__main__":
    main()
