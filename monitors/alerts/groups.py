"""Alerts of rules that fire together are one message, as Alertmanager groups them (group_by,
group_wait, group_interval): the first waits a little for others, later ones and ends are told at an
interval, and when all are over, that is said at once.

A group is of one destination and one project. Its state is a document beside the events, and its id
derives from the first alert in it, so that a kill -9 at any step repeats a message under its id:
the message is in the journal before the document says so, and what is there is not made anew.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from monitors.alerts.compose import address, wants
from monitors.alerts.group_message import group_message
from monitors.alerts.hold import held
from monitors.alerts.journal import Event, Journal
from monitors.alerts.message import FIRING, RESOLVED, Message, read
from monitors.alerts.routes import Routes
from monitors.findings import identity
from schemas.alerting import AlertPolicy
from schemas.tombstones import Tombstones

log = logging.getLogger("assay.monitors")
NAME = "groups"  # of the document
KEPT_MS = 24 * 3600 * 1000  # a closed group is known, so that a repeated end is no new one


@dataclass(frozen=True, slots=True)
class Member:
    """An alert of a rule: what it says alone when it fires and when it is over ("": it fires), as
    bodies, and the state that was last told of it ("": nothing)."""

    firing: str
    over: str = ""
    told: str = ""

    @property
    def said(self) -> str:
        return self.over or self.firing

    @property
    def news(self) -> bool:
        return self.told == "" or (self.told == FIRING and self.over != "")


@dataclass(frozen=True, slots=True)
class Group:
    """Members by their alert's key, the first come first; `sent` messages were made of it, the last
    at `last_ms`; the first alert came at `since_ms`."""

    destination: str
    labels: Mapping[str, str]
    since_ms: int
    members: Mapping[str, Member] = field(default_factory=dict)
    sent: int = 0
    last_ms: int = 0
    closed: bool = False

    @property
    def over(self) -> bool:
        return all(m.over for m in self.members.values())

    def told(self, states: Mapping[str, str]) -> Group:
        """The group after those members were told of in those states."""
        after = {
            key: replace(m, told=states[key]) if key in states else m
            for key, m in self.members.items()
        }
        return replace(self, members=after)

    def put(self, key: str, member: Member) -> Group:
        return replace(self, members={**self.members, key: member})


Groups = dict[str, Group]


def load(journal: Journal) -> Groups:
    """The groups by their id; one that cannot be read, of another version, is left out, and said:
    its alerts stand among those of the Alerts page, but no message of them follows."""
    found: Groups = {}
    for name, given in journal.load(NAME).items():
        try:
            members = {key: Member(**m) for key, m in given["members"].items()}
            found[name] = Group(**{**given, "members": members})
        except (TypeError, KeyError, AttributeError):  # fields that this version does not know
            log.warning("group %s is of another version: what it still had to tell is lost", name)
    return found


def _save(journal: Journal, groups: Groups) -> None:
    journal.save(NAME, {name: asdict(group) for name, group in groups.items()})


def labels(message: Message, policy: AlertPolicy) -> dict[str, str]:
    """What alerts of one group share at a destination: the project, and what `group_by` names.
    Projects never share a message, since who may see one need not see the other."""
    sent = _as_sent(message, policy)
    known = {"rule": sent.signal, "severity": sent.severity, "owner": sent.owner}
    return {"project": message.project, **{name: known[name] for name in policy.group_by}}


def take(journal: Journal, message: Message, where: Routes, now_ms: int) -> set[str]:
    """Put what a rule says into the groups of the destinations that want it; their names. The end
    of what no group knows is taken by none. To repeat a call changes nothing. Raises OSError."""
    groups, taken = load(journal), set()
    for name, policy in where.policies.items():
        mine = {i: g for i, g in groups.items() if g.destination == name}
        holder = next((i for i, g in mine.items() if message.key in g.members), None)
        if holder is not None:
            taken.add(name)
            member = groups[holder].members[message.key]
            if message.state == RESOLVED and not member.over:
                last = replace(member, over=message.body)
                groups[holder] = groups[holder].put(message.key, last)
        elif message.state == FIRING and wants(name, policy, message.signal, message.project):
            taken.add(name)
            shared = labels(message, policy)
            for known_id, known in mine.items():
                groups[known_id] = _begun_anew(known, message)
            group_id = next(
                (i for i, g in mine.items() if not g.closed and g.labels == shared),
                identity("group", name, shared, message.key),
            )
            group = groups.get(group_id) or Group(name, shared, now_ms)
            groups[group_id] = group.put(message.key, Member(message.body))
    _save(journal, groups)
    return taken


def _begun_anew(group: Group, message: Message) -> Group:
    """An alert that fires again, its rule's state having been lost, ends the one before."""
    for key, member in group.members.items():
        first = read(member.firing)
        same = (first.signal, first.project) == (message.signal, message.project)
        if same and not member.over:
            group = group.put(key, replace(member, over=ended(first, "the rule began anew").body))
    return group


def ended(message: Message, why: str) -> Message:
    """The end of what a rule said."""
    return replace(
        message, type="assay.rule.resolved", state=RESOLVED, summary=f"It is over: {why}",
        title=f"{message.title} is over",
    )  # fmt: skip


def fires(journal: Journal, key: str) -> bool:
    """True where a group still has this alert as firing."""
    return any(
        key in g.members and not g.members[key].over for g in load(journal).values()
    )  # fmt: skip


def flush(journal: Journal, where: Routes, now_ms: int) -> None:
    """Make the messages that are due; to be called before anything of the journal is sent, whether
    ClickHouse answers or not. One message of a group is under way at a time, so that what happens
    while a receiver is down is one update. Raises OSError."""
    groups = load(journal)
    waiting = {
        e.key for e in journal.events() if any(p.row.status == "pending" for p in e.pending)
    }  # fmt: skip
    for group_id, group in list(groups.items()):
        group = _made_before(journal, group_id, group)
        policy = where.policies.get(group.destination)
        if policy is not None and not group.closed and group_id not in waiting:
            group = _one(journal, group_id, group, policy, where, now_ms)
        lost = policy is None and group.over
        if lost or (group.closed and now_ms - group.last_ms > KEPT_MS):
            del groups[group_id]
        else:
            groups[group_id] = group
    _save(journal, groups)


def _next_id(group_id: str, group: Group) -> str:
    return f"{group_id}-{group.sent}" if group.sent else group_id


def _made_before(journal: Journal, group_id: str, group: Group) -> Group:
    """The group after a message that is in the journal, though the group does not say so: the
    process died in between."""
    for event_id in (_next_id(group_id, group), f"{group_id}-end"):
        event = journal.get(event_id)
        if event is not None and event.pending and not group.closed:
            group = _after(group, read(event.pending[0].row.body), event.created_ms)
    return group


def _after(group: Group, message: Message, now_ms: int) -> Group:
    told = group.told({m["key"]: m["state"] for m in message.members})
    return replace(told, sent=group.sent + 1, last_ms=now_ms, closed=message.state == RESOLVED)


def _one(
    journal: Journal, group_id: str, group: Group, policy: AlertPolicy, where: Routes, now_ms: int
) -> Group:
    """The group after the message that is due, if one is."""
    quiet = {
        key for key, m in group.members.items()
        if held(_as_sent(read(m.firing), policy), group.destination, policy, where.silences, now_ms)
    }  # fmt: skip
    # What began and ended while it was silenced is told to nobody.
    unheard = {k: RESOLVED for k in quiet if group.members[k].over and not group.members[k].told}
    group = group.told(unheard)
    news = [key for key, m in group.members.items() if m.news and key not in quiet]
    if not news:
        told = all(m.told == RESOLVED for m in group.members.values())
        return replace(group, closed=True, last_ms=now_ms) if told else group
    since, wait = group.last_ms, policy.group_interval
    if not group.sent:
        since, wait = group.since_ms, policy.group_wait
    if not group.over and 0 <= now_ms - since < wait * 1000:
        return group
    end = group.over and all(m.told for m in group.members.values())
    said = [_as_sent(read(body), policy) for body in _said(group, news, quiet, end)]
    message = group_message(group_id, said, end, now_ms)
    event_id = f"{group_id}-end" if message.state == RESOLVED else _next_id(group_id, group)
    target = where.targets.get(group.destination, "")
    pending = address(message, event_id, group.destination, policy, target, now_ms)
    journal.put(Event(event_id, message.project, group_id, now_ms, (pending,)))
    return _after(group, message, now_ms)


def _as_sent(message: Message, policy: AlertPolicy) -> Message:
    return replace(
        message, severity=policy.severity or message.severity,
        owner=message.owner or policy.owner, runbook=message.runbook or policy.runbook,
    )  # fmt: skip


def _said(group: Group, news: Collection[str], quiet: Collection[str], end: bool) -> list[str]:
    """The bodies that are told now: what fires and what ended since the last message, at the end
    all that was not said to be over. What was not told yet fires first, over or not: its end is
    the news of the next message."""
    return [
        m.said if m.told else m.firing
        for key, m in group.members.items()
        if (end and m.told != RESOLVED) or (key not in quiet and (key in news or not m.over))
    ]


def strip(journal: Journal, buried: Tombstones) -> None:
    """Take links to deleted traces, and groups of deleted projects, out of the document. Raises
    OSError."""
    groups = load(journal)
    for group_id, group in list(groups.items()):
        project, made = group.labels.get("project", ""), group.since_ms * 10**6
        if buried.covers(project, (), made):
            del groups[group_id]
            continue
        members = {
            key: replace(m, firing=_without(m.firing, project, buried, made),
                         over=_without(m.over, project, buried, made))
            for key, m in group.members.items()
        }  # fmt: skip
        groups[group_id] = replace(group, members=members)
    _save(journal, groups)


def _without(body: str, project: str, buried: Tombstones, made: int) -> str:
    if not body:
        return ""
    message = read(body)
    kept: Iterable[Mapping[str, str]] = (
        e for e in message.examples if not buried.covers(project, [("trace", e["trace_id"])], made)
    )
    return replace(message, examples=tuple(kept)).body
