"""What a worker did and how far behind it is: counted here, saved in a file, read by anybody."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STALE = 120.0  # seconds after which a worker's last word is no news
_GAUGES = {
    "queue": "items that are due",
    "lag_seconds": "how long the oldest item that is due has waited beyond its quiet time",
    "probability": "with which an item is drawn now, shedding included",
}


@dataclass(slots=True)
class Line:
    """Of one project and evaluator. `items` by status, errors as `error kind`."""

    queue: int = 0
    lag_seconds: float = 0.0
    probability: float = 1.0
    items: Counter[str] = field(default_factory=Counter)
    tried_again: int = 0
    given_up: int = 0


class Tally:
    """Threads share it."""

    def __init__(self, worker: int = 0) -> None:
        self._worker = worker
        self._lines: dict[tuple[str, str], Line] = {}
        self._lock = threading.Lock()

    def saw(self, project: str, evaluator: str, queue: int, lag: float, probability: float) -> None:
        """What a look at the work found."""
        with self._lock:
            line = self._lines.setdefault((project, evaluator), Line())
            line.queue, line.lag_seconds, line.probability = queue, round(lag, 3), probability

    def did(
        self, project: str, evaluator: str, statuses: Mapping[str, int], again: int, given_up: int
    ) -> None:
        with self._lock:
            line = self._lines.setdefault((project, evaluator), Line())
            line.items.update(statuses)
            line.queue = max(0, line.queue - sum(statuses.values()))
            line.tried_again += again
            line.given_up += given_up

    def state(self) -> dict[str, Any]:
        with self._lock:
            lines = [
                {
                    "project": project,
                    "evaluator": evaluator,
                    "queue": line.queue,
                    "lag_seconds": line.lag_seconds,
                    "probability": line.probability,
                    "items": dict(line.items),
                    "tried_again": line.tried_again,
                    "given_up": line.given_up,
                }
                for (project, evaluator), line in sorted(self._lines.items())
            ]
        return {"worker": self._worker, "at": time.time(), "lines": lines}

    def save(self, folder: Path) -> None:
        """Write the worker's file anew, in one step."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"evaluators-{self._worker}.json"
        # Both threads of a worker save; each writes a draft of its own.
        draft = path.with_suffix(f".{threading.get_ident()}.new")
        draft.write_text(json.dumps(self.state()))
        draft.replace(path)


def saved(folder: Path) -> list[dict[str, Any]]:
    """The states that workers saved, by number; one that cannot be read is left out."""
    found = []
    for path in sorted(folder.glob("evaluators-*.json")):
        try:
            found.append(dict(json.loads(path.read_text())))
        except (OSError, ValueError, TypeError):
            continue
    return sorted(found, key=lambda state: int(state.get("worker", 0)))


def prometheus(states: Sequence[Mapping[str, Any]]) -> str:
    """The states in Prometheus' text format."""
    lines: list[str] = []
    for name, about in _GAUGES.items():
        metric = f"assay_evaluator_{name}"
        lines += [f"# HELP {metric} {about}", f"# TYPE {metric} gauge"]
        lines += [f"{metric}{{{labels}}} {line[name]}" for labels, line in _each(states)]
    lines += ["# HELP assay_evaluator_items_total items by what became of them",
              "# TYPE assay_evaluator_items_total counter"]  # fmt: skip
    for labels, line in _each(states):
        for status, count in sorted(line["items"].items()):
            kind, _, reason = status.partition(" ")
            named = f"{labels},status={json.dumps(kind)},reason={json.dumps(reason)}"
            lines.append(f"assay_evaluator_items_total{{{named}}} {count}")
    for name, about in (("tried_again", "errors that were tried once more"),
                        ("given_up", "errors that were tried for a day and stay")):  # fmt: skip
        metric = f"assay_evaluator_{name}_total"
        lines += [f"# HELP {metric} {about}", f"# TYPE {metric} counter"]
        lines += [f"{metric}{{{labels}}} {line[name]}" for labels, line in _each(states)]
    lines.append("# TYPE assay_evaluators_last_round_timestamp_seconds gauge")
    lines += [
        f'assay_evaluators_last_round_timestamp_seconds{{worker="{state["worker"]}"}}'
        f" {state['at']:.3f}"
        for state in states
    ]
    return "\n".join(lines) + "\n"


def _each(states: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for state in states:
        for line in state["lines"]:
            yield (
                (
                    f"project={json.dumps(line['project'])},evaluator={json.dumps(line['evaluator'])},"
                    f'worker="{state["worker"]}"'
                ),
                line,
            )
