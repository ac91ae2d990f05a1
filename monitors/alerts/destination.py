"""Destinations: a named alert of assay.yaml with its address and secrets filled in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from monitors.alerts.message import Message
from schemas.alerting import AlertPolicy
from schemas.settings import Settings

NAME = "confirmed-finding"


@dataclass(frozen=True, slots=True)
class Destination:
    """What a sink needs to know. `secrets` are the newest first; `problem` says in words why the
    destination cannot be used, "" where it can."""

    name: str
    sink: str
    url: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    to: tuple[str, ...] = ()
    sender: str = ""
    allow_private: bool = False
    problem: str = ""
    template: str = ""

    @property
    def target(self) -> str:
        """Where it goes, less what may be secret: the path of an address often is."""
        parts = urlsplit(self.url)
        try:
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            return ""
        return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else ""

    @property
    def fingerprint(self) -> str:
        """Changes with the configuration, secrets too."""
        what = [self.sink, self.url, self.secrets, self.to, self.sender, self.allow_private]
        what += [self.template] if self.template else []
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a delivery went: 200 to 299 delivered, 410 gone for good, anything else to be tried
    again, 0 where nothing answered. `retry_after`: seconds that the receiver asked for."""

    code: int
    text: str = ""
    retry_after: float = 0.0

    @property
    def delivered(self) -> bool:
        return 200 <= self.code < 300


Sink = Callable[[Destination, Message], Answer]


def resolve(
    name: str, policy: AlertPolicy, settings: Settings, environ: Mapping[str, str]
) -> Destination:
    """Fill in what the environment holds. A webhook without an address of its own is that of
    ASSAY_WEBHOOK_URL and ASSAY_WEBHOOK_SECRET."""
    missing = [
        variable
        for variable in (policy.url_env, *policy.secret_env)
        if variable and not environ.get(variable)
    ]
    url = environ.get(policy.url_env, "") if policy.url_env else policy.url
    secrets = tuple(environ[v] for v in policy.secret_env if environ.get(v))
    if policy.sink == "webhook" and not policy.url and not policy.url_env:
        url = settings.webhook_url
        if not policy.secret_env and settings.webhook_secret:
            secrets = (settings.webhook_secret,)
    problem = f"the variable {missing[0]} is not set" if missing else ""
    return Destination(
        name, policy.sink, url, secrets, policy.to, policy.sender,
        settings.allow_private_webhooks, problem, policy.template,
    )  # fmt: skip


def in_force(alerts: Mapping[str, AlertPolicy], settings: Settings) -> Mapping[str, AlertPolicy]:
    """The alerts, or without any the webhook of the settings, or else the log."""
    return alerts or {NAME: AlertPolicy("webhook" if settings.webhook_url else "log")}
