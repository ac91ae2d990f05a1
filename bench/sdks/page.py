"""docs/sdks.md from the recordings: `python -m bench.sdks.page`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from bench.sdks.catalogue import SDKS, Sdk
from bench.sdks.fields import FIELDS, table

ROOT = Path(__file__).parents[2]
APPS = Path(__file__).parent / "apps"
GOLDEN = ROOT / "tests" / "golden" / "sdks"
PAGE = ROOT / "docs" / "sdks.md"
PICTURES = "screenshots/sdks"
HEAD = """# SDKs

Every SDK below was run with its own environment variables against a fake of its provider, with tool
calls, streams and errors, and what it sent is in `tests/golden/sdks`. The tables say which fields
reach Assay's columns: **yes**, or **not sent** by the SDK in that run. `make test` fails where one
is lost. `python -m bench.sdks` records them again, `python -m bench.sdks.page` writes this page.

Assay listens for OTLP/HTTP on port 4318 and for gRPC on 4317. The project is the resource's
`openinference.project.name`, else its `service.name`.

"""
# Where an SDK has a way of its own to say where traces go.
NOTES = {
    "phoenix_otel": "With `PHOENIX_COLLECTOR_ENDPOINT=http://localhost:4317` and no `endpoint`,"
    " the same goes over gRPC.",
    "otel_openai": "Messages come as log events, which Assay joins to their spans; metrics are"
    " taken too.",
    "otel_genai_openai": "Messages come on spans and as log events.",
    "langfuse": "The public key is the project where no `OTEL_SERVICE_NAME` is set, the secret key"
    " an API key of Assay (any text while none is configured).",
    "openllmetry": "Anthropic's client (2.12) makes spans of its own, `anthropic.messages.create`,"
    " below OpenLLMetry's: one call is then two spans, and its cost stands twice.",
}


def _setup(sdk: Sdk) -> str:
    text = (APPS / sdk.app).read_text()
    found = re.search(r"(?:#|//) setup\n(.*?)\n(?:#|//) end", text, re.DOTALL)
    return found[1].strip() if found else " ".join([*sdk.run, "app.py"])


def _section(sdk: Sdk, recording: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in recording["packages"].items())
    lines = [f"## {sdk.title}", "", f"Recorded with {versions}.", "", "```sh"]
    for name, value in sdk.environ.items():
        lines.append(f"export {name}={value.replace('{otlp}', 'http://localhost:4318')}")
    lines.append("```")
    setup, kind = _setup(sdk), "js" if sdk.app.endswith(".mjs") else "python"
    lines += ["", f"```{'sh' if sdk.run[0] == 'opentelemetry-instrument' else kind}", setup, "```"]
    if sdk.name in NOTES:
        lines += ["", NOTES[sdk.name]]
    picture = PAGE.parent / PICTURES / f"{sdk.name}.png"
    if picture.exists():
        lines += ["", f"![A trace of {sdk.title}]({PICTURES}/{sdk.name}.png)"]
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    found = {s.name: json.loads((GOLDEN / f"{s.name}.json").read_text()) for s in SDKS}
    states = {name: table(recording) for name, recording in found.items()}
    parts = [HEAD.rstrip(), "", "## Fields", ""]
    for group in (SDKS[:6], SDKS[6:]):
        parts.append("| | " + " | ".join(sdk.title for sdk in group) + " |")
        parts.append("|---" * (len(group) + 1) + "|")
        for field in FIELDS:
            cells = " | ".join(states[sdk.name][field.name] for sdk in group)
            parts.append(f"| {field.name} | {cells} |")
        parts.append("")
    parts += [_section(sdk, found[sdk.name]) + "\n" for sdk in SDKS]
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
