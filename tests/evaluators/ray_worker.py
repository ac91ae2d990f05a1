"""What an actor of the test runs: the loop of the evaluators with one that takes its time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from evaluators import worker
from evaluators.base import Result, scored
from schemas.clickhouse import connect
from schemas.models import Sample
from schemas.queries.work import Split
from schemas.settings import from_environment


class Slow:
    name, version, level, needs, model, probability = "slow", "v1", "trace", (), "", 1.0
    judge, batch = "none", 16

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        time.sleep(0.1)
        return [scored(1.0) for _ in samples]


def serve(number: int, stop: threading.Event) -> None:
    settings = from_environment()
    told = Path(settings.home / "actors")
    told.mkdir(exist_ok=True)
    (told / f"{number}-{os.getpid()}").touch()
    desk = worker.Desk(Split(number, 2))
    worker.run(lambda: connect(settings), [Slow()], None, 0, 1, None, stop, desk=desk)
