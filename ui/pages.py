"""The pages by section, in the order in which somebody on call needs them."""

from __future__ import annotations

from collections.abc import Callable

from schemas.clickhouse import Store
from ui.views import (
    alerts,
    datasets,
    drift,
    experiments,
    findings,
    overview,
    quality,
    retrieval,
    review,
    sessions,
    settings,
    trace,
    traces,
)

Render = Callable[[Store, str], None]
# Section: (title, address, what draws it). No icons: a page's icon is its favicon too, and that the
# browser would ask of another host.
SECTIONS: dict[str, list[tuple[str, str, Render]]] = {
    "Is it still good?": [
        ("Overview", "overview", overview.render),
        ("Findings", "findings", findings.render),
        ("Quality", "quality", quality.render),
        ("Drift", "drift", drift.render),
    ],
    "What happened?": [
        ("Traces", "traces", traces.render),
        ("Trace", "trace", trace.render),
        ("Sessions", "sessions", sessions.render),
        ("Retrieval", "retrieval", retrieval.render),
    ],
    "Making it better": [
        ("Review", "review", review.render),
        ("Data sets", "datasets", datasets.render),
        ("Experiments", "experiments", experiments.render),
    ],
    "Running it": [
        ("Alerts", "alerts", alerts.render),
        ("Settings", "settings", settings.render),
    ],
}
EMPTY_TOO = frozenset({"settings", "alerts"})  # of use before the first trace came
