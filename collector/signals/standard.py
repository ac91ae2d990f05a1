"""The signals of OTLP as every collector and every tool over its files reads them."""

from __future__ import annotations

from collector.keeping import Keeping
from collector.signals.base import Signal
from collector.signals.logs import logs
from collector.signals.metrics import metrics
from collector.signals.traces import traces
from schemas.registry import load


def standard(keeping: Keeping | None = None) -> dict[str, Signal]:
    """By name, traces first, with all conventions that are installed."""
    conventions = [make() for make in load("convention", "collector.conventions").values()]
    spans = traces(conventions, keeping)
    found = [spans, logs(keeping, spans.naming), metrics(keeping, spans.naming)]
    return {each.name: each for each in found}
