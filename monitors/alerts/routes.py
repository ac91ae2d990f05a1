"""Where alerts go now: the control state with addresses and secrets, kept on disk without them,
so that monitors that start while ClickHouse is away still know their destinations."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from monitors.alerts.destination import Destination, in_force, resolve
from monitors.alerts.journal import Journal
from schemas.alerting import AlertPolicy, SilencePolicy, checked, silence
from schemas.rules import SPOOL, RulePolicy
from schemas.rules import checked as checked_rule
from schemas.settings import Settings

log = logging.getLogger("assay.monitors")


@dataclass(frozen=True, slots=True)
class Routes:
    """By name of the alert in assay.yaml; silences by their own names."""

    policies: Mapping[str, AlertPolicy] = field(default_factory=dict)
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    silences: Mapping[str, SilencePolicy] = field(default_factory=dict)

    @property
    def targets(self) -> dict[str, str]:
        return {name: found.target for name, found in self.destinations.items()}


def routes(
    alerts: Mapping[str, AlertPolicy], silences: Mapping[str, SilencePolicy], settings: Settings,
    environ: Mapping[str, str],
) -> Routes:  # fmt: skip
    """`alerts` may be empty: then there is the one that the settings ask for."""
    policies = in_force(alerts, settings)
    found = {name: resolve(name, p, settings, environ) for name, p in policies.items()}
    return Routes(policies, found, silences)


def remember(
    journal: Journal, alerts: Mapping[str, AlertPolicy], silences: Mapping[str, SilencePolicy],
    rules: Mapping[str, RulePolicy] | None = None,
) -> None:  # fmt: skip
    """Keep the control state on disk. Raises OSError."""
    journal.save(
        "control",
        {"alerts": {n: _plain(asdict(p)) for n, p in alerts.items()},
         "silences": {n: asdict(s) for n, s in silences.items()},
         "rules": {n: _plain(asdict(r)) for n, r in spool_rules(rules or {}).items()}},
    )  # fmt: skip


def spool_rules(rules: Mapping[str, RulePolicy]) -> dict[str, RulePolicy]:
    """Those that need no ClickHouse, and so matter while it is away."""
    return {name: rule for name, rule in rules.items() if rule.metric in SPOOL}


def _plain(policy: dict[str, object]) -> dict[str, object]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in policy.items()}


def recall(
    journal: Journal,
) -> tuple[dict[str, AlertPolicy], dict[str, SilencePolicy]]:
    """What was remembered, nothing where nothing was."""
    found = journal.load("control")
    try:
        alerts = {n: AlertPolicy(**checked(p, n)) for n, p in found.get("alerts", {}).items()}
        silences = {n: silence(s, n) for n, s in found.get("silences", {}).items()}
    except (ValueError, TypeError, AttributeError):
        log.exception("the remembered control state cannot be read")
        return {}, {}
    return alerts, silences


def recall_rules(journal: Journal) -> dict[str, RulePolicy]:
    """The rules that were remembered, nothing where none were."""
    found = journal.load("control").get("rules", {})
    try:
        return {name: checked_rule(rule, name) for name, rule in found.items()}
    except (ValueError, TypeError, AttributeError):
        log.exception("the remembered rules cannot be read")
        return {}
