"""OpenID Connect against a provider over real HTTP: who is let in, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from schemas import logins
from schemas.logins import Login
from schemas.settings import SettingsError, from_environment
from tests.ui.test_login import _client, _gate
from ui.gate import COOKIE, Gate

HOST = "http://127.0.0.1:8501"


@dataclass
class Provider:
    """One that lets everybody in as `who`; `change` spoils the claims of the ID token."""

    url: str = ""
    who: dict[str, Any] = field(default_factory=dict)
    change: Callable[[dict[str, Any]], None] = lambda claims: None
    challenge: str = ""
    nonce: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The token endpoint: checks the client, the code and PKCE as a provider does."""
        self.calls.append({**form, "authorization": authorization})
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        right = base64.urlsafe_b64encode(digest).decode().rstrip("=") == self.challenge
        known = authorization == "Basic " + base64.b64encode(b"assay:s%3Acret").decode()
        if not right or not known or form.get("code") != "the-code":
            return 400, {"error": "invalid_grant"}
        claims = {"iss": self.url, "aud": "assay", "exp": time.time() + 300, "nonce": self.nonce,
                  "sub": "1", **self.who}  # fmt: skip
        self.change(claims)
        parts = [{"alg": "RS256"}, claims]
        text = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode() for p in parts)
        return 200, {"id_token": f"{text}.c2ln", "access_token": "x", "token_type": "Bearer"}


@contextmanager
def _serving() -> Iterator[Provider]:
    found = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/.well-known/openid-configuration"
            self._say(200, {"issuer": found.url, "authorization_endpoint": f"{found.url}/authorize",
                            "token_endpoint": f"{found.url}/token"})  # fmt: skip

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {k: v[0] for k, v in parse_qs(body).items()}
            self._say(*found.token(form, self.headers.get("authorization", "")))

        def _say(self, code: int, what: dict[str, Any]) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(what).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with _serving() as found:
        yield found


def _asked(home: Path, provider: Provider, users: dict[str, Login], **more: str) -> Gate:
    return _gate(home, users, ASSAY_OIDC_ISSUER=provider.url, ASSAY_OIDC_CLIENT_ID="assay",
                 ASSAY_OIDC_CLIENT_SECRET="s:cret", **more)  # fmt: skip


def _away(client: TestClient, provider: Provider, target: str = "/findings?project=shop") -> str:
    """Leave for the provider; the state that it gives back."""
    sent = client.get("/login/oidc", params={"next": target})
    where = urlsplit(sent.headers["location"])
    asked = {k: v[0] for k, v in parse_qs(where.query).items()}
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{provider.url}/authorize"
    assert asked["redirect_uri"] == f"{HOST}/login/oidc/callback"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    provider.challenge, provider.nonce = asked["code_challenge"], asked["nonce"]
    return asked["state"]


def _back(client: TestClient, state: str) -> Any:
    return client.get("/login/oidc/callback", params={"code": "the-code", "state": state})


def _user(name: str) -> dict[str, Login]:
    return {name: Login(name, "editor", ("shop",), logins.hashed("correct horse"), 1)}


def test_a_user_of_ours_comes_in_through_the_provider(tmp_path: Path, provider: Provider) -> None:
    provider.who = {"email": "Ada@Example.com", "email_verified": True}
    client = _client(_asked(tmp_path, provider, _user("ada@example.com")))
    assert "/login/oidc?next=" in client.get("/login?next=/findings").text
    answer = _back(client, _away(client, provider))
    assert (answer.status_code, answer.headers["location"]) == (303, "/findings?project=shop")
    assert client.get("/findings").text == "page for ada@example.com"
    client.cookies.pop(COOKIE)
    assert client.post(
        "/login", data={"name": "ada@example.com", "password": "correct horse"}
    ).headers["location"] == "/", "local passwords go on working"  # fmt: skip


def test_a_role_comes_by_a_claim_and_only_where_one_is_named(
    tmp_path: Path, provider: Provider
) -> None:
    provider.who = {"email": "bob@example.com", "groups": ["staff", "reviewer", "editor"]}
    gate = _asked(tmp_path, provider, {}, ASSAY_OIDC_ROLE_CLAIM="groups")
    client = _client(gate)
    assert client.get("/").status_code == 303, "with a provider nobody comes in without a login"
    assert _back(client, _away(client, provider)).status_code == 303
    person = gate.person(client.cookies)
    assert person is not None and (person.name, person.role) == ("bob@example.com", "editor")
    plain = _asked(tmp_path, provider, {})
    assert plain.person(client.cookies) is None, "the claim counts no more"
    client = _client(plain)
    refused = _back(client, _away(client, provider))
    assert refused.status_code == 403 and "is no user here" in refused.text
    assert COOKIE not in client.cookies


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ({"iss": "http://evil.example"}, "another issuer"), ({"aud": "other"}, "another client"),
        ({"aud": ["assay", "other"]}, "another client"), ({"exp": 1}, "run out"),
        ({"nonce": "old"}, "another login"), ({"email": ""}, "no claim email"),
        ({"email_verified": False}, "not verified"),
    ],
)  # fmt: skip
def test_a_token_that_is_not_for_this_login_opens_nothing(
    tmp_path: Path, provider: Provider, spoil: dict[str, Any], words: str
) -> None:
    provider.who = {"email": "ada@example.com"}
    provider.change = lambda claims: claims.update(spoil)
    client = _client(_asked(tmp_path, provider, {"ada@example.com": Login("ada@example.com",
                                                 "admin", (), "x", 1)}))  # fmt: skip
    answer = _back(client, _away(client, provider))
    assert answer.status_code == 403 and words in answer.text and COOKIE not in client.cookies


def test_a_login_that_another_browser_began_is_refused(tmp_path: Path, provider: Provider) -> None:
    provider.who = {"email": "ada@example.com"}
    gate = _asked(tmp_path, provider, _user("ada@example.com"))
    victim, attacker = _client(gate), _client(gate)
    state = _away(attacker, provider)
    assert _back(victim, state).status_code == 403, "no trip of its own"
    _away(victim, provider)
    assert _back(victim, state).status_code == 403, "another's state"
    assert provider.calls == []


def test_a_provider_must_be_https_and_a_client_named(tmp_path: Path) -> None:
    gate = _gate(tmp_path, {}, ASSAY_OIDC_ISSUER="http://id.example", ASSAY_OIDC_CLIENT_ID="a")
    answer = _client(gate).get("/login/oidc")
    assert answer.status_code == 403 and "not https" in answer.text
    with pytest.raises(SettingsError, match="CLIENT_ID"):
        from_environment({"ASSAY_OIDC_ISSUER": "https://id.example"})
