"""Destinations get their addresses and secrets from the environment, by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitors.alerts.destination import NAME, in_force, resolve
from monitors.alerts.journal import Journal
from monitors.alerts.routes import recall, remember, routes
from schemas.alerting import AlertPolicy, SilencePolicy
from schemas.control import parse
from schemas.settings import from_environment

SETTINGS = from_environment({"ASSAY_WEBHOOK_URL": "https://hook/x", "ASSAY_WEBHOOK_SECRET": "w"})
BARE = from_environment({})


def test_two_webhooks_of_one_installation_have_their_own_secrets() -> None:
    first = AlertPolicy(url="https://a/1", secret_env=("A_NEW", "A_OLD"))
    second = AlertPolicy(url_env="B_URL", secret_env=("B",))
    environ = {"A_NEW": "n", "A_OLD": "o", "B_URL": "https://b/token", "B": "b"}
    a, b = (resolve(n, p, SETTINGS, environ) for n, p in (("a", first), ("b", second)))
    assert (a.url, a.secrets) == ("https://a/1", ("n", "o"))
    assert (b.url, b.secrets) == ("https://b/token", ("b",))
    assert a.fingerprint != b.fingerprint
    assert (a.problem, b.problem) == ("", "")


def test_a_webhook_without_an_address_is_that_of_the_settings() -> None:
    found = resolve("a", AlertPolicy(), SETTINGS, {})
    assert (found.url, found.secrets) == ("https://hook/x", ("w",))
    own = resolve("a", AlertPolicy(url="https://own/"), SETTINGS, {})
    assert (own.url, own.secrets) == ("https://own/", ())


def test_without_any_alert_there_is_the_webhook_of_the_settings_or_the_log() -> None:
    assert in_force({}, SETTINGS) == {NAME: AlertPolicy("webhook")}
    assert in_force({}, BARE) == {NAME: AlertPolicy("log")}
    mine = {"a": AlertPolicy("slack")}
    assert in_force(mine, SETTINGS) == mine


def test_a_variable_that_is_not_set_is_named() -> None:
    found = resolve("a", AlertPolicy("slack", url_env="SLACK_URL"), BARE, {})
    assert found.problem == "the variable SLACK_URL is not set"


def test_what_is_shown_of_an_address_is_its_host() -> None:
    url = "https://ann:pw@hooks.slack.com:444/services/T0/B0/secret?k=v"
    found = resolve("a", AlertPolicy("slack", url_env="U"), BARE, {"U": url})
    assert found.target == "https://hooks.slack.com:444"
    assert "secret" not in repr(found)


def test_a_change_of_a_secret_or_of_what_is_allowed_is_a_change_of_configuration() -> None:
    policy = AlertPolicy(url="https://a", secret_env=("S",))
    prints = {
        resolve("a", policy, settings, {"S": secret}).fingerprint
        for secret in ("1", "2")
        for settings in (BARE, from_environment({"ASSAY_ALLOW_PRIVATE_WEBHOOKS": "1"}))
    }
    assert len(prints) == 4


def test_what_was_in_force_is_known_after_a_restart_without_clickhouse(tmp_path: Path) -> None:
    text = """
    alerts:
      a: {sink: email, to: ann@example.org, url: "smtp://mail:587", secret_env: PW,
          quiet: 22:00-07:00}
    silences:
      a: {until: 2026-12-01T08:00, reason: release}
    """
    documents = parse(text)
    alert, quiet = documents["alert", "a"], documents["silence", "a"]
    assert isinstance(alert, AlertPolicy) and isinstance(quiet, SilencePolicy)
    journal = Journal(tmp_path)
    remember(journal, {"a": alert}, {"a": quiet})
    assert recall(journal) == ({"a": alert}, {"a": quiet})
    found = routes(*recall(journal), BARE, {"PW": "hunter2"})
    assert found.destinations["a"].to == ("ann@example.org",)
    assert found.silences["a"].reason == "release"
    assert "hunter2" not in "".join(p.read_text() for p in tmp_path.iterdir())


@pytest.mark.parametrize("page", ["alerts.md", "settings.md"])
def test_every_configuration_in_the_docs_is_one(page: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / page).read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        assert parse(block, page)
