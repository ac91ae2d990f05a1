"""A store for pages: answers are kept for a while, and a page that was left ends its query.

Streamlit asks a script to end, for a rerun or because its tab was closed, and then waits for the
call that it blocks in. So a query runs beside the script, which looks whether it may go on; if it
may not, the query is killed by its id. What a page needs that does not rest on each other is asked
for at once (`together`, `ahead`).
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.errors import Permanent, Retryable
from schemas.settings import Settings

Rows = list[dict[str, Any]]
LOOK = 0.1  # seconds between two looks whether the page is still wanted
LIMIT = 60  # seconds after which ClickHouse ends a page's query
# What a page asks is over in less time than the engine takes to compile it to machine code, which
# it does at the fourth time.
PLAIN = {"compile_expressions": 0, "compile_aggregate_expressions": 0}
# An answer is kept ten times as long as it took to get, within these seconds: what is cheap is
# asked anew, so that a page is as fresh as it can be.
SHORTEST, LONGEST, FACTOR = 1.0, 60.0, 10.0
AHEAD = 10.0  # the shortest for what was asked for at once: the page that shows it comes after
ENTRIES, ROWS = 256, 200_000  # kept at most, over all projects and viewers
AT_ONCE = min(4, os.cpu_count() or 2)  # queries of one page that run at the same time


class Answers:
    """Rows by question, bounded in number and age; for several threads."""

    def __init__(self, entries: int = ENTRIES, rows: int = ROWS) -> None:
        self._entries, self._rows = entries, rows
        self._kept: OrderedDict[str, tuple[float, Rows]] = OrderedDict()
        self._size = 0
        self._guard = threading.Lock()

    def get(self, key: str, now: float) -> Rows | None:
        with self._guard:
            found = self._kept.get(key)
            if found is None:
                return None
            if found[0] < now:
                self._drop(key)
                return None
            self._kept.move_to_end(key)
            return found[1]

    def put(self, key: str, rows: Rows, until: float) -> None:
        if len(rows) > self._rows // 4:
            return
        with self._guard:
            self._drop(key)
            self._kept[key] = (until, rows)
            self._size += len(rows)
            while len(self._kept) > self._entries or self._size > self._rows:
                self._drop(next(iter(self._kept)))

    def clear(self) -> None:
        with self._guard:
            self._kept.clear()
            self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def _drop(self, key: str) -> None:
        if found := self._kept.pop(key, None):
            self._size -= len(found[1])


@dataclass(slots=True, eq=False)
class Group:
    """What a page asks at once: the ids of queries that run, and the answer to each question, which
    several of its calls may ask."""

    running: set[str] = field(default_factory=set)
    flights: dict[str, Future[Rows]] = field(default_factory=dict)
    left: bool = False
    guard: threading.Lock = field(default_factory=threading.Lock)
    turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))

    def flight(self, key: str) -> tuple[Future[Rows], bool]:
        """(the answer to a question, whether the caller is the first to ask it)."""
        with self.guard:
            first = key not in self.flights
            return self.flights.setdefault(key, Future()), first


class PageStore(Store):
    """`go_on` is called while a query runs, and raises where its page is not wanted any more."""

    def __init__(self, dsn: str, compress: bool, go_on: Callable[[], None]) -> None:
        super().__init__(dsn, compress)
        self._go_on = go_on
        self._pool = ThreadPoolExecutor(16, "query")
        self._callers = ThreadPoolExecutor(32, "ahead")
        self._of = threading.local()  # the group that a thread asks for
        self.answers = Answers()

    def rows_as(self, sql: str, parameters: Mapping[str, Any], settings: Mapping[str, Any]) -> Rows:
        # The parameters hold the project, so what is kept for one is never shown for another.
        key = repr((sql, sorted(parameters.items()), sorted(settings.items())))
        start = time.monotonic()
        found = self.answers.get(key, start)
        if found is None:
            group: Group | None = getattr(self._of, "group", None)
            ask = self._ask if group is None else self._shared
            found = ask(key, sql, parameters, settings)
            end = time.monotonic()
            keep = min(LONGEST, max(SHORTEST if group is None else AHEAD, FACTOR * (end - start)))
            self.answers.put(key, found, end + keep)
        return [dict(row) for row in found]

    def _ask(
        self, _key: str, sql: str, parameters: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> Rows:
        query_id = f"ui-{uuid.uuid4().hex}"
        named = {"max_execution_time": LIMIT, **PLAIN, **settings, "query_id": query_id}
        running: Future[Rows] = self._pool.submit(super().rows_as, sql, parameters, named)
        try:
            while not wait([running], LOOK).done:
                self._go_on()
        except BaseException:
            running.cancel()
            self._end([query_id])
            raise
        return running.result()

    def _shared(
        self, key: str, sql: str, parameters: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> Rows:
        """In a thread of a group: one of its calls asks a question, the others wait for it."""
        group: Group = self._of.group
        flight, first = group.flight(key)
        if not first:
            return flight.result()
        query_id = f"ui-{uuid.uuid4().hex}"
        named = {"max_execution_time": LIMIT, **PLAIN, **settings, "query_id": query_id}
        try:
            with group.turns:
                with group.guard:
                    if group.left:
                        raise CancelledError
                    group.running.add(query_id)
                try:
                    flight.set_result(super().rows_as(sql, parameters, named))
                finally:
                    group.running.discard(query_id)
        except BaseException as error:
            flight.set_exception(error)
        return flight.result()

    def together(self, *calls: Callable[[], Any]) -> list[Any]:
        """What calls return that do not rest on each other, made in threads of their own. If one
        fails, or the page is not wanted any more, the queries of all are killed."""
        if getattr(self._of, "group", None) is not None:  # within such a call
            return [call() for call in calls]
        group = Group()
        made = [self._callers.submit(self._within, group, call) for call in calls]
        try:
            while True:
                found = wait(made, LOOK, FIRST_EXCEPTION)
                for one in found.done:
                    one.result()
                if not found.not_done:
                    return [one.result() for one in made]
                self._go_on()
        except BaseException:
            with group.guard:
                group.left = True
            for one in made:
                one.cancel()
            self._end([*group.running])
            raise

    def _within(self, group: Group, call: Callable[[], Any]) -> Any:
        self._of.group = group
        try:
            return call()
        finally:
            self._of.group = None

    def _end(self, query_ids: list[str]) -> None:
        for query_id in query_ids:
            with suppress(Retryable, Permanent):
                self.kill(query_id)

    def fresh(self) -> None:
        """Forget what is kept, so that the next look is at the store itself."""
        self.answers.clear()

    def ping(self) -> None:
        self.answers.clear()
        super().ping()

    def command(self, sql: str, **parameters: Any) -> None:
        super().command(sql, **parameters)
        self.answers.clear()

    def insert(self, table: str, rows: Any, token: str = "") -> None:
        super().insert(table, rows, token)
        self.answers.clear()

    def close(self) -> None:
        for pool in (self._pool, self._callers):
            pool.shutdown(wait=False, cancel_futures=True)
        super().close()


def connect(settings: Settings, go_on: Callable[[], None]) -> PageStore:
    """Raises Retryable while ClickHouse is away."""
    return PageStore(clickhouse.url(settings), not settings.embedded, go_on)


def ahead(store: Store, *calls: Callable[[], Any]) -> None:
    """Ask for what a page will ask one after the other, at once; its answers are then kept. Only a
    page's store does: the others keep none."""
    if isinstance(store, PageStore):
        store.together(*calls)
