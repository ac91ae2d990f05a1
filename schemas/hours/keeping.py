"""Making the sums of closed hours, and making them again where rows came late.

One process runs this. Nothing depends on it: where no sums are, or where they are out of date,
pages read the rows themselves.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from schemas.clickhouse import Store
from schemas.hours.models import MODEL_HOURS
from schemas.hours.rolled import HOUR, QUIET, Rolled, still
from schemas.hours.scores import SCORE_HOURS
from schemas.hours.traffic import TRAFFIC_HOURS
from schemas.queries.deletion import HOURS
from schemas.queries.scope import across_projects

EVERY: Sequence[Rolled] = (TRAFFIC_HOURS, SCORE_HOURS, MODEL_HOURS)
CHUNK = 24  # hours that are made by one INSERT, at most
GAP = 72  # hours without any row that are made, too, so that they need not be looked at again
STAMPS = """fromUnixTimestamp64Micro({made:Int64}) AS made,
               fromUnixTimestamp64Milli({seen:Int64}) AS seen"""
EMPTY_DAYS = 400  # after which the row of an hour without any goes


@dataclass(slots=True)
class Book:
    """What is known of one project and table: when something was last stored in an hour (ns -> ms),
    which hours are made and what they have seen, up to when was looked and when that was last
    written down (ms)."""

    stored: dict[int, int] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)
    looked: int = 0
    written: int = 0


class Books(dict[tuple[str, str], Book]):
    """By project and table."""


def due(book: Book, now_ms: int, quiet: float = QUIET) -> list[int]:
    """Hours to make, oldest first: over for an hour, with nothing stored near them in the last
    `quiet` seconds, and not made since; those between them that never had a row, too."""
    ended = now_ms * 10**6 - 2 * HOUR
    known = sorted(book.stored)
    gaps = [
        hour for a, b in pairwise(known) if b - a <= GAP * HOUR
        for hour in range(a + HOUR, b, HOUR) if hour not in book.seen
    ]  # fmt: skip
    changed = {hour for hour in known if hour not in book.seen}
    changed |= set(book.seen) - set(still(book.seen, book.stored))
    calm = now_ms - quiet * 1000

    def over(hour: int) -> bool:
        near = [book.stored.get(hour + step * HOUR, 0) for step in (-1, 0, 1)]
        return hour <= ended and max(near) < calm

    return sorted(hour for hour in {*changed, *gaps} if over(hour))


def unmade(book: Book) -> bool:
    """Whether an hour with rows is not made, or not made since they changed."""
    return not book.stored.keys() <= set(still(book.seen, book.stored))


def chunks(hours: Sequence[int], most: int = CHUNK) -> list[list[int]]:
    """Runs of hours that follow each other, each of `most` at most."""
    found: list[list[int]] = []
    for hour in hours:
        if found and found[-1][-1] + HOUR == hour and len(found[-1]) < most:
            found[-1].append(hour)
        else:
            found.append([hour])
    return found


def look(store: Store, project: str, of: Rolled, book: Book) -> None:
    """Take over which hours something was stored in since the last look; all of them at first."""
    made = store.rows(
        f"""
        SELECT toUnixTimestamp(hour) AS at, argMax(toUnixTimestamp64Milli(seen), made) AS ms
        FROM {of.table} WHERE project = {{project:String}} AND hour > toDateTime(0) GROUP BY at
        """,
        project=project,
    )  # anew each time: a deletion takes them out
    book.seen = {int(row["at"]) * 10**9: int(row["ms"]) for row in made}
    for row in store.rows(
        f"""
        SELECT toUnixTimestamp(toStartOfHour({of.time})) AS at,
               toUnixTimestamp64Milli(max(stored_at)) AS ms
        FROM {of.raw} WHERE project = {{project:String}}
          AND stored_at >= fromUnixTimestamp64Milli({{since:Int64}}) GROUP BY at
        """,
        project=project, since=max(0, book.looked - 2000 * QUIET),
    ):  # fmt: skip
        hour = int(row["at"]) * 10**9
        book.stored[hour] = max(book.stored.get(hour, 0), int(row["ms"]))


def make(
    store: Store, project: str, of: Rolled, book: Book, hours: Sequence[int], now_ms: int,
    quiet: float = QUIET,
) -> None:  # fmt: skip
    """Make hours that follow each other."""
    start, end = hours[0], hours[-1] + HOUR
    seen = int(now_ms - quiet * 1000)
    made = _stamp(now_ms)
    columns = _columns(store, of)
    store.command(
        f"""
        INSERT INTO {of.table} (project, made, seen, {columns})
        SELECT {{project:String}} AS project, {STAMPS}, {columns}
        FROM ({of.rows([(start, end)], "1", None, 0)})
        SETTINGS max_insert_threads = 1, max_threads = 1
        """,
        project=project, made=made, seen=seen,
    )  # fmt: skip
    filled = store.rows(
        f"""
        SELECT DISTINCT toUnixTimestamp(hour) AS at FROM {of.table}
        WHERE project = {{project:String}} AND made = fromUnixTimestamp64Micro({{made:Int64}})
          AND hour >= {{start:UInt32}} AND hour < {{end:UInt32}}
        """,
        project=project, made=made, start=start // 10**9, end=end // 10**9,
    )  # fmt: skip
    empty = sorted({hour // 10**9 for hour in hours} - {int(row["at"]) for row in filled})
    _empty(store, of, empty, f"hour + toIntervalDay({EMPTY_DAYS})", project, made, seen)
    book.seen |= dict.fromkeys(hours, seen)


def _stamp(now_ms: int) -> int:
    """When sums are made, in microseconds: of two processes that make them at once one is later."""
    return now_ms * 1000 + secrets.randbelow(1000)


def _empty(
    store: Store, of: Rolled, hours: Sequence[int], until: str, project: str, made: int, seen: int
) -> None:
    if hours:
        store.command(
            f"""
            INSERT INTO {of.table} (project, hour, made, seen, until)
            SELECT {{project:String}} AS project, toDateTime(arrayJoin({list(hours)}), 'UTC')
                       AS hour, {STAMPS}, {until} AS until
            """,
            project=project, made=made, seen=seen,
        )  # fmt: skip


@across_projects("names of columns")
def _columns(store: Store, of: Rolled) -> str:
    rows = store.rows(
        """
        SELECT name FROM system.columns
        WHERE database = currentDatabase() AND table = {table:String}
          AND name NOT IN ('project', 'made', 'seen') ORDER BY position
        """,
        table=of.table,
    )
    return ", ".join(row["name"] for row in rows)


def clock(store: Store) -> int:
    """ClickHouse's time in ms: what `stored_at` is told by."""
    return int(store.rows("SELECT toUnixTimestamp64Milli(now64(3)) AS ms")[0]["ms"])


@across_projects("which projects to look at")
def stirred(store: Store, since_ms: int) -> list[str]:
    """Projects of which something was stored since a moment."""
    rows = store.rows(
        """
        SELECT DISTINCT toString(project) AS project FROM (
            SELECT project FROM spans WHERE stored_at >= fromUnixTimestamp64Milli({since:Int64})
            UNION ALL
            SELECT project FROM scores WHERE stored_at >= fromUnixTimestamp64Milli({since:Int64})
        ) ORDER BY project
        """,
        since=since_ms,
    )
    return [row["project"] for row in rows]


def keep(
    store: Store, project: str, books: Books, most: int = 1,
    quiet: float = QUIET, now_ms: int = 0, wanted: Callable[[], bool] = lambda: True,
) -> int:  # fmt: skip
    """Look at a project and make what is due of each table, `most` chunks of it; how many chunks
    wait. `wanted` is asked between them. Raises Retryable, Permanent."""
    left = 0
    for of in EVERY:
        book = books.setdefault((project, of.table), Book())
        now = now_ms or clock(store)
        look(store, project, of, book)
        before = set(book.seen)
        # What was made before and is out of date comes first: until then, no look is complete.
        waiting = due(book, now, quiet)
        again = chunks([hour for hour in waiting if hour in before])
        todo = [*again, *chunks([hour for hour in waiting if hour not in before])[::-1]]
        done = 0
        for hours in todo[:most]:
            if not wanted():
                return left + len(todo) - done
            make(store, project, of, book, hours, now, quiet)
            done += 1
        left += len(todo) - done
        if done >= len(again):
            book.looked = now
            if book.seen and now - book.written >= 1000 * QUIET:
                first = min([*book.stored, *book.seen]) // 10**6
                _empty(store, of, [0], "toDateTime(4000000000)", project, _stamp(now), first)
                book.written = now
    return left


def forget(store: Store, project: str) -> None:
    """Take out all sums of a project, whose rows were deleted; pages read the rows until they are
    made again. Old parts of the tables may stay for some minutes."""
    for table in HOURS:
        store.command(
            f"ALTER TABLE {table} DELETE WHERE project = {{project:String}}"
            " SETTINGS mutations_sync = 2",
            project=project,
        )


@across_projects("after a copy no sums are known to be whole")
def forget_all(store: Store) -> None:
    """Take out the sums of every project."""
    for table in HOURS:
        store.command(f"TRUNCATE TABLE {table}")
