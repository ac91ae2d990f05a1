"""Login and logout as plain routes, and the guard before everything else the server answers.

A page of Streamlit cannot set a cookie that scripts may not read; a route can. Without a login no
script of the explorer is even started: pages are sent to /login, websockets are refused.
"""

from __future__ import annotations

import logging
import time
from collections.abc import MutableMapping
from hmac import compare_digest
from html import escape
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from schemas.settings import Oidc
from ui import oidc
from ui.gate import COOKIE, LIFE, Gate
from ui.oidc import OidcError, Trip, discover

log = logging.getLogger("assay.ui")

OPEN_PATHS = frozenset({"/login", "/logout", "/login/oidc", "/login/oidc/callback",
                        "/_stcore/health", "/favicon.ico"})  # fmt: skip
TRIP = "assay_oidc"  # the cookie of a login that is under way at the provider
LONGEST = 8192  # bytes of a form
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}  # fmt: skip
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Assay</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{head}<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; display: grid; place-items: center;
       min-height: 90vh; margin: 0 }}
main {{ width: 20rem }} h1 {{ font-size: 1.6rem; margin: 0 0 1rem }}
label {{ display: block; margin: .8rem 0 .2rem }}
input {{ width: 100%; box-sizing: border-box; font: inherit; padding: .5rem }}
button {{ font: inherit; margin-top: 1.2rem; padding: .5rem 1.2rem; width: 100%;
         background: #3b5bdb; color: #fff; border: 0; border-radius: .4rem }}
[role=alert] {{ border-left: .3rem solid #c92a2a; padding: .4rem .8rem }}
</style></head><body><main><h1>Assay</h1>{body}</main></body></html>"""
_FORM = """{said}<form method="post" action="/login">
<input type="hidden" name="next" value="{next}">
<label for="name">User</label><input id="name" name="name" autocomplete="username"
 autocapitalize="none" required autofocus value="{name}">
<label for="password">Password</label><input id="password" name="password" type="password"
 autocomplete="current-password" required><button>Log in</button></form>"""


def _page(body: str, status: int = 200, head: str = "") -> HTMLResponse:
    return HTMLResponse(_PAGE.format(body=body, head=head), status, HEADERS)


def _form(said: str, target: str, name: str, status: int, provider: bool = False) -> HTMLResponse:
    alert = f'<p role="alert">{escape(said)}</p>' if said else ""
    link = f'<p><a href="/login/oidc?next={quote(target)}">Log in with single sign-on</a></p>'
    form = _FORM.format(said=alert, next=escape(target), name=escape(name))
    return _page(form + (link if provider else ""), status)


def within(target: str) -> str:
    """A target that stays on this server, "/" for any other."""
    plain = target.startswith("/") and not target.startswith(("//", "/\\"))
    mine = urlsplit(target).path.startswith("/login") if plain else False
    return target if plain and target.isprintable() and not mine else "/"


def foreign(request: HTTPConnection, ours: str) -> bool:
    """True for a form that another site sent: its own Origin is neither where it went nor us."""
    origin = request.headers.get("origin", "")
    if not origin:
        return request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}
    host = urlsplit(origin).netloc
    return host not in {request.headers.get("host", ""), urlsplit(ours).netloc}


def routes(gate: Gate) -> list[Route]:
    """/login (form and answer), /logout, and where a provider is configured the way to it and
    back."""
    secure = gate.settings.ui_url.startswith("https:")
    back = f"{gate.settings.explorer}/login/oidc/callback"

    async def ask(request: Request) -> Response:
        target = within(request.query_params.get("next", "/"))
        if await run_in_threadpool(gate.person, request.cookies):
            return RedirectResponse(target, 303)
        return _form("", target, "", 200, gate.settings.oidc is not None)

    async def answer(request: Request) -> Response:
        if foreign(request, gate.settings.ui_url):
            return PlainTextResponse("This form came from another site.", 403)
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > LONGEST:
                return PlainTextResponse("too long", 413)
        given = {k: v[0] for k, v in parse_qs(body.decode("utf-8", "replace")).items()}
        name, target = given.get("name", "").strip().lower(), within(given.get("next", "/"))
        address = request.client.host if request.client else ""
        cookie, wait = await run_in_threadpool(gate.enter, name, given.get("password", ""), address)
        if not cookie:
            more = f" Try again in {wait:.0f} seconds." if wait else ""
            said, single = f"Name or password is wrong.{more}", gate.settings.oidc is not None
            return _form(said, target, name, 429 if wait else 401, single)
        sent = RedirectResponse(target, 303, HEADERS)
        put(request, sent, COOKIE, cookie, LIFE)
        return sent

    def put(request: Request, sent: Response, name: str, value: str, life: int) -> None:
        sent.set_cookie(
            name, value, max_age=life, path="/", httponly=True, samesite="lax",
            secure=secure or request.url.scheme == "https",
        )  # fmt: skip

    async def depart(request: Request) -> Response:
        trip = Trip.begin(within(request.query_params.get("next", "/")))
        try:
            found = await run_in_threadpool(discover, settings_of(gate))
        except OidcError as error:
            return _refused(error)
        sent = RedirectResponse(oidc.leave(settings_of(gate), found, back, trip), 303, HEADERS)
        put(request, sent, TRIP, gate.signed(trip.packed()), oidc.TRIP)
        return sent

    async def come_back(request: Request) -> Response:
        try:
            trip = Trip.unpacked(gate.unsigned(request.cookies.get(TRIP, "")))
            asked = request.query_params
            if trip.until < time.time() or not compare_digest(asked.get("state", ""), trip.state):
                raise ValueError
        except (ValueError, TypeError):
            return _refused(OidcError("this login was begun elsewhere, or too long ago"))
        try:
            if "code" not in asked:
                raise OidcError(f"the provider said: {asked.get('error', 'no code')[:200]}")
            who, role = await run_in_threadpool(_who, gate, back, trip, asked["code"])
        except OidcError as error:
            return _refused(error)
        cookie = await run_in_threadpool(gate.arrive, who, role)
        if not cookie:
            return _refused(OidcError(f"{who} is no user here: an admin adds one"))
        sent = RedirectResponse(trip.target, 303, HEADERS)
        sent.delete_cookie(TRIP, path="/")
        put(request, sent, COOKIE, cookie, LIFE)
        return sent

    async def leave(request: Request) -> Response:
        # By link from the sidebar; another site could make a reader leave, but nothing more.
        if not foreign(request, gate.settings.ui_url):
            gate.leave(request.cookies)
            sent = RedirectResponse("/login", 303, HEADERS)
            sent.delete_cookie(COOKIE, path="/")
            return sent
        return _page('<form action="/logout"><button>Log out</button></form>')

    provider = [
        Route("/login/oidc", depart, methods=["GET"]),
        Route("/login/oidc/callback", come_back, methods=["GET"]),
    ]  # fmt: skip
    return [
        Route("/login", ask, methods=["GET"]), Route("/login", answer, methods=["POST"]),
        Route("/logout", leave, methods=["GET"]), *(provider if gate.settings.oidc else []),
    ]  # fmt: skip


def settings_of(gate: Gate) -> Oidc:
    if gate.settings.oidc is None:
        raise OidcError("no provider is configured")
    return gate.settings.oidc


def _who(gate: Gate, back: str, trip: Trip, code: str) -> tuple[str, str]:
    """(name, role by the claim) of a code. Raises OidcError."""
    asked = settings_of(gate)
    return oidc.name_and_role(asked, oidc.claims(asked, discover(asked), back, trip, code))


def _refused(error: OidcError) -> Response:
    log.warning("a login by OpenID Connect failed: %s", error)
    said = f'<p role="alert">{escape(str(error)[:300])}.</p>'
    return _page(f'{said}<p><a href="/login">Log in otherwise</a></p>', 403)


class Guard:
    """ASGI middleware: lets nobody past who is not known."""

    def __init__(self, app: Any, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] not in {"http", "websocket"} or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        refused = await run_in_threadpool(self._refusal, asked)
        if refused is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": "log in"})
        else:
            await refused(scope, receive, send)

    def _refusal(self, asked: HTTPConnection) -> Response | None:
        users = self._gate.users()
        if users is None:
            return _page(
                '<p role="alert">ClickHouse does not answer, so nobody can be let in yet. This page'
                " tries again every 3 seconds; <code>assay doctor</code> says what is wrong.</p>",
                503, '<meta http-equiv="refresh" content="3">',
            )  # fmt: skip
        if users or self._gate.settings.oidc:
            if self._gate.person(asked.cookies):
                return None
            query = f"?{asked.url.query}" if asked.url.query else ""
            return RedirectResponse(f"/login?next={quote(asked.url.path + query)}", 303)
        return self._open(asked)

    def _open(self, asked: HTTPConnection) -> Response | None:
        """Without users: to this machine, under a name of its own. Else a web page whose name is
        made to mean 127.0.0.1 could read everything here (DNS rebinding)."""
        settings = self._gate.settings
        if settings.ui_open:
            return None
        if not settings.loopback:
            return _page(
                '<p role="alert">There is no user yet, and this address can be reached from other'
                " machines. <code>assay user add NAME --role admin</code> makes the first; see"
                " docs/users.md.</p>", 403,
            )  # fmt: skip
        host = urlsplit(f"//{asked.headers.get('host', '')}").hostname or ""
        ours = urlsplit(settings.ui_url).hostname
        if host in {"127.0.0.1", "::1", "localhost", ours}:
            return None
        return PlainTextResponse(f"Unknown host {host!r}; set ASSAY_UI_URL.", 421)
