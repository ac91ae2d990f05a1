"""The evaluators process: `python -P -m evaluators`, with a number as one of several workers."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from evaluators import actors, exposed, plan, pool, worker
from evaluators.base import Evaluator, Resources
from evaluators.canary import Keeper
from evaluators.defined import ASKING, Defined
from evaluators.embedding import Embedder
from evaluators.judges.backends import Backends
from evaluators.tally import Tally
from schemas import clickhouse, telemetry
from schemas.clickhouse import connect
from schemas.control import Control
from schemas.queries.work import Split
from schemas.settings import Settings, SettingsError, from_environment


def main() -> None:
    """Score traces until SIGTERM or SIGINT, then exit 0."""
    try:
        settings = from_environment()
    except SettingsError as error:
        sys.exit(f"evaluators: {error}")
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    number = int(sys.argv[1]) if len(sys.argv) > 1 else None
    folder = settings.home / "run"
    if number is None:
        for old in folder.glob("evaluators-*.json"):
            old.unlink()
        if settings.evaluators_port:
            try:
                exposed.listen(settings.host, settings.evaluators_port, folder)
            except OSError as error:
                sys.exit(f"evaluators: cannot listen on {settings.evaluators_port}: {error}")
        if settings.ray_address:
            sys.exit(_cluster(settings))
        if settings.evaluator_workers > 1:
            sys.exit(pool.run(settings.evaluator_workers))
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    work(settings, number or 0, stop)


def _cluster(settings: Settings) -> int:
    try:
        return actors.run(settings.ray_address, settings.evaluator_workers, settings.ray_gpus)
    except ImportError:
        sys.exit("evaluators: ASSAY_RAY_ADDRESS asks for Ray: pip install 'assay-observe[ray]'")
    except ConnectionError as error:
        sys.exit(f"evaluators: no Ray cluster answers at {settings.ray_address}: {error}")


def serve(number: int, stop: threading.Event) -> None:
    """What an actor of a cluster runs."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    work(from_environment(), number, stop)


def work(settings: Settings, number: int, stop: threading.Event) -> None:
    """Be worker `number` until `stop`."""
    folder = settings.home / "run"
    clickhouse.without_frames()
    try:
        end_telemetry = telemetry.start(settings, "evaluators")
    except SettingsError as error:
        sys.exit(f"evaluators: {error}")
    os.environ.setdefault("TQDM_DISABLE", "1")  # no progress bars of model loading in the log
    embedder = Embedder()
    evaluators = worker.build(Resources(embedder))
    every = [e for e in evaluators if not plan.slow(e)]
    judging = [e for e in evaluators if plan.slow(e)]
    # An embedder of its own: the one above belongs to the other thread.
    taken = {e.name for e in evaluators} - set(ASKING)
    defined = Defined(Backends(os.environ), taken, Embedder(cache_size=2000))
    split, tally = Split(number, settings.evaluator_workers), Tally(number)

    def loop(
        part: list[Evaluator], shared: Embedder | None, ready: Path | None,
        more: Callable[[Control], Sequence[Evaluator]], chore: Keeper | None = None,
    ) -> None:  # fmt: skip
        seconds = (settings.quiet_seconds, settings.poll_seconds)
        desk = worker.Desk(split, tally)
        worker.run(
            lambda: connect(settings), part, shared, *seconds, ready, stop, more, desk, folder,
            chore,
        )  # fmt: skip

    # Of several workers one looks after the canaries.
    keeper = None if number else Keeper(lambda state: [*judging, *defined(state)])
    # Judges are slow to load and to run: in a thread of their own they hold nobody up.
    slow = threading.Thread(
        target=loop, args=(judging, None, None, defined, keeper), daemon=True, name="judges"
    )
    embedder.embed(["warm"])  # transformers' lazy imports are not safe from two threads
    slow.start()
    loop(every, embedder, folder / "evaluators.ready", worker.nothing)
    end_telemetry()
    slow.join(5)
    if slow.is_alive():  # in the midst of loading a model; its work is done again at the next start
        logging.shutdown()
        os._exit(0)


if __name__ == "__main__":
    main()
