"""Alert rules of assay.yaml against the traffic and the spool: what is seen, and what then is to be
sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from monitors.alerts import groups, states
from monitors.alerts.compose import address, examples, findings_page, iso, wants
from monitors.alerts.journal import GROUPED, Event, Journal
from monitors.alerts.message import FIRING, Message
from monitors.alerts.routes import Routes
from monitors.alerts.states import INACTIVE, Seen, State
from monitors.findings import identity
from schemas.clickhouse import Store
from schemas.queries import alerting
from schemas.queries.spans import projects
from schemas.rules import SPOOL, RulePolicy

SECOND_NS = 10**9
WEEK_NS = 7 * 86400 * SECOND_NS
LAST_PART = 12  # a burn must go on in the last twelfth of its window (Google's SRE workbook, 5)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a rule sees now: a number with the limit it is held against, and both in words."""

    seen: Seen
    value: float | None
    limit: float | None
    words: str


def length(seconds: int) -> str:
    """A length in the largest unit that fits."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def number(store: Store, project: str, metric: str, start: int, end: int, at_least: int
           ) -> float | None:  # fmt: skip
    """The metric over [start, end) in ns; None where fewer than `at_least` items would speak."""
    kind, _, evaluator = metric.partition(":")
    if evaluator:
        row = alerting.judged(store, project, evaluator, start, end)
        scored, errors = int(row["scored"]), int(row["errors"])
        if kind == "score":
            return float(row["mean"]) if scored >= at_least else None
        return errors / (scored + errors) if scored + errors >= at_least else None
    if kind == "cost_per_user":
        return alerting.cost_per_user(store, project, start, end)[1]
    row = alerting.traffic(store, project, start, end)
    traces = int(row["traces"])
    if kind == "error_rate":
        return int(row["errors"]) / traces if traces >= at_least else None
    if kind.startswith("latency"):
        return float(row[kind]) if int(row["roots"]) >= at_least else None
    return float(row[kind])


def look(store: Store, project: str, rule: RulePolicy, now_ns: int) -> Sight:
    """What the rule sees at `now_ns`. Raises Retryable, Permanent."""

    def over(seconds: float, back: int = 0, part: int = 1) -> float | None:
        end = now_ns - back
        start = end - round(seconds / part * SECOND_NS)
        least = max(1, rule.at_least // part)
        return number(store, project, rule.metric, start, end, least)

    if rule.burn:
        return _burn(rule, over)
    now, last = over(rule.window), f"over the last {length(rule.window)}"
    if rule.rise is not None or rule.drop is not None:
        return _change(rule, now, over(rule.window, WEEK_NS), last)
    seen = states.against(now, rule.above, rule.below, rule.clear)
    limit = rule.above if rule.above is not None else rule.below
    if rule.metric == "traces" and seen == "bad" and not over(7 * 86400):
        # A project that nobody uses any more is no incident.
        return Sight("unknown", now, limit, "")
    side = "above" if rule.above is not None else "below"
    said = "unknown" if now is None else f"{now:.4g}"
    return Sight(seen, now, limit, f"{rule.metric} is {said} {last} (alert {side} {limit:.4g})")


def look_at_spool(rule: RulePolicy, now: float | None) -> Sight:
    """What a rule on the spool sees; a collector that does not answer is unknown."""
    limit = rule.above if rule.above is not None else rule.below
    side = "above" if rule.above is not None else "below"
    said = "unknown" if now is None else f"{now:.4g}"
    what = {
        "spool_used": "share of the collector's spool that is used: at 1 it takes no more",
        "spool_segments": "segments in the collector's spool that ClickHouse lacks",
    }[rule.metric]
    words = f"{rule.metric} is {said} (alert {side} {limit:.4g}), the {what}"
    return Sight(states.against(now, rule.above, rule.below, rule.clear), now, limit, words)


def _change(rule: RulePolicy, now: float | None, then: float | None, last: str) -> Sight:
    change = None if now is None or not then else now / then - 1
    limit = rule.rise if rule.rise is not None else -(rule.drop or 0.0)
    seen = (
        states.against(change, limit, None, rule.clear)
        if rule.rise is not None
        else states.against(change, None, limit, rule.clear)
    )
    if change is None:
        return Sight(seen, None, limit, f"{rule.metric} cannot be compared with last week")
    words = (
        f"{rule.metric} is {now:.4g} {last}, {change:+.1%} against {then:.4g} a week before"
        f" (alert at {limit:+.1%})"
    )
    return Sight(seen, change, limit, words)


def _burn(rule: RulePolicy, over: Any) -> Sight:
    pairs: list[tuple[float | None, float | None, float]] = []
    words = []
    for window, factor in rule.burn:
        long, short = (
            None if share is None else share / rule.budget
            for share in (over(window), over(window, part=LAST_PART))
        )
        pairs.append((long, short, factor))
        if long is not None:
            words.append(f"{long:.3g} times over {length(window)} (alert at {factor:g})")
    # What burns most against its own limit is the number of the alert.
    value, limit = max(
        ((long, f) for long, _, f in pairs if long is not None),
        key=lambda p: p[0] / p[1], default=(None, None),
    )  # fmt: skip
    text = f"{rule.metric} burns its budget of {rule.budget:.2%} " + ", ".join(words)
    return Sight(states.burning(pairs), value, limit, text)


def _message(
    name: str, rule: RulePolicy, project: str, key: str, sight: Sight, since_ms: int, now_ms: int,
    explorer: str,
) -> Message:  # fmt: skip
    """A firing message that is not addressed yet."""
    where = f" in {project}" if project else ""
    return Message(
        message_id=key, key=key, type="assay.rule.firing", state=FIRING,
        title=f"{name}: {rule.metric}{where}", severity=rule.severity, project=project,
        signal=name, summary=sight.words, onset=iso(since_ms), sent_at=iso(now_ms),
        value=sight.value, threshold=sight.limit,
        url=findings_page(project, explorer) if project else explorer,
        owner=rule.owner, runbook=rule.runbook,
    )  # fmt: skip


def _tell(journal: Journal, message: Message, where: Routes, now_ms: int) -> None:
    """Hand a rule's alert, or its end, to its groups, which send it. Beside that each rule has a
    row of its own for each destination, so that pages show its state. The end of what no group
    knows (an older version sent it, or the destination is new) goes out by itself."""
    taken = groups.take(journal, message, where, now_ms)
    event_id = message.key if message.state == FIRING else f"{message.key}-end"
    if journal.get(event_id) is not None:
        return
    pending = []
    for name, policy in where.policies.items():
        if name in taken or wants(name, policy, message.signal, message.project):
            to = where.targets.get(name, "")
            mine = address(message, event_id, name, policy, to, now_ms)
            if name in taken:
                mine = replace(mine, row=replace(mine.row, status=GROUPED))
            pending.append(mine)
    journal.put(Event(event_id, message.project, message.key, now_ms, tuple(pending)))


def _state(known: Mapping[str, Any], key: str) -> State:
    """A rule's state; one that cannot be read, of another version, begins anew."""
    try:
        return State(**known[key]) if key in known else INACTIVE
    except TypeError:
        return INACTIVE


def _record(journal: Journal, known: dict[str, Any], key: str, state: State) -> None:
    """A state is on disk before the next step is taken from it."""
    changed = {k: v for k, v in known.items() if k != key}
    if state != INACTIVE:
        changed[key] = asdict(state)
    known.clear()
    known.update(changed)
    journal.save("rules", known)


def apply_rules(
    store: Store, rules: Mapping[str, RulePolicy], journal: Journal, where: Routes, explorer: str,
    now_ms: int,
) -> None:  # fmt: skip
    """One step of every rule on traffic in every project it is for. An event is on disk before the
    state that it leads to: a crash between the two repeats it under its id.

    Raises Retryable, Permanent, OSError.
    """
    known = journal.load("rules")
    there = projects(store) if rules else []
    left = {key for key in known if json.loads(key)[1]}
    for name, rule in rules.items():
        if rule.metric in SPOOL:
            continue
        start, end = (now_ms - rule.window * 1000) * 10**6, now_ms * 10**6
        for project in there:
            if rule.projects and project not in rule.projects:
                continue
            left.discard(json.dumps([name, project]))
            sight = look(store, project, rule, now_ms * 10**6)
            found = partial(alerting.examples, store, project, rule.metric, start, end)
            _step(journal, known, name, rule, project, sight, found, where, explorer, now_ms)
    for key in left:
        _forget(journal, known, key, where, explorer, now_ms)


def apply_spool_rules(
    numbers: Mapping[str, float], rules: Mapping[str, RulePolicy], journal: Journal, where: Routes,
    explorer: str, now_ms: int,
) -> None:  # fmt: skip
    """The same for rules on the spool, which are of no project ("") and need no ClickHouse: the
    spool fills while it is away. `numbers` is by metric. Raises OSError."""
    known = journal.load("rules")
    left = {key for key in known if not json.loads(key)[1]}
    for name, rule in rules.items():
        if rule.metric in SPOOL:
            left.discard(json.dumps([name, ""]))
            sight = look_at_spool(rule, numbers.get(rule.metric))
            _step(journal, known, name, rule, "", sight, list, where, explorer, now_ms)
    for key in left:
        _forget(journal, known, key, where, explorer, now_ms)


def _step(
    journal: Journal, known: dict[str, Any], name: str, rule: RulePolicy, project: str,
    sight: Sight, found: Callable[[], list[str]], where: Routes, explorer: str, now_ms: int,
) -> None:  # fmt: skip
    """One step of one rule in one project; `found` gives traces that show why it fires."""
    key = json.dumps([name, project])
    before = _state(known, key)
    after, turn = states.step(before, sight.seen, now_ms, rule.hold * 1000, rule.clear_hold * 1000)
    episode = identity("rule", name, project, before.since_ms)
    if before.phase == "pending" and after == INACTIVE and groups.fires(journal, episode):
        turn = "resolved"  # it fired, and the process died before the state said so
    if turn:
        message = _message(name, rule, project, episode, sight, before.since_ms, now_ms, explorer)
        if turn == "firing":
            message = replace(message, examples=examples(project, found(), explorer))
        else:
            message = groups.ended(message, sight.words)
        _tell(journal, message, where, now_ms)
    if after != before:
        _record(journal, known, key, after)


def _forget(
    journal: Journal, known: dict[str, Any], key: str, where: Routes, explorer: str, now_ms: int
) -> None:
    """What fired under a rule that is gone is over: nobody would ever say so otherwise."""
    name, project = json.loads(key)
    state = _state(known, key)
    episode = identity("rule", name, project, state.since_ms)
    if state.phase == "firing" or groups.fires(journal, episode):
        sight = Sight("unknown", None, None, "")
        gone = RulePolicy("rule")
        message = _message(name, gone, project, episode, sight, state.since_ms, now_ms, explorer)
        over = groups.ended(message, "the rule was removed or renamed")
        _tell(journal, over, where, now_ms)
    _record(journal, known, key, INACTIVE)
