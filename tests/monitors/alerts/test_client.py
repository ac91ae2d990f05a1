"""The guarded client: checked addresses only, one deadline, no redirect, no exception."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitors.alerts import client
from monitors.alerts.client import RefusedError, check, post, retry_after
from tests.monitors.alerts.receivers import certificate, destination, http_target

PRIVATE = ["127.0.0.1", "10.0.0.8", "192.168.1.1", "172.16.0.1", "0.0.0.0", "100.64.0.1",
           "::1", "::", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::",
           "203.0.113.7"]  # fmt: skip
NEVER = ["169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254",
         "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "100.100.100.200", "168.63.129.16",
         "224.0.0.1"]  # fmt: skip
PUBLIC = ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused_unless_it_is_allowed(address: str) -> None:
    with pytest.raises(RefusedError, match="ASSAY_ALLOW_PRIVATE_WEBHOOKS"):
        check(address, False)
    check(address, True)


@pytest.mark.parametrize("address", NEVER)
def test_an_address_that_serves_credentials_is_never_used(address: str) -> None:
    for allowed in (False, True):
        with pytest.raises(RefusedError):
            check(address, allowed)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_used(address: str) -> None:
    check(address, False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "127.1"])
def test_no_spelling_of_loopback_gets_through(host: str) -> None:
    with http_target() as target:
        url = f"http://{host}:{target.port}/"
        answer = post(destination("webhook", url, allow_private=False), url, b"{}")
        assert answer.code == 0 and answer.text
        assert target.requests == []


def test_the_address_that_was_checked_is_the_one_that_is_connected_to() -> None:
    """A name whose second answer is another address (DNS rebinding) is asked once."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.255.255.1"]

    with http_target() as target:
        url = f"http://hooks.example:{target.port}/a"
        answer = post(destination("webhook", url), url, b"{}", resolve=resolve)
        assert answer.code == 204
        assert asked == ["hooks.example"]
        assert target.requests[0].headers["host"] == f"hooks.example:{target.port}"


def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    url = "http://hooks.example/"
    found = post(
        destination("webhook", url, allow_private=False), url, b"{}",
        resolve=lambda host, port: ["93.184.216.34", "127.0.0.1"],
    )  # fmt: skip
    assert found.code == 0 and "127.0.0.1 is a private address" in found.text


def test_tls_is_checked_for_the_name_and_not_for_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path, "hooks.example")
    with http_target(pem) as target:
        url = f"https://hooks.example:{target.port}/a"
        to = destination("webhook", url)
        untrusted = post(to, url, b"{}", resolve=lambda host, port: ["127.0.0.1"])
        assert untrusted.code == 0 and "certificate verify failed" in untrusted.text
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        assert post(to, url, b"{}", resolve=lambda host, port: ["127.0.0.1"]).code == 204
        assert target.names[-1] == "hooks.example"
        other = f"https://other.example:{target.port}/a"
        wrong = post(to, other, b"{}", resolve=lambda host, port: ["127.0.0.1"])
        assert wrong.code == 0 and "mismatch" in wrong.text.lower()


def test_a_redirect_is_a_failure_and_is_not_followed() -> None:
    with http_target() as target:
        target.answers = [(302, {"location": target.url}, "")]
        answer = post(destination("webhook", target.url), target.url, b"{}")
        assert answer.code == 302 and "not followed" in answer.text
        assert len(target.requests) == 1


def test_the_environment_sends_nothing_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_target() as target, http_target() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        assert post(destination("webhook", target.url), target.url, b"{}").code == 204
        assert proxy.requests == []


def test_a_receiver_that_trickles_is_given_up() -> None:
    with http_target() as target:
        target.trickle = 0.05
        answer = post(destination("webhook", target.url), target.url, b"{}", timeout=0.4)
        assert answer.code == 0 and "Timeout" in answer.text


def test_what_a_receiver_says_is_kept_short_and_retry_after_is_read() -> None:
    with http_target() as target:
        target.answers = [(429, {"Retry-After": "120"}, "x" * 5000)]
        answer = post(destination("webhook", target.url), target.url, b"{}")
        assert (answer.code, len(answer.text), answer.retry_after) == (429, client.KEPT, 120.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 0), ("30", 30), ("-5", 0), ("soon", 0), ("Thu, 01 Jan 1970 00:02:00 GMT", 60),
     ("Thu, 01 Jan 1970 00:00:01 GMT", 0), ("²", 0)],
)  # fmt: skip
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float) -> None:
    assert retry_after(text, 60.0) == seconds


def test_a_name_and_password_in_the_address_become_a_header() -> None:
    with http_target() as target:
        url = target.url.replace("http://", "http://ann:p%40ss@")
        assert post(destination("webhook", url), url, b"{}").code == 204
        assert target.requests[0].headers["authorization"] == "Basic YW5uOnBAc3M="


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "ftp://x/", "http://", "http://[::1", "http://é.invalid/", "http://a b/"],
)
def test_a_bad_address_is_an_answer_and_no_exception(url: str) -> None:
    answer = post(destination("webhook", url), url, b"{}")
    assert answer.code == 0 and answer.text
