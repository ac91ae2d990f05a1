"""OpenID Connect: the authorization code flow with PKCE, as routes beside the password's.

Streamlit's own `st.login` is called by a script, and here no script runs for somebody unknown.

The ID token comes from the token endpoint itself over TLS, which stands for checking its signature
(OpenID Connect Core 1.0, section 3.1.3.7, item 6); so the issuer must be https, but on loopback.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from schemas.logins import ROLES
from schemas.settings import Oidc

PATIENCE = 10  # seconds for one answer of the provider
MOST = 1_000_000  # bytes of one answer
SKEW = 60  # seconds that two clocks may differ
TRIP = 600  # seconds that somebody may take at the provider


class OidcError(Exception):
    """Why nobody is let in, in words for whoever set it up."""


class _Stay(HTTPRedirectHandler):
    """A redirect would carry the client's secret to another address."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Provider:
    """Its addresses, from its discovery document."""

    issuer: str
    authorize: str
    token: str


@dataclass(frozen=True, slots=True)
class Trip:
    """What a browser is sent to the provider with, and has to come back with."""

    state: str
    nonce: str
    verifier: str
    target: str
    until: int

    @classmethod
    def begin(cls, target: str) -> Trip:
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state, nonce, verifier, target, int(time.time()) + TRIP)

    def packed(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()

    @classmethod
    def unpacked(cls, text: str) -> Trip:
        """Raises ValueError, TypeError."""
        return cls(**json.loads(base64.urlsafe_b64decode(text)))


def _answer(request: Request) -> dict[str, Any]:
    where = urlsplit(request.full_url)
    if where.scheme != "https" and where.hostname not in {"127.0.0.1", "::1", "localhost"}:
        raise OidcError(f"{request.full_url} is not https")
    try:
        with build_opener(_Stay).open(request, timeout=PATIENCE) as answer:
            found = json.loads(answer.read(MOST))
    except (URLError, OSError, ValueError) as error:
        raise OidcError(f"{where.scheme}://{where.netloc}{where.path}: {error}") from error
    if not isinstance(found, dict):
        raise OidcError(f"{where.netloc}{where.path} answered with no object")
    return found


def discover(oidc: Oidc) -> Provider:
    """Raises OidcError."""
    found = _answer(Request(f"{oidc.issuer}/.well-known/openid-configuration"))
    try:
        made = Provider(
            str(found["issuer"]), str(found["authorization_endpoint"]),
            str(found["token_endpoint"]),
        )  # fmt: skip
    except KeyError as error:
        raise OidcError(f"the discovery document of {oidc.issuer} has no {error}") from error
    if made.issuer.rstrip("/") != oidc.issuer:
        raise OidcError(f"the discovery document of {oidc.issuer} names {made.issuer}")
    return made


def leave(oidc: Oidc, provider: Provider, back: str, trip: Trip) -> str:
    """The address at the provider where somebody logs in."""
    digest = hashlib.sha256(trip.verifier.encode()).digest()
    asked = {
        "response_type": "code", "client_id": oidc.client, "redirect_uri": back,
        "scope": oidc.scope, "state": trip.state, "nonce": trip.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }  # fmt: skip
    joined = "&" if urlsplit(provider.authorize).query else "?"
    return provider.authorize + joined + urlencode(asked)


def claims(oidc: Oidc, provider: Provider, back: str, trip: Trip, code: str) -> dict[str, Any]:
    """What the provider says of whom it let in, for a code. Raises OidcError."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back,
            "code_verifier": trip.verifier}  # fmt: skip
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if oidc.secret:
        pair = f"{quote(oidc.client, safe='')}:{quote(oidc.secret, safe='')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    else:
        form["client_id"] = oidc.client
    sent = Request(provider.token, urlencode(form).encode(), headers)
    token = str(_answer(sent).get("id_token", ""))
    try:
        middle = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        held = dict(found)
    except (IndexError, ValueError, TypeError) as error:
        raise OidcError("the provider gave no ID token that can be read") from error
    return checked(oidc, provider, trip, held, time.time())


def checked(
    oidc: Oidc, provider: Provider, trip: Trip, found: dict[str, Any], now: float
) -> dict[str, Any]:
    """The claims of an ID token, if they are for us, of now and of this trip (section 3.1.3.7).
    Raises OidcError."""
    audience = found.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    until = found.get("exp")
    if found.get("iss") != provider.issuer:
        raise OidcError("the ID token is of another issuer")
    if oidc.client not in several or (len(several) > 1 and found.get("azp") != oidc.client):
        raise OidcError("the ID token is for another client")
    if not isinstance(until, int | float) or until < now - SKEW:
        raise OidcError("the ID token has run out")
    if not secrets.compare_digest(str(found.get("nonce", "")), trip.nonce):
        raise OidcError("the ID token is of another login")
    return found


def name_and_role(oidc: Oidc, found: Mapping[str, Any]) -> tuple[str, str]:
    """(the name that a user of ours would have, the highest role that the claim gives or "").
    Raises OidcError."""
    name = str(found.get(oidc.name_claim) or "").strip().lower()
    if not name or not name.isprintable() or len(name) > 200:
        raise OidcError(f"the ID token has no claim {oidc.name_claim}")
    if oidc.name_claim == "email" and found.get("email_verified") is False:
        raise OidcError("the provider has not verified this address")
    said = found.get(oidc.role_claim, []) if oidc.role_claim else []
    held = said if isinstance(said, list) else [said]
    return name, next((role for role in reversed(ROLES) if role in held), "")
