"""What of a request may be kept: not what is past its project's retention, nor what was deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from collector.keeping import Keeping, Kept, Naming, days_of
from collector.signals.base import keep, project_of, shape, time_fault


@dataclass(frozen=True, slots=True)
class Admission:
    """The rules for items of one resource; `now_ns` is the clock's time."""

    project: str
    days: int
    kept: Kept
    keeping: Keeping
    naming: Naming
    now_ns: int

    def fault(self, item: Any, time_ns: int, name: str) -> str:
        """Why an item of `time_ns` (what `name` calls it in words) cannot be kept; "" if it can."""
        why = time_fault(time_ns, self.now_ns, name, self.days)
        return why or self.deleted(item, time_ns)

    def deleted(self, item: Any, time_ns: int) -> str:
        if not self.kept.tombstones.found.get(self.project):
            return ""
        kind = _covered(self.kept, self.project, item, self.naming, time_ns)
        if kind in {"session", "user"} and bool(getattr(item, "trace_id", None)):
            self.keeping.late(self.project, item.trace_id.hex())
        return f"its {kind} was deleted" if kind else ""


def admission(keeping: Keeping, naming: Naming, now_ns: int, resource: Any) -> Admission:
    """The rules in force for a resource."""
    kept, project = keeping.now(), project_of(resource)
    days = days_of(resource, project, kept.retentions)
    return Admission(project, days, kept, keeping, naming, now_ns)


def _covered(kept: Kept, project: str, item: Any, naming: Naming, time_ns: int) -> str:
    named = [("trace", item.trace_id.hex())] if getattr(item, "trace_id", b"") else []
    named += naming.named((a.key, a.value.string_value) for a in item.attributes)
    return kept.tombstones.covers(project, named, time_ns)


def _time(item: Any, now_ns: int) -> int:
    if hasattr(item, "end_time_unix_nano"):
        return int(item.start_time_unix_nano)
    return int(item.time_unix_nano or getattr(item, "observed_time_unix_nano", 0) or now_ns)


def containers(request: Any) -> Iterator[tuple[str, Any]]:
    """(project, repeated field of items) of a request of any signal."""
    for group in (one for _, groups in request.ListFields() for one in groups):
        project = project_of(group.resource)
        scopes, items = shape(group)
        for scope in getattr(group, scopes):
            found = getattr(scope, items)
            if items != "metrics":
                yield project, found
                continue
            for metric in found:
                if kind := metric.WhichOneof("data"):
                    yield project, getattr(metric, kind).data_points


def strip(request: Any, kept: Kept, naming: Naming, now_ns: int) -> Counter[str]:
    """Take what was deleted out of a request; how many items by project."""
    removed: Counter[str] = Counter()
    for project, items in containers(request):
        if kept.tombstones.found.get(project):
            removed[project] += keep(
                items,
                lambda item, project=project: _covered(  # type: ignore[misc]
                    kept, project, item, naming, _time(item, now_ns)
                ),
                lambda _why, _item: None,
            )[1]
    return +removed


def gone(row: Any, kept: Kept, naming: Naming) -> str:
    """The kind of what was deleted that a row falls under; "" where it may be written."""
    if not kept.tombstones.found.get(row.project):
        return ""
    named = [
        (kind, value)
        for kind, column in (("trace", "trace_id"), ("session", "session_id"), ("user", "user_id"))
        if (value := getattr(row, column, ""))
    ]
    named += naming.named(row.attributes.items())
    time_ns = row.time if hasattr(row, "time") else row.start_time
    return kept.tombstones.covers(row.project, named, time_ns)
