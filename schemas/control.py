"""Control state: what users decide while processes run. `assay.yaml` is one owner of it.

A document is a typed policy, stored as versions in the table `control`: the latest wins, the
others are the audit log. What the file owns only the file changes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from schemas import alerting, canaries, evaluation, judging, rules
from schemas.alerting import AlertPolicy, SilencePolicy
from schemas.canaries import CanaryPolicy
from schemas.clickhouse import Store
from schemas.evaluation import EvaluationPolicy
from schemas.judging import JudgePolicy, RubricPolicy
from schemas.models import ControlRow
from schemas.queries import control
from schemas.quotas import QuotaPolicy
from schemas.quotas import checked as checked_quota
from schemas.redaction import RedactionPolicy, checked
from schemas.retention import RetentionPolicy, Retentions
from schemas.retention import checked as checked_days
from schemas.rules import RulePolicy


class ControlError(ValueError):
    """A document cannot be used; the message names the place and says what is expected."""


@dataclass(frozen=True, slots=True)
class EvaluatorPolicy:
    """Whether an evaluator runs, on which share of traces (0 to 1; None: its own), for one that
    asks a judge by which ('': the local one), and settings of its own."""

    enabled: bool = True
    sample: float | None = None
    judge: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MonitorPolicy:
    """`alpha`: level of one look over all signals; `margin`: smallest effect worth a finding;
    `page_uncalibrated`: what the scan of 48 hours finds is sent too.

    Of streams: `false_alarms` expected in 30 days over all of a project's, and the change that
    counts: `points` of a score or rate, `factor` of latency, cost or length. `topics`: how many
    monitors find of themselves, 0 for none.
    """

    alpha: float = 0.01
    margin: float = 0.05
    false_alarms: float = 0.5
    points: float = 0.02
    factor: float = 0.05
    page_uncalibrated: bool = False
    topics: int = 12


Policy = (
    EvaluatorPolicy | JudgePolicy | RubricPolicy | MonitorPolicy | AlertPolicy | SilencePolicy
    | RulePolicy | RedactionPolicy | RetentionPolicy | QuotaPolicy | EvaluationPolicy
    | CanaryPolicy
)  # fmt: skip
Key = tuple[str, str]  # (kind, name)
P = TypeVar("P")
SECTIONS: dict[str, tuple[str, type[Policy]]] = {
    "evaluators": ("evaluator", EvaluatorPolicy),
    "evaluation": ("evaluation", EvaluationPolicy),
    "canaries": ("canary", CanaryPolicy),
    "judges": ("judge", JudgePolicy),
    "rubrics": ("rubric", RubricPolicy),
    "monitors": ("monitor", MonitorPolicy),
    "alerts": ("alert", AlertPolicy),
    "silences": ("silence", SilencePolicy),
    "rules": ("rule", RulePolicy),
    "redaction": ("redaction", RedactionPolicy),
    "retention": ("retention", RetentionPolicy),
    "quotas": ("quota", QuotaPolicy),
}
_KINDS = dict(SECTIONS.values())
TOPICS = 60  # at most: their centres are part of a query
_QUOTAS = frozenset({"items_per_minute", "mib_per_minute"})


@dataclass(frozen=True, slots=True)
class Control:
    """The state in force."""

    evaluators: Mapping[str, EvaluatorPolicy] = field(default_factory=dict)
    monitor: MonitorPolicy = field(default_factory=MonitorPolicy)
    alerts: Mapping[str, AlertPolicy] = field(default_factory=dict)
    silences: Mapping[str, SilencePolicy] = field(default_factory=dict)
    rules: Mapping[str, RulePolicy] = field(default_factory=dict)
    judges: Mapping[str, JudgePolicy] = field(default_factory=dict)
    rubrics: Mapping[str, RubricPolicy] = field(default_factory=dict)
    evaluation: Mapping[str, EvaluationPolicy] = field(default_factory=dict)
    canaries: Mapping[str, CanaryPolicy] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One document that differs from what is in force; `after` is None where it goes."""

    key: Key
    before: Policy | None
    after: Policy | None


def _number(value: Any, place: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ControlError(f"{place}: {value!r} must be a number from {low:g} to {high:g}")
    return float(value)


def policy(kind: str, given: Any, place: str, folder: Path | None = None) -> Policy:
    """A checked policy of `kind` from plain data; files that it names lie in `folder`. Raises
    ControlError that names `place`."""
    model = _KINDS[kind]
    if not isinstance(given, dict):
        raise ControlError(f"{place}: {given!r} must be a mapping")
    try:
        if kind == "evaluation":
            return evaluation.checked(given, place)
        if kind == "canary":
            return canaries.checked(given, place)
        if kind == "judge":
            return judging.judge(given, place)
        if kind == "rubric":
            return judging.rubric(given, place, folder)
    except ValueError as error:
        raise ControlError(str(error)) from error
    known = [f.name for f in fields(model)]
    for name in given:
        if name not in known:
            raise ControlError(f"{place}.{name} is not known; there are: {', '.join(known)}")
    if model in {AlertPolicy, SilencePolicy, RulePolicy}:
        try:
            if model is SilencePolicy:
                return alerting.silence(given, place)
            if model is RulePolicy:
                return rules.checked(given, place)
            return AlertPolicy(**alerting.checked(given, place))
        except ValueError as error:
            raise ControlError(str(error)) from error
    made = dict(given)
    for name, value in given.items():
        at = f"{place}.{name}"
        if name in {"sample", "margin", "points", "factor"} and value is not None:
            made[name] = _number(value, at, 0, 1)
        elif name == "false_alarms":
            made[name] = _number(value, at, 0.001, 100)
        elif name == "alpha":
            made[name] = _number(value, at, 0.0001, 0.2)
        elif name == "topics":
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= TOPICS:
                raise ControlError(f"{at}: {value!r} must be a whole number from 0 to {TOPICS}")
        elif name in {"enabled", "page_uncalibrated"} and not isinstance(value, bool):
            raise ControlError(f"{at}: {value!r} must be true or false")
        elif name == "judge" and not isinstance(value, str):
            raise ControlError(f"{at}: {value!r} must be the name of a judge")
        elif name == "options" and not isinstance(value, dict):
            raise ControlError(f"{at}: {value!r} must map names to settings")
        elif name in {"rules", "mode", "patterns", "presidio", "days", *_QUOTAS}:
            try:
                if name in _QUOTAS:
                    made[name] = checked_quota(value, at)
                else:
                    made[name] = (
                        checked_days(value, at) if name == "days" else checked(name, value, at)
                    )
            except ValueError as error:
                raise ControlError(str(error)) from error
    return model(**made)


def parse(text: str, source: str = "assay.yaml", folder: Path | None = None) -> dict[Key, Policy]:
    """The documents of a configuration file; files that it names lie in `folder`. Raises
    ControlError."""
    try:
        given = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ControlError(f"{source} is not YAML: {error}") from error
    if not isinstance(given, dict):
        raise ControlError(f"{source} must be a mapping with {', '.join(SECTIONS)}")
    found: dict[Key, Policy] = {}
    for section, body in given.items():
        if section not in SECTIONS:
            raise ControlError(
                f"{source}: {section} is not known; there are: {', '.join(SECTIONS)}"
            )
        kind, _ = SECTIONS[section]
        place = f"{source}: {section}"
        if section == "monitors":
            found[kind, "default"] = policy(kind, body or {}, place)
            continue
        if not isinstance(body, dict):
            raise ControlError(f"{place} must map names to settings")
        for name, one in body.items():
            found[kind, str(name)] = policy(kind, one or {}, f"{place}.{name}", folder)
    _asked(found, source)
    return found


def _asked(found: Mapping[Key, Policy], source: str) -> None:
    """Raises ControlError where a judge is named that there is none of."""
    judges = sorted({judging.LOCAL} | {name for kind, name in found if kind == "judge"})
    for (kind, name), each in found.items():
        asked = each.members if isinstance(each, JudgePolicy) else ()
        if isinstance(each, RubricPolicy | EvaluatorPolicy) and each.judge:
            asked = (each.judge,)
        for wanted in asked:
            if wanted not in judges:
                there = ", ".join(judges)
                raise ControlError(
                    f"{source}: {kind}s.{name}: there is no judge {wanted!r}; there are: {there}"
                )


def _typed(row: dict[str, Any]) -> Policy:
    kind, name = row["kind"], row["name"]
    return policy(kind, json.loads(row["document"]), f"control {kind} {name}")


def read(store: Store) -> Control:
    """The state in force: defaults where nothing was decided."""
    return state(
        {
            (r["kind"], r["name"]): _typed(r)
            for r in control.latest(store)
            if not r["deleted"] and r["kind"] in _KINDS
        }
    )


def state(found: Mapping[Key, Policy]) -> Control:
    """The state that documents make: defaults where nothing was decided."""
    monitor = found.get(("monitor", "default"))
    return Control(
        {n: p for (_, n), p in found.items() if isinstance(p, EvaluatorPolicy)},
        monitor if isinstance(monitor, MonitorPolicy) else MonitorPolicy(),
        {n: p for (_, n), p in found.items() if isinstance(p, AlertPolicy)},
        {n: p for (_, n), p in found.items() if isinstance(p, SilencePolicy)},
        {n: p for (_, n), p in found.items() if isinstance(p, RulePolicy)},
        {n: p for (_, n), p in found.items() if isinstance(p, JudgePolicy)},
        {n: p for (_, n), p in found.items() if isinstance(p, RubricPolicy)},
        {n: p for (_, n), p in found.items() if isinstance(p, EvaluationPolicy)},
        {n: p for (_, n), p in found.items() if isinstance(p, CanaryPolicy)},
    )


def of_kind(store: Store, kind: str, model: type[P]) -> dict[str, P]:
    """The policies of a kind in force, by name. Raises ControlError."""
    return {
        row["name"]: found
        for row in documents(store, kind)
        if not row["deleted"] and isinstance(found := _typed(row), model)
    }


def redactions(store: Store) -> dict[str, RedactionPolicy]:
    """Redaction policies by project, `default` for the others. Raises ControlError."""
    return of_kind(store, "redaction", RedactionPolicy)


def quotas(store: Store) -> dict[str, QuotaPolicy]:
    """Quotas by project, `default` for each of the others. Raises ControlError."""
    return of_kind(store, "quota", QuotaPolicy)


def retentions(store: Store) -> Retentions:
    """Days by project. Raises ControlError."""
    found = of_kind(store, "retention", RetentionPolicy)
    return Retentions({name: policy.days for name, policy in found.items()})


def documents(store: Store, kind: str) -> list[dict[str, Any]]:
    """The last version of every document of a kind, removed ones too: columns of ControlRow."""
    return [row for row in control.latest(store) if row["kind"] == kind]


def apply(
    store: Store, wanted: Mapping[Key, Policy], author: str, dry_run: bool = False
) -> list[Change]:
    """Make the file's documents those that are wanted; the changes, made or (dry run) to make.

    Raises ControlError where a document belongs to another owner, or somebody changed it at the
    same time: then nothing of that document was written, and applying again is safe.
    """
    # Other kinds, keys among them, are not the file's: it neither reads nor removes them.
    rows = {(r["kind"], r["name"]): r for r in control.latest(store) if r["kind"] in _KINDS}
    changes: list[Change] = []
    for key in sorted(wanted.keys() | rows.keys()):
        row, after = rows.get(key), wanted.get(key)
        alive = row is not None and not row["deleted"]
        before = _typed(row) if row is not None and alive else None
        mine = row is None or not alive or row["owner"] == "file"
        if after is None and not (mine and alive):
            continue
        if not mine:
            raise ControlError(f"{key[0]} {key[1]} belongs to another owner, not to the file")
        if before != after:
            changes.append(Change(key, before, after))
            if not dry_run:
                document = asdict(after) if after else None
                version = int(row["version"]) + 1 if row else 1
                write(store, key, document, version, "file", author)
    return changes


def put(store: Store, key: Key, after: Policy | None, owner: str, author: str) -> None:
    """Write one document, None to remove it, for an owner who is not the file.

    Raises ControlError where it belongs to another owner, or somebody changed it meanwhile.
    """
    rows = {(r["kind"], r["name"]): r for r in control.latest(store)}
    row = rows.get(key)
    if row is not None and not row["deleted"] and row["owner"] != owner:
        raise ControlError(f"{key[0]} {key[1]} belongs to {row['owner']}, not to {owner}")
    document = asdict(after) if after else None
    write(store, key, document, int(row["version"]) + 1 if row else 1, owner, author)


def change(
    store: Store, key: Key, after: Policy | None, version: int, owner: str, author: str
) -> None:
    """Write one document over the `version` that was seen (0: none). Raises ControlError where it
    is another's, or has another version by now."""
    rows = {(r["kind"], r["name"]): r for r in control.latest(store)}
    row = rows.get(key)
    if row is not None and int(row["version"]) != version:
        raise ControlError(
            f"{key[0]} {key[1]} was changed by {row['author']} meanwhile: look again"
        )
    put(store, key, after, owner, author)


def write(
    store: Store, key: Key, after: Mapping[str, Any] | None, version: int, owner: str, author: str
) -> None:
    """Store a version of a document; None removes it. Raises ControlError where somebody else
    wrote the same version first."""
    document = json.dumps(dict(after or {}), sort_keys=True)
    now = time.time_ns() // 10**6
    row = ControlRow(*key, version, owner, author, document, int(after is None), now)
    control.append(store, row)
    (stored,) = [r for r in control.latest(store) if (r["kind"], r["name"]) == key]
    if (stored["version"], stored["document"]) != (version, document):
        raise ControlError(f"{key[0]} {key[1]} was changed by {stored['author']} meanwhile")
