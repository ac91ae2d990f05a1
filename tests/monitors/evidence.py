"""What every alert of a finding must carry, whichever detector found it."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from monitors.alerts.compose import finding_events
from monitors.alerts.message import plain, read
from schemas.alerting import AlertPolicy
from schemas.models import FindingRow


def traces_in_alert(found: FindingRow) -> list[str]:
    """The example traces of the alert of a confirmed finding, once it is seen that its text has the
    cause in a sentence that names the segment, the onset, and links to these traces and its page.
    """
    (event,) = finding_events([found], {"a": AlertPolicy("log")}, {}, "https://ui", 5)
    (pending,) = event.pending
    message = read(pending.row.body)
    text, cause = plain(message), json.loads(found.details)["sentence"]
    assert len(cause) > 40 and message.summary == cause and cause in text
    assert all(value in cause for value in json.loads(found.segment).values())
    assert message.onset in text and f"finding={found.finding_id}" in message.url
    assert 1 <= len(message.examples) <= 3
    for example in message.examples:
        asked = parse_qs(urlsplit(example["url"]).query)
        assert asked == {"project": [found.project], "trace": [example["trace_id"]]}
        assert example["url"].startswith("https://ui/trace?") and example["url"] in text
    return [example["trace_id"] for example in message.examples]
