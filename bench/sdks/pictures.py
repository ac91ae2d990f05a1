"""A picture of each SDK's trace in the explorer: `python -m bench.sdks.pictures`.

Sends the recordings, moved to now, to a collector of its own, and opens the largest trace of each.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import sync_playwright

from bench.instance import free_port, running, wait
from bench.screenshots import FLAGS, shoot
from bench.sdks.catalogue import SDKS
from bench.sdks.fields import requests
from bench.sdks.page import GOLDEN, PAGE, PICTURES
from bench.sdks.recording import BEGIN

PROJECT = "openinference.project.name"
PROTOBUF = {"content-type": "application/x-protobuf"}


def moved(request: Any, project: str) -> str:
    """Move a request's spans to now and to a project; the id of its largest trace."""
    shift = time.time_ns() - BEGIN - 10 * 10**9
    traces: Counter[str] = Counter()
    for group in (*getattr(request, "resource_spans", ()), *getattr(request, "resource_logs", ())):
        named = group.resource.attributes
        for attribute in [one for one in named if one.key == PROJECT]:
            named.remove(attribute)
        named.add(key=PROJECT).value.string_value = project
        for scope in (*getattr(group, "scope_spans", ()), *getattr(group, "scope_logs", ())):
            for span in getattr(scope, "spans", ()):
                span.start_time_unix_nano += shift
                span.end_time_unix_nano += shift
                for event in span.events:
                    event.time_unix_nano += shift
                traces[span.trace_id.hex()] += 1
            for record in getattr(scope, "log_records", ()):
                record.observed_time_unix_nano += shift
                record.time_unix_nano += shift * bool(record.time_unix_nano)
    return traces.most_common(1)[0][0] if traces else ""


def main() -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is missing: apt-get install chromium")
    out = PAGE.parent / PICTURES
    out.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with running() as instance, sync_playwright() as playwright:
        shown: dict[str, str] = {}
        for sdk in SDKS:
            recording = json.loads((GOLDEN / f"{sdk.name}.json").read_text())
            for signal, request in requests(recording):
                shown[sdk.name] = moved(request, sdk.name) or shown.get(sdk.name, "")
                body = request.SerializeToString()
                url = f"http://127.0.0.1:{instance.otlp}/v1/{signal}"
                httpx.post(url, content=body, headers=PROTOBUF).raise_for_status()
        environ = {
            **os.environ, "ASSAY_HOME": str(instance.settings.home), "ASSAY_UI_PORT": str(port),
            "ASSAY_STORE_PORT": str(instance.settings.store_port),
        }  # fmt: skip
        ui = subprocess.Popen([sys.executable, "-P", "-m", "ui"], env=environ)
        try:
            wait(f"http://127.0.0.1:{port}/_stcore/health")
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            for name, trace in shown.items():
                url = f"http://127.0.0.1:{port}/trace?project={name}&trace={trace}"
                shoot(page, url, name, Path(out))
            browser.close()
        finally:
            ui.terminate()
            ui.wait(20)


if __name__ == "__main__":
    main()
