"""`assay alert`: try a destination, list what there is, silence."""

from __future__ import annotations

import getpass
import os
import re
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitors.alerts.destination import Answer
from monitors.alerts.mirror import row
from monitors.alerts.routes import Routes, routes
from monitors.alerts.trying import attempts
from schemas import clickhouse, control
from schemas.alerting import SilencePolicy
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.queries import findings
from schemas.queries.spans import projects
from schemas.registry import load
from schemas.settings import Settings

_LENGTH = re.compile(r"(\d+)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def run(
    settings: Settings, action: str, name: str, until: str, length: str, project: str, reason: str
) -> int:
    """The exit code."""
    if action not in {"list", "requeue"} and not name:
        print(f"assay: `assay alert {action}` takes the NAME of an alert", file=sys.stderr)
        return 2
    try:
        store = clickhouse.connect(settings)
        try:
            if action == "list":
                return _list(store, settings)
            if action == "requeue":
                return _requeue(store, name, project)
            if action == "test":
                return _test(store, settings, name)
            if action == "unsilence":
                return _unsilence(store, name)
            return _silence(store, settings, name, until, length, project, reason)
        finally:
            store.close()
    except (ControlError, Retryable, Permanent) as error:
        print(f"assay: {error}", file=sys.stderr)
        return 1


def _now(store: Store, settings: Settings) -> Routes:
    state = control.read(store)
    return routes(state.alerts, state.silences, settings, os.environ)


def _test(store: Store, settings: Settings, name: str) -> int:
    """Send a firing and a resolved message past the outbox, and say what came back."""
    where = _now(store, settings)
    destination = where.destinations.get(name)
    if destination is None:
        there = ", ".join(where.destinations)
        print(f"assay: no alert is called {name}; there are: {there}", file=sys.stderr)
        return 2
    print(f"{name}: {destination.sink} {destination.target}".rstrip())
    sinks = load("sink", "monitors.alerts.sinks")
    answers = []
    for state, answer in attempts(destination, where.policies[name].severity, settings, sinks):
        answers.append(answer)
        print(f"  {state:9} {_words(answer)}")
    return 0 if all(a.delivered for a in answers) else 1


def _words(answer: Answer) -> str:
    said = f": {answer.text}" if answer.text else ""
    return f"{'ok' if answer.delivered else 'FAILED'}, {answer.code or 'no answer'}{said}"


def _list(store: Store, settings: Settings) -> int:
    where = _now(store, settings)
    for name, policy in where.policies.items():
        found = where.destinations[name]
        what = ", ".join(policy.signals) or "every signal"
        more = [f"projects {', '.join(policy.projects)}"] if policy.projects else []
        more += [f"quiet {policy.quiet} {policy.timezone}"] if policy.quiet else []
        more += [f"owner {policy.owner}"] if policy.owner else []
        more += [f"PROBLEM: {found.problem}"] if found.problem else []
        print(f"{name:20} {policy.sink:12} {found.target or '-':32} {'; '.join([what, *more])}")
    now = datetime.now(UTC)
    for name, silence in where.silences.items():
        if silence.ends > now:
            reason = f" ({silence.reason})" if silence.reason else ""
            only = f" for {silence.project}" if silence.project else ""
            print(f"silence {name}{only} until {silence.ends:%Y-%m-%d %H:%M %Z}{reason}")
    for project in projects(store):
        rows = findings.list_deliveries(store, project)
        for status in ("pending", "dead"):
            mine = [r for r in rows if r["status"] == status]
            if mine:
                last = mine[0]["error"] or "not tried yet"
                print(f"{project}: {len(mine)} {status}, the last to {mine[0]['rule']}: {last}")
    return 0


def requeue(store: Store, name: str, project: str, now_ms: int) -> int:
    """Make dead deliveries (of one destination and project, where they are named) pending again,
    under their ids and with three new days; running monitors take them over within a minute. The
    number of them. Raises Retryable, Permanent."""
    mine = [
        replace(row(found), status="pending", attempts=0, error="requeued",
                next_attempt_at=now_ms, updated_at=now_ms * 1000)
        for each in ([project] if project else projects(store))
        for found in findings.list_deliveries(store, each)
        if found["status"] == "dead" and name in {"", found["rule"]}
    ]  # fmt: skip
    if mine:
        findings.insert_deliveries(store, mine)
    return len(mine)


def _requeue(store: Store, name: str, project: str) -> int:
    count = requeue(store, name, project, time.time_ns() // 10**6)
    print(f"{count} dead {'delivery' if count == 1 else 'deliveries'} will be tried again")
    return 0


def ends(until: str, length: str, now: datetime) -> datetime:
    """The end of a silence from `--until` (ISO 8601; UTC without a zone) or `--for` (30m, 2h, 3d,
    1w). Raises ValueError in words."""
    if bool(until) == bool(length):
        raise ValueError("a silence takes one of --until TIME and --for 30m|2h|3d|1w")
    if length:
        found = _LENGTH.fullmatch(length)
        if found is None:
            raise ValueError(f"--for {length} must be like 30m, 2h, 3d or 1w")
        return now + timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        end = datetime.fromisoformat(until)
    except ValueError as error:
        raise ValueError(f"--until {until} must be a time like 2026-12-01T08:00") from error
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    if end <= now:
        raise ValueError(f"--until {until} is past")
    return end


def _silence(
    store: Store, settings: Settings, name: str, until: str, length: str, project: str, reason: str
) -> int:
    try:
        end = ends(until, length, datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        print(f"assay: {error}", file=sys.stderr)
        return 2
    text = end.isoformat(timespec="seconds")
    document = SilencePolicy(text, project, reason)
    control.put(store, ("silence", name), document, "cli", getpass.getuser())
    state = control.read(store)
    known = {"all", *_now(store, settings).policies}
    note = "" if name in known else " (no alert has this name: it is taken for a signal)"
    print(f"{name} is silenced until {state.silences[name].until}{note}")
    print("What fires meanwhile waits, and is sent then unless it is over.")
    return 0


def _unsilence(store: Store, name: str) -> int:
    if name not in control.read(store).silences:
        print(f"assay: {name} is not silenced", file=sys.stderr)
        return 2
    control.put(store, ("silence", name), None, "cli", getpass.getuser())
    print(f"{name} is not silenced any more")
    return 0
