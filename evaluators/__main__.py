"""The evaluators process: `python -P -m evaluators`."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from evaluators import worker
from evaluators.base import Evaluator, Resources
from evaluators.defined import ASKING, Defined
from evaluators.embedding import Embedder
from evaluators.judges.backends import Backends
from schemas import telemetry
from schemas.clickhouse import connect
from schemas.control import Control
from schemas.settings import SettingsError, from_environment


def main() -> None:
    """Score traces until SIGTERM or SIGINT, then exit 0."""
    try:
        settings = from_environment()
        end_telemetry = telemetry.start(settings, "evaluators")
    except SettingsError as error:
        sys.exit(f"evaluators: {error}")
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    os.environ.setdefault("TQDM_DISABLE", "1")  # no progress bars of model loading in the log
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    embedder = Embedder()
    evaluators = worker.build(Resources(embedder))
    every = [e for e in evaluators if not worker.slow(e)]
    judging = [e for e in evaluators if worker.slow(e)]
    defined = Defined(Backends(os.environ), {e.name for e in evaluators} - set(ASKING))

    def loop(
        part: list[Evaluator], shared: Embedder | None, ready: Path | None,
        more: Callable[[Control], Sequence[Evaluator]],
    ) -> None:  # fmt: skip
        seconds = (settings.quiet_seconds, settings.poll_seconds)
        worker.run(lambda: connect(settings), part, shared, *seconds, ready, stop, more)

    # Judges are slow to load and to run: in a thread of their own they hold nobody up.
    slow = threading.Thread(
        target=loop, args=(judging, None, None, defined), daemon=True, name="judges"
    )
    embedder.embed(["warm"])  # transformers' lazy imports are not safe from two threads
    slow.start()
    loop(every, embedder, settings.home / "run" / "evaluators.ready", worker.nothing)
    end_telemetry()
    slow.join(5)
    if slow.is_alive():  # in the midst of loading a model; its work is done again at the next start
        logging.shutdown()
        os._exit(0)


if __name__ == "__main__":
    main()
