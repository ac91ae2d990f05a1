"""Login: a signed cookie, patience with wrong passwords, nobody past the guard unknown."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from schemas import logins
from schemas.errors import Retryable
from schemas.logins import Login
from schemas.settings import from_environment
from ui import ended, login
from ui.__main__ import refusal
from ui.gate import COOKIE, Gate, Throttle

WORD = "correct horse"


@pytest.fixture(scope="module")
def hashed() -> str:
    return logins.hashed(WORD)


@pytest.fixture
def users(hashed: str) -> dict[str, Login]:
    return {"ada": Login("ada", "editor", ("shop",), hashed, 1)}


def _gate(home: Path, users: dict[str, Login] | None, **environ: str) -> Gate:
    def read() -> dict[str, Login]:
        if users is None:
            raise Retryable("away")
        return users

    return Gate(from_environment({"ASSAY_HOME": str(home), **environ}), read)


def _client(gate: Gate, base: str = "http://127.0.0.1:8501") -> TestClient:
    async def page(request: Request) -> PlainTextResponse:
        person = gate.person(request.cookies)
        return PlainTextResponse(f"page for {person.name if person else 'nobody'}")

    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    app = Starlette(
        routes=[*login.routes(gate), Route("/{path:path}", page), WebSocketRoute("/ws", stream)],
        middleware=[Middleware(login.Guard, gate=gate)],
    )
    return TestClient(app, base_url=base, follow_redirects=False)


def _enter(client: TestClient, word: str = WORD, **form: str) -> int:
    return client.post("/login", data={"name": "ada", "password": word, **form}).status_code


def test_a_login_lasts_and_leads_to_where_one_was_going(
    tmp_path: Path, users: dict[str, Login]
) -> None:
    client = _client(_gate(tmp_path, users))
    sent = client.get("/findings?project=shop&x=1")
    assert sent.headers["location"] == "/login?next=/findings%3Fproject%3Dshop%26x%3D1"
    form = client.get(sent.headers["location"])
    assert 'value="/findings?project=shop&amp;x=1"' in form.text
    answer = client.post(
        "/login", data={"name": " Ada", "password": WORD, "next": "/findings?project=shop"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/findings?project=shop")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
    assert client.get("/findings").text == "page for ada"
    again = _client(_gate(tmp_path, users))  # a restart: the secret is in the home folder
    again.cookies = client.cookies
    assert again.get("/").text == "page for ada"
    assert (tmp_path / "ui.secret").stat().st_mode & 0o777 == 0o600


def test_a_websocket_without_a_login_is_refused(tmp_path: Path, users: dict[str, Login]) -> None:
    client = _client(_gate(tmp_path, users))
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws"):
        pass
    assert _enter(client) == 303
    cookie = f"{COOKIE}={client.cookies[COOKIE]}"
    with client.websocket_connect("ws://127.0.0.1:8501/ws", headers={"cookie": cookie}):
        pass


def test_a_cookie_that_was_changed_ended_or_outlived_its_password_opens_nothing(
    tmp_path: Path, users: dict[str, Login]
) -> None:
    gate = _gate(tmp_path, users)
    good = gate.cookie(users["ada"], 2**40)
    assert gate.person({COOKIE: good}) == users["ada"].person
    name, rest = good.split(".", 1)
    for bad in ("", "x", good + "0", f"{name}x.{rest}", gate.cookie(users["ada"], 1)):
        assert gate.person({COOKIE: bad}) is None
    gate.leave({COOKIE: good})
    assert gate.person({COOKIE: good}) is None
    other = gate.cookie(users["ada"], 2**40)
    users["ada"] = Login("ada", "admin", (), logins.hashed("another horse"), 1)
    assert gate.person({COOKIE: other}) is None


def test_logging_out_ends_the_session(tmp_path: Path, users: dict[str, Login]) -> None:
    client = _client(_gate(tmp_path, users))
    assert _enter(client) == 303
    kept = str(client.cookies[COOKIE])
    assert client.get("/logout", headers={"sec-fetch-site": "cross-site"}).status_code == 200
    assert client.get("/").status_code == 200
    assert client.get("/logout").headers["location"] == "/login"
    assert client.get("/", headers={"cookie": f"{COOKIE}={kept}"}).status_code == 303


def test_guessing_is_slowed_down(tmp_path: Path, users: dict[str, Login]) -> None:
    client = _client(_gate(tmp_path, users))
    said = [_enter(client, "wrong horse") for _ in range(6)]
    assert said == [401] * 4 + [429] * 2
    assert _enter(client) == 429, "not even the right one is looked at"
    wrong = Throttle()
    for _ in range(30):
        wrong.failed("ada", "10.0.0.1", 0.0)
    assert wrong.wait("ada", "10.0.0.1", 0.0) == Throttle.LONGEST
    assert wrong.wait("ada", "10.0.0.2", 0.0) > 0, "nor from another address"
    assert wrong.wait("bob", "10.0.0.2", 0.0) == 0.0
    assert wrong.wait("ada", "10.0.0.1", Throttle.LONGEST + 1) == 0.0


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "/login?next=/x"],
)
def test_a_login_leads_to_no_other_site(target: str) -> None:
    assert login.within(target) == "/"


def test_a_form_of_another_site_is_refused(tmp_path: Path, users: dict[str, Login]) -> None:
    client = _client(_gate(tmp_path, users))
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        form = {"name": "ada", "password": WORD}
        assert client.post("/login", data=form, headers=headers).status_code == 403
    assert client.post("/login", content=b"x" * 10_000).status_code == 413


def test_names_in_the_form_stay_text(tmp_path: Path, users: dict[str, Login]) -> None:
    answer = _client(_gate(tmp_path, users)).post(
        "/login", data={"name": '"><script>x</script>', "password": "nothing here"}
    )
    assert "<script>" not in answer.text and "default-src 'none'" in str(answer.headers)


def test_without_users_only_this_machine_is_let_in(tmp_path: Path) -> None:
    gate = _gate(tmp_path, {})
    assert _client(gate).get("/").text == "page for "
    assert _client(gate, "http://evil.example").get("/").status_code == 421
    wide = _gate(tmp_path, {}, ASSAY_HOST="0.0.0.0")
    assert _client(wide).get("/").status_code == 403 and wide.person({}) is None
    assert "assay user add" in refusal(wide)
    said = _gate(tmp_path, {}, ASSAY_HOST="0.0.0.0", ASSAY_UI_OPEN="1")
    assert _client(said, "http://any.example").get("/").status_code == 200 and not refusal(said)


def test_nobody_is_let_in_before_the_users_are_known(tmp_path: Path) -> None:
    gate = _gate(tmp_path, None)
    answer = _client(gate).get("/")
    assert answer.status_code == 503 and "tries" in answer.text
    assert gate.person({}) is None and _client(gate).get("/_stcore/health").status_code == 200
    assert refusal(_gate(tmp_path, None, ASSAY_HOST="0.0.0.0")) == ""


def test_a_logout_holds_after_a_restart_and_for_other_explorers(
    tmp_path: Path, users: dict[str, Login], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = _gate(tmp_path, users), _gate(tmp_path, users)
    cookie = {COOKIE: first.cookie(users["ada"], 2**40)}
    assert other.person(cookie) == users["ada"].person
    first.leave(cookie)
    assert _gate(tmp_path, users).person(cookie) is None, "a restart"
    monkeypatch.setattr(ended, "LOOK", 0.0)
    assert other.person(cookie) is None, "another process that shares the folder"
    assert (tmp_path / "ui.ended").stat().st_mode & 0o777 == 0o600
