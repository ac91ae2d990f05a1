"""Pictures of the pages of a running UI, light and dark: `python -m bench.screenshots`.

`--url` and `--project` say where; the finding and the traces on show are the ones that its pages
link to. Pictures have a palette of 128 colours, so that a repository can hold them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PAGES = ("overview", "findings", "quality", "drift", "traces", "sessions", "retrieval", "review",
         "datasets", "experiments", "alerts", "settings")  # fmt: skip
COLOURS = 128
# What stands where something is still to come: of the app, of a data frame, of a link's text.
LOADING = "[data-testid=stSkeleton], [data-testid=stAppSkeleton], [data-testid=stSpinner]"
CALM = 3000  # ms without any of it: on a busy machine one comes after another
DONE = "[data-testid=stApp][data-test-script-state=notRunning]"


def shoot(page: Page, url: str, name: str, out: Path) -> None:
    """Open an address and take its picture once nothing is loading any more."""
    page.goto(url)
    page.locator("h1").first.wait_for(timeout=120_000)
    page.locator(DONE).wait_for(timeout=120_000)
    page.wait_for_load_state("networkidle", timeout=120_000)
    page.wait_for_function(
        f"""() => {{ const now = performance.now();
            if (document.querySelector('{LOADING}') || !document.querySelector('{DONE}'))
                window.calm = now;
            window.calm ??= now;
            return now - window.calm > {CALM}; }}""",
        timeout=120_000, polling=100,
    )  # fmt: skip
    path = out / f"{name}.png"
    page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8501")
    parser.add_argument("--project", default="demo")
    parser.add_argument("--trace", default="", help="a trace id for the trace page")
    parser.add_argument("--with", dest="other", default="", help="one to compare it with")
    parser.add_argument("--pages", default=",".join(PAGES))
    parser.add_argument("--query", action="append", default=[], metavar="PAGE:KEY=VALUE",
                        help="put into a page's address; may be repeated")  # fmt: skip
    parser.add_argument("--height", type=int, default=1500)
    parser.add_argument("--schemes", default="light,dark")
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    arguments = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is missing: apt-get install chromium")
    arguments.out.mkdir(parents=True, exist_ok=True)
    more: dict[str, dict[str, str]] = {}
    for said in arguments.query:
        name, _, pair = said.partition(":")
        key, _, value = pair.partition("=")
        more.setdefault(name, {})[key] = value
    asked: list[tuple[str, str, dict[str, str]]] = [
        (name, "" if name == "overview" else name, more.get(name, {}))
        for name in arguments.pages.split(",") if name
    ]  # fmt: skip
    if arguments.trace:
        asked.append(("trace", "trace", {"trace": arguments.trace}))
        if arguments.other:
            both = {"trace": arguments.trace, "with": arguments.other, "part": "Compare"}
            asked.append(("compare", "trace", both))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for scheme in arguments.schemes.split(","):
            page = browser.new_page(
                viewport={"width": 1280, "height": arguments.height}, color_scheme=scheme,
            )  # fmt: skip
            for name, path, query in asked:
                named = urlencode({"project": arguments.project, **query})
                suffix = "" if scheme == "light" else f"-{scheme}"
                shoot(page, f"{arguments.url}/{path}?{named}", name + suffix, arguments.out)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
