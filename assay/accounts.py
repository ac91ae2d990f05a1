"""The ledger against ClickHouse: every gap, in words, with what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from collector import lanes
from collector.ledger import ITEMS, Totals, waiting
from schemas import clickhouse
from schemas.errors import Permanent, Retryable
from schemas.queries.ingest import stored_by_ledger
from schemas.queries.rejections import rejections_by_project
from schemas.settings import Settings

Check = tuple[bool, str]


def accounts(settings: Settings) -> Iterator[Check]:
    """A check per signal and project that anything was received for."""
    counted = {signal: lanes.totals(settings.spool, [], signal) for signal in ITEMS}
    if not any(counted.values()):
        yield True, "ledger: nothing received yet"
        return
    try:
        store = clickhouse.connect(settings)
        stored = stored_by_ledger(store)
        refused = rejections_by_project(store)
        store.close()
    except (Retryable, Permanent, OSError) as error:
        yield False, f"ledger: ClickHouse cannot be asked what it holds: {error}"
        stored, refused = None, []
    for signal, projects in counted.items():
        held = None if stored is None else stored.get(signal, {})
        yield from _signal(ITEMS[signal].replace("_", " "), projects, held)
    yield from map(_refusal, refused)


def _refusal(row: Mapping[str, Any]) -> Check:
    last = datetime.fromtimestamp(row["last_ms"] / 1000, UTC)
    sample = json.loads(row["sample"] or "{}").get("name", "")
    return True, (
        f"refused in 30 days: {row['items']} {ITEMS[row['signal']].replace('_', ' ')} of"
        f" {row['project']} from {row['sdk']}" + (f", as {sample!r}" if sample else "")
        + f", last {last:%Y-%m-%d %H:%M} UTC: {row['reason']}"
    )  # fmt: skip


def _signal(items: str, projects: Totals, held: dict[str, int] | None) -> Iterator[Check]:
    for project, counts in projects.items():
        name = project or "(no project: an older version's counts, or unreadable)"
        said = ", ".join(
            f"{key} {counts[key]}" for key in ("received", "written", "rejected", "dead", "damaged")
            if counts.get(key)
        )  # fmt: skip
        left = waiting(counts)
        line = f"ledger, {items} of {name}: {said}" + (f", waiting {left}" if left else "")
        yield True, line
        if counts.get("dead"):
            yield (
                False,
                f"{counts['dead']} {items} of {name} were refused by ClickHouse:"
                " `assay spool inspect` says why, `assay spool requeue` tries again",
            )
        if counts.get("damaged"):
            yield (
                False,
                f"{counts['damaged']} acknowledged {items} came back unreadable from the disk:"
                " `assay spool inspect` names the files; check the disk",
            )
        if held is not None and project:
            yield from _gap(items, project, counts.get("written", 0), held.get(project, 0))


def _gap(items: str, project: str, written: int, held: int) -> Iterator[Check]:
    if held < written:
        yield (
            False,
            f"ClickHouse holds {held} of {written} written {items} of {project}: was it restored"
            " from an older backup, or is CLICKHOUSE_URL another server?",
        )
    elif held > written:
        yield (
            True,
            f"ClickHouse holds {held - written} more {items} of {project} than this collector"
            " wrote: another one writes too, or the spool was wiped",
        )
