"""`assay retention`: how long projects keep rows; a changed policy reaches stored rows."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Sequence

from collector.keeping import FRESH
from schemas import clickhouse, control
from schemas.clickhouse import Store
from schemas.control import Change, ControlError
from schemas.errors import Permanent, Retryable
from schemas.hours.keeping import forget
from schemas.queries import retention
from schemas.queries.spans import projects
from schemas.retention import ALLOWED, DEFAULT, RetentionPolicy
from schemas.settings import Settings

Say = Callable[[str], None]


def run(settings: Settings, project: str, old: str) -> int:
    """List what is kept; with `old` (days, comma between) rewrite those rows. The exit code."""
    try:
        store = clickhouse.connect(settings)
        kept = control.retentions(store)
        if old:
            if not project:
                print("assay: `assay retention --rewrite` takes --project P", file=sys.stderr)
                return 2
            days = [int(part) for part in old.split(",") if part.strip().isdecimal()]
            if not days or not set(days) <= set(ALLOWED):
                print(f"assay: --rewrite takes some of {ALLOWED}, for example 30", file=sys.stderr)
                return 2
            rewrite(store, project, days, kept.days(project), print)
        for each in [project] if project else projects(store):
            held = ", ".join(
                f"{row['spans']} spans for {row['days'] or 'ever'}"
                + (" days" if row["days"] else "")
                for row in retention.held(store, each)
            )
            print(f"{each:24} {_words(kept.days(each)):>10}   held: {held or 'nothing'}")
        store.close()
    except (Retryable, Permanent, ControlError) as error:
        print(f"assay: {error}", file=sys.stderr)
        return 1
    return 0


def _words(days: int) -> str:
    return f"{days} days" if days else "for ever"


def rewrite(store: Store, project: str, old: Sequence[int], new: int, say: Say) -> int:
    """Rows that carry one of the `old` retentions get the new one, or go where they are older.

    A run that was cut off can be repeated: each day is copied under a token and deleted after.
    Returns the number of rows. Raises Retryable, Permanent.
    """
    old = [days for days in old if days != new]
    moved, stamp = 0, uuid.uuid4().hex[:8]
    for one in list(retention.moves(store, project, old)) if old else []:
        token = f"retention/{project}/{one.table}/{one.day}/{new}/{one.rows}/{stamp}"
        retention.move(store, project, one, old, new, token)
        moved += one.rows
    if old:
        retention.update(store, project, old, new)
        retention.drop_expired(store)
        forget(store, project)
        say(f"  {project}: {moved} stored rows were kept {_listed(old)}, now {_words(new)}")
    return moved


def _listed(days: Sequence[int]) -> str:
    return " or ".join(_words(each) for each in days)


def follow(store: Store, changes: Sequence[Change], say: Say) -> None:
    """Carry changed policies into stored rows. Rows that an import or an application gave a
    retention of its own keep it, unless it is that of the old policy."""
    mine = {key[1]: (before, after) for change in changes if (key := change.key)[0] == "retention"
            for before, after in [(change.before, change.after)]}  # fmt: skip
    if not mine:
        return
    time.sleep(FRESH)  # by then no collector writes under the old policy
    now = control.retentions(store)
    for project in projects(store):
        name = project if project in mine else "default"
        if name not in mine or (name == "default" and project in now.by_project):
            continue
        before = mine[name][0]
        if isinstance(before, RetentionPolicy):
            old = before.days
        else:
            fallback = mine.get("default", (None, None))[0]
            known = now.by_project.get("default", DEFAULT)
            old = fallback.days if isinstance(fallback, RetentionPolicy) else known
        rewrite(store, project, [old], now.days(project), say)
