"""The pages by section, in the order in which somebody on call needs them."""

from __future__ import annotations

from collections.abc import Callable

from schemas.clickhouse import Store
from ui.views import (
    alerts,
    drift,
    findings,
    overview,
    retrieval,
    sessions,
    settings,
    trace,
    traces,
)

Render = Callable[[Store, str], None]
# Section: (title, address, icon, what draws it).
SECTIONS: dict[str, list[tuple[str, str, str, Render]]] = {
    "Is it still good?": [
        ("Overview", "overview", ":material/monitoring:", overview.render),
        ("Findings", "findings", ":material/troubleshoot:", findings.render),
        ("Drift", "drift", ":material/trending_down:", drift.render),
    ],
    "What happened?": [
        ("Traces", "traces", ":material/list:", traces.render),
        ("Trace", "trace", ":material/account_tree:", trace.render),
        ("Sessions", "sessions", ":material/forum:", sessions.render),
        ("Retrieval", "retrieval", ":material/find_in_page:", retrieval.render),
    ],
    "Running it": [
        ("Alerts", "alerts", ":material/notifications:", alerts.render),
        ("Settings", "settings", ":material/settings:", settings.render),
    ],
}
EMPTY_TOO = frozenset({"settings", "alerts"})  # of use before the first trace came
