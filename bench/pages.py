"""What each page of the explorer costs over millions of spans: `python -m bench.pages`.

Fills a store as bench.queries does, adds verdicts of two evaluators, embeddings, a finding, a data
set and a review queue, and renders every page as Streamlit does (AppTest: the whole script with
its queries, without the browser). A first view finds nothing kept of an answer; an interaction
follows it as a click does, with what the page store has kept. `--slowest N` tells for each line
which N queries took longest. Of the demo's data, which `assay demo` leaves under
`$ASSAY_HOME/demo`: `--folder ... --project demo --first`, on a copy.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from bench.copies import multiply
from bench.instance import Instance, running
from bench.load import quantile
from bench.many import LONG_TRACE, fill
from bench.payload import PROJECT
from bench.queries import Recorder, settle, words
from bench.verdicts import judge
from schemas import clickhouse
from schemas.hours import keeping
from schemas.hours.rolled import QUIET
from schemas.queries import spans
from schemas.queries.deletion import HOURS
from ui.connection import PageStore

DAY = 86_400 * 10**9
FIRST, NEXT = 2.0, 1.0  # seconds aimed at: a first view on demo data, an interaction at 10 M spans
LIMIT = 300  # seconds until a page counts as broken
Address = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """A page, what is done on it, and the address of each try."""

    page: str
    what: str
    tries: Sequence[Address]


def once() -> None:
    """AppTest reads the metadata of every installed package before each run, for components, which
    a server does once as it starts: 0.3 to 0.5 s of processor that no page costs."""
    known = manifest_scanner.scan_component_manifests()
    manifest_scanner.scan_component_manifests = lambda max_workers=None: known


def script(name: str, project: str, store: object) -> None:
    """What AppTest runs: one view of the explorer."""
    import importlib

    importlib.import_module(f"ui.views.{name}").render(store, project)


class Viewer:
    """Somebody who opens pages, over one page store whose queries are recorded."""

    def __init__(self, instance: Instance, project: str) -> None:
        self._instance, self._project = instance, project
        self._store = PageStore(clickhouse.url(instance.settings), False, lambda: None)
        self.recorder = Recorder(self._store._client)
        self._store._client = self.recorder

    def _used(self) -> float:
        return time.process_time() + self._instance.cpu()["store"]

    def opens(self, name: str, address: Address) -> tuple[float, float, int]:
        """(seconds, processor seconds of page and store together, rows read) of a page's script
        at an address. Raises RuntimeError where the page shows an error."""
        self.recorder.read = 0
        test = AppTest.from_function(
            script, kwargs={"name": name, "project": self._project, "store": self._store},
            default_timeout=LIMIT,
        )  # fmt: skip
        for key, value in address.items():
            test.query_params[key] = value
        begun, used = time.perf_counter(), self._used()
        test.run()
        took, used = time.perf_counter() - begun, self._used() - used
        if test.exception:
            raise RuntimeError(f"{name} at {dict(address)}: {test.exception[0].value}")
        return took, used, self.recorder.read

    def forgets(self) -> None:
        self._store.answers.clear()

    def close(self) -> None:
        self._store.close()


@contextmanager
def viewer(instance: Instance, project: str) -> Iterator[Viewer]:
    found = Viewer(instance, project)
    try:
        yield found
    finally:
        found.close()


def lines(instance: Instance, project: str, repeats: int) -> list[Line]:
    """Every page and what is done there most; each try looks at another moment, word or item."""
    draw = random.Random(20261126)
    store = instance.store()
    first, last = spans.time_range(store, project)
    moments = [draw.randrange(min(first + 8 * DAY, last - 1), last) for _ in range(repeats)]
    some = spans.list_traces(
        store, project, first, last - 2 * DAY if project == PROJECT else last + 1, limit=repeats
    )
    rare = words(instance, repeats) if project == PROJECT else ["the"]

    def between(days: float) -> list[Address]:
        return [{"from": _said(at - int(days * DAY)), "to": _said(at)} for at in moments]

    def each(**named: str) -> list[Address]:
        return [named] * repeats

    return [
        Line("overview", "a day", [{"hours": "24"}]),
        Line("overview", "seven days", [{"hours": "168"}]),
        Line("overview", "thirty days", [{"hours": "720"}]),
        Line("overview", "another day", between(1)),
        Line("findings", "the finding", [{}]),
        Line("quality", "three days", [{}]),
        Line("quality", "by prompt version", each(by="prompt_version")),
        Line("quality", "thirty days", each(hours="720")),
        Line("drift", "a score", [{}]),
        Line("drift", "latency", each(signal="latency")),
        Line("traces", "three days", [{}]),
        Line("traces", "another day", between(1)),
        Line("traces", "seven days", between(7)),
        Line("traces", "a failed span", [{"search": "status=ERROR", **one} for one in between(3)]),
        Line("traces", "a low score",
             [{"search": "score.groundedness<0.4", **one} for one in between(3)]),
        Line("traces", "a rare word", [{"search": word} for word in rare]),
        Line("trace", "of six spans", [{"trace": row["trace_id"]} for row in some]),
        Line("trace", "of 30,000 spans", [{"trace": LONG_TRACE}]),
        Line("trace", "similar ones",
             [{"trace": row["trace_id"], "part": "Similar"} for row in some]),
        Line("sessions", "three days", [{}]),
        Line("sessions", "a conversation",
             [{"session": row["session_id"]} for row in some]),
        Line("sessions", "of one user", [{"user": row["user_id"]} for row in some]),
        Line("retrieval", "three days", [{}]),
        Line("retrieval", "lowest relevance", each(documents="Lowest relevance")),
        Line("review", "the queue", [{}]),
        Line("datasets", "the newest version", [{}]),
        Line("experiments", "two models", [{"by": "model"}]),
        Line("experiments", "two versions", each(compare="Two versions of the evaluator")),
        Line("alerts", "all", [{}]),
        Line("settings", "all", [{}]),
    ]  # fmt: skip


def _said(ns: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ns // 10**9))


def sum_up(instance: Instance) -> None:
    """Make the sums of closed hours as a collector does, less the newest three hours, which are
    open while traffic comes; print what that took."""
    store, books = instance.store(), keeping.Books()
    begun, used = time.perf_counter(), instance.cpu()["store"]
    while keeping.keep(store, PROJECT, books, most=8, quiet=0):
        pass
    # As a collector looks again some minutes on: of a fill all was stored just now.
    keeping.keep(store, PROJECT, books, quiet=0, now_ms=keeping.clock(store) + 3000 * QUIET)
    _, last = spans.time_range(store, PROJECT)
    sizes = []
    for table in HOURS:
        store.command(
            f"ALTER TABLE {table} DELETE WHERE project = {{project:String}}"
            " AND hour > {open:UInt32} SETTINGS mutations_sync = 2",
            project=PROJECT, open=last // 10**9 - 3 * 3600,
        )  # fmt: skip
        (row,) = store.rows(
            "SELECT sum(bytes_on_disk) AS size FROM system.parts"
            " WHERE active AND database = 'assay' AND table = {table:String}", table=table,
        )  # fmt: skip
        sizes.append(f"{table} {row['size'] / 2**20:.1f} MiB")
    print(f"sums of closed hours: {time.perf_counter() - begun:.0f} s,"
          f" {instance.cpu()['store'] - used:.0f} s of processor; {', '.join(sizes)}",
          flush=True)  # fmt: skip


def measure(
    instance: Instance, project: str, line: Line, opening: bool, repeats: int, slowest: int
) -> None:
    """Print p50 and p95 of one line's seconds, of its processor seconds (which another load on the
    machine hardly changes) and the rows that it read. A first view (`opening`)
    is repeated with nothing kept; an interaction goes through its addresses once, each after a
    first view of the page with nothing kept before that."""
    took, used, read, queries = [], [], [], []
    with viewer(instance, project) as person:
        person.opens(line.page, {})  # imports what the page needs, as a server has done long ago
        for address in [*line.tries] * repeats if opening else line.tries:
            person.forgets()
            if not opening:
                person.opens(line.page, {})
            person.recorder.asked.clear()
            seconds, processor, rows = person.opens(line.page, address)
            took.append(seconds)
            used.append(processor)
            read.append(rows)
            queries += person.recorder.asked
    aim = FIRST if opening else NEXT
    print(f"| {line.page} | {line.what} | {'first view' if opening else 'interaction'} | "
          f"{len(took)} | {quantile(took, 0.5):.2f} | {quantile(took, 0.95):.2f} | "
          f"{quantile(used, 0.5):.2f} | {aim:.0f} | {quantile(read, 0.5):,.0f} |",
          flush=True)  # fmt: skip
    for seconds, rows, sql in sorted(queries, reverse=True)[:slowest]:
        print(f"      {seconds:.2f} s, {rows:,} rows: {' '.join(sql.split())[:300]}", flush=True)


def every(
    instance: Instance, project: str, repeats: int, only: str, slowest: int, first: bool
) -> None:
    """All lines: the first of a page is a first view, the others are interactions with it, which
    are left out where `first`."""
    logging.disable(logging.WARNING)  # that no server runs is known
    once()
    print("| page | what | kind | n | p50 s | p95 s | processor s p50 | aim s | rows read p50 |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    before = ""
    for line in lines(instance, project, repeats):
        if (not only or line.page in only.split(",")) and not (first and line.page == before):
            try:
                measure(instance, project, line, line.page != before, repeats, slowest)
            except RuntimeError as error:
                print(f"| {line.page} | {line.what} | GAVE UP | {str(error)[:200]} |", flush=True)
        before = line.page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=600_000)
    parser.add_argument("--real", type=int, default=120_000, help="of them with whole texts")
    parser.add_argument("--copies", type=int, default=1, help="make so many of each span first")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pages", default="", help="only these, by comma")
    parser.add_argument("--slowest", type=int, default=0)
    parser.add_argument("--settle", type=float, default=600, help="seconds to wait for merges")
    parser.add_argument("--raw", action="store_true", help="make no sums of closed hours")
    parser.add_argument("--folder", type=Path, help="keep the store here and use it again")
    parser.add_argument("--project", default=PROJECT, help="another than the one that is filled")
    parser.add_argument("--first", action="store_true", help="first views only")
    asked = parser.parse_args()
    own = asked.project == PROJECT
    filled = asked.folder is not None and (asked.folder / "store").exists()
    with running(collector=False, folder=asked.folder) as instance:
        if own and not filled:
            fill(instance, asked.spans, asked.real)
        if own:
            judge(instance)
        if own and asked.copies > 1:
            multiply(instance, asked.copies)
        settle(instance, asked.settle)
        if own and not asked.raw:
            sum_up(instance)
        instance.client().command("SYSTEM STOP MERGES")  # their processor time is no page's
        os.environ |= {"ASSAY_HOME": str(instance.settings.home),
                       "ASSAY_STORE_PORT": str(instance.settings.store_port)}  # fmt: skip
        spans_now = spans.count_spans(instance.store(), asked.project)
        load = os.getloadavg()[0]
        print(f"{spans_now:,} spans, {instance.parts()[1] / 2**30:.1f} GiB on disk;"
              f" load average {load:.0f}", flush=True)  # fmt: skip
        every(instance, asked.project, asked.repeats, asked.pages, asked.slowest, asked.first)


if __name__ == "__main__":
    main()
