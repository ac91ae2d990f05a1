"""What the pipeline must know of a signal: its messages, its faults, its rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from collector.keeping import Fixed, Keeping, Naming
from collector.rejections import Found, sample, sdk_of

DAY_NS = 86_400 * 10**9
OLDEST_NS = 946_684_800 * 10**9  # 2000-01-01: an earlier time is a mistake
_SHAPES = (
    ("scope_spans", "spans"),
    ("scope_logs", "log_records"),
    ("scope_metrics", "metrics"),
)
_PROJECT = ("openinference.project.name", "service.name")


@dataclass(frozen=True, slots=True)
class Checked:
    """A request without its bad items, the count kept and rejected, and the first reason."""

    request: Any
    kept: int
    rejected: int
    reason: str
    refused: Found = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signal:
    """One OTLP signal.

    `check(request, now_ns)` removes what can never be stored; `rows(request, received_ns, token)`
    gives the rows of a request, the same at every call; `answer(rejected, reason)` is the OTLP
    response with its partial success. `keeping` says what was deleted, `naming` how an item names
    its session and its user.
    """

    name: str
    request: type[Any]
    row: type[Any]
    check: Callable[[Any, int], Checked]
    rows: Callable[[Any, int, str], list[Any]]
    answer: Callable[[int, str], Any]
    keeping: Keeping = dataclasses.field(default_factory=Fixed)
    naming: Naming = dataclasses.field(default_factory=Naming)


def time_fault(time_ns: int, now_ns: int, name: str, days: int) -> str:
    """Why a time cannot be stored under a retention of so many days (0: for ever): a row past it
    would vanish at insert; "" if fine."""
    oldest = now_ns - days * DAY_NS if days else OLDEST_NS
    if oldest <= time_ns <= now_ns + DAY_NS:
        return ""
    if not days:
        return f"{name} must lie after 1999 and at most one day ahead"
    return (
        f"{name} must lie within the last {days} days, for which rows are kept, and at most one"
        " day ahead"
    )


def keep(
    container: Any, fault: Callable[[Any], str], note: Callable[[str, Any], None]
) -> tuple[int, int, str]:
    """Remove the items of a repeated message field that have a fault: (kept, rejected, reason)."""
    good, first = [], ""
    for item in container:
        why = fault(item)
        first = first or why
        if why:
            note(why, item)
        else:
            good.append(item)
    rejected = len(container) - len(good)
    if rejected:
        copies = [type(item).FromString(item.SerializeToString()) for item in good]
        del container[:]
        container.extend(copies)
    return len(good), rejected, first


def noted(found: Found, resource: Any, scope: Any, name: str = "") -> Callable[[str, Any], None]:
    """A function that counts a refused item of a scope; `name` where the item has none."""

    def note(why: str, item: Any) -> None:
        key = (project_of(resource), why, sdk_of(resource, scope))
        count, text = found.get(key) or (0, sample(item, name))
        found[key] = (count + 1, text)

    return note


def check_items(request: Any, faults: Callable[[Any], Callable[[Any], str]]) -> Checked:
    """Remove the spans or log records of a request that have a fault; `faults` makes of a resource
    the function that tells."""
    kept = rejected = 0
    reason = ""
    found: Found = {}
    for group in (item for _, groups in request.ListFields() for item in groups):
        scopes, items = shape(group)
        fault = faults(group.resource)
        for scope in getattr(group, scopes):
            note = noted(found, group.resource, scope.scope)
            good, bad, why = keep(getattr(scope, items), fault, note)
            kept, rejected, reason = kept + good, rejected + bad, reason or why
    return Checked(request, kept, rejected, reason, found)


def project_of(resource: Any) -> str:
    """The project of a resource (design section 5): without a key, what the sender says."""
    named = {a.key: a.value.string_value for a in resource.attributes if a.key in _PROJECT}
    return next((named[key] for key in _PROJECT if named.get(key)), "default")


def projects(request: Any) -> dict[str, int]:
    """Items per project of a request of any signal, bad ones included."""
    counts: dict[str, int] = {}
    for group in (item for _, groups in request.ListFields() for item in groups):
        name = project_of(group.resource)
        counts[name] = counts.get(name, 0) + _size(group)
    return counts


def sizes(request: Any) -> dict[str, tuple[int, int]]:
    """Items and bytes of protobuf per project of a request of any signal."""
    found: dict[str, tuple[int, int]] = {}
    for group in (item for _, groups in request.ListFields() for item in groups):
        name = project_of(group.resource)
        items, size = found.get(name, (0, 0))
        found[name] = (items + _size(group), size + group.ByteSize())
    return found


def _size(group: Any) -> int:
    scopes, items = shape(group)
    found = [item for scope in getattr(group, scopes) for item in getattr(scope, items)]
    if items != "metrics":
        return len(found)
    return sum(len(getattr(m, kind).data_points) for m in found if (kind := m.WhichOneof("data")))


def singles(request: Any) -> Iterator[Any]:
    """A request per span, log record or metric, each with its resource and scope."""
    for field, groups in request.ListFields():
        for group in groups:
            scopes, items = shape(group)
            for scope in getattr(group, scopes):
                for item in getattr(scope, items):
                    one = type(request)()
                    only = getattr(one, field.name).add()
                    only.resource.CopyFrom(group.resource)
                    inner = getattr(only, scopes).add()
                    inner.scope.CopyFrom(scope.scope)
                    getattr(inner, items).add().CopyFrom(item)
                    yield one


def parts(request: Any, most: int) -> Iterator[Any]:
    """Requests of at most `most` spans, log records or metrics that together are this one, in the
    same order."""
    part, room = type(request)(), most
    for field, groups in request.ListFields():
        for group in groups:
            scopes, items = shape(group)
            for scope in getattr(group, scopes):
                found, at = getattr(scope, items), 0
                while at < len(found):
                    outer = getattr(part, field.name).add(schema_url=group.schema_url)
                    outer.resource.CopyFrom(group.resource)
                    inner = getattr(outer, scopes).add(schema_url=scope.schema_url)
                    inner.scope.CopyFrom(scope.scope)
                    taken = found[at : at + room]
                    getattr(inner, items).extend(taken)
                    at, room = at + len(taken), room - len(taken)
                    if not room:
                        yield part
                        part, room = type(request)(), most
    if room < most:
        yield part


def shape(group: Any) -> tuple[str, str]:
    """Names of a resource group's scopes and of a scope's items."""
    return next((s, i) for s, i in _SHAPES if hasattr(group, s))
