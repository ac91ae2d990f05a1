"""Mail over SMTP, encrypted unless the address says otherwise."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

import pytest

from monitors.alerts.message import RESOLVED
from monitors.alerts.sinks.email import deliver, letter
from tests.monitors.alerts.receivers import certificate, destination, message, smtp_target


@pytest.fixture
def pem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    return made


def test_a_mail_says_what_the_alert_says_and_goes_encrypted(pem: Path) -> None:
    with smtp_target(pem) as box:
        url = f"smtp://ann@localhost:{box.port}"
        assert deliver(destination("email", url, secrets=("pw",)), message()).code == 250
    assert box.encrypted == [True]
    assert box.logins == ["\0ann\0pw"]
    mail = email.message_from_string(box.mails[0], policy=email.policy.default)
    assert mail["Subject"] == "[CRITICAL] groundedness fell for prompt_version=v7"
    assert mail["Message-ID"] == "<f1-on-call@assay>"
    text = mail.get_content()
    for part in ("prompt_version=v7", "94%", "-0.26 to -0.16", "Runbook: https://wiki/runbook",
                 "Open in Assay: http://ui/findings?project=shop"):  # fmt: skip
        assert part in text


def test_no_mail_goes_where_encryption_is_wanted_and_not_offered() -> None:
    with smtp_target() as box:
        answer = deliver(destination("email", f"smtp://localhost:{box.port}"), message())
        assert answer.code == 0 and "STARTTLS" in answer.text
        assert box.mails == []


def test_a_certificate_of_another_name_is_not_trusted(pem: Path) -> None:
    with smtp_target(pem) as box:
        answer = deliver(destination("email", f"smtp://127.0.0.1:{box.port}"), message())
        assert answer.code == 0 and "certificate" in answer.text
        assert box.mails == []


def test_a_relay_without_encryption_must_be_asked_for_and_gets_no_password() -> None:
    with smtp_target() as box:
        url = f"smtp+plain://ann@localhost:{box.port}"
        assert deliver(destination("email", url, secrets=("pw",)), message()).delivered
        assert (box.encrypted, box.logins) == ([False], [])


def test_what_the_server_refuses_is_tried_again() -> None:
    with smtp_target() as box:
        box.refuse = 451
        answer = deliver(
            destination("email", f"smtp+plain://localhost:{box.port}"), message()
        )  # fmt: skip
        assert (answer.code, answer.text) == (451, "not now")


def test_a_resolved_mail_answers_the_first_and_a_title_cannot_add_a_header() -> None:
    to = destination("email", "smtp://localhost")
    mail = letter(to, message(RESOLVED, title="over\r\nBcc: all@example.org"))
    assert mail["References"] == "<f1-on-call@assay>"
    assert mail["Bcc"] is None
