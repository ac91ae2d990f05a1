"""How far the evaluators are behind, from what their workers saved."""

from __future__ import annotations

import time
from collections.abc import Iterator

from evaluators.shed import HIGH
from evaluators.tally import STALE, saved
from schemas.settings import Settings

Check = tuple[bool, str]


def behind(settings: Settings) -> Iterator[Check]:
    """A check per worker, project and evaluator that has something to say."""
    for state in saved(settings.home / "run"):
        worker, age = state["worker"], time.time() - state["at"]
        if age > STALE:
            yield True, f"evaluators, worker {worker}: last heard of {age / 60:.0f} min ago"
            continue
        for line in state["lines"]:
            lost = sum(n for status, n in line["items"].items() if status.startswith("error"))
            if not (line["queue"] or lost):
                continue
            said = (
                f"evaluators, worker {worker}: {line['evaluator']} of {line['project']}: queue"
                f" {line['queue']}, lag {line['lag_seconds']:.0f} s, drawn with probability"
                f" {line['probability']:g}"
            )
            if lost:
                said += f"; errors {lost}, tried again {line['tried_again']}"
            yield line["lag_seconds"] <= 2 * HIGH, said
