"""ClickHouse's HTTP interface over the engine (ClickHouse docs, "HTTP Interface")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from schemas.store.answer import QueryAnswer, refuse
from schemas.store.engine import Engine
from schemas.store.errors import EngineError, refusal
from schemas.store.execution import Executor
from schemas.store.guard import Caller, foreign, signed_in
from schemas.store.request import read_call
from schemas.store.users import User

Users = Callable[[], Mapping[str, User]]
_THREADS = 64  # statements that run at once; further ones wait


class _Queries:
    """The ASGI endpoint that runs statements."""

    def __init__(self, engine: Engine, password: str, users: Users) -> None:
        self._engine = engine
        self._password = password
        self._users = users
        self._executor = Executor(engine)
        self._threads = anyio.CapacityLimiter(_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            caller = self._admit(request)
            call, delivery = await read_call(request)
        except EngineError as error:
            await refuse(send, error)
            return
        if request.method == "GET" and not call.query.strip():
            await PlainTextResponse("Ok.\n")(scope, receive, send)
            return
        if caller.project is not None:
            # An id of its own family: ids are how running queries are found and stopped.
            own = f"{caller.name}/{call.query_id}"
            call = replace(call, project=caller.project, query_id=own)
        answer = QueryAnswer(self._engine, self._executor, call, delivery, self._threads)
        await answer(scope, receive, send)

    def _admit(self, request: Request) -> Caller:
        alien = foreign(request.headers)
        if alien:
            raise refusal(497, f"foreign origin {alien}. (ACCESS_DENIED)")
        caller = signed_in(request.headers, request.query_params, self._password, self._users())
        if caller is None:
            raise refusal(
                516,
                "Authentication failed: user `assay`, password in"
                " ASSAY_HOME/store.password, or a user of `assay store user`."
                " (AUTHENTICATION_FAILED)",
            )
        return caller


def build(engine: Engine, password: str, ready: Callable[[], bool], users: Users) -> Starlette:
    """The application: `/` and `/query` run statements, `/ping` and `/readyz` say how it is."""

    def ping(_request: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    def readiness(_request: Request) -> Response:
        well = ready()
        return PlainTextResponse("ready\n" if well else "migrating\n", 200 if well else 503)

    queries = _Queries(engine, password, users)
    return Starlette(
        routes=[
            Route("/ping", ping),
            Route("/replicas_status", ping),
            Route("/readyz", readiness),
            Route("/", queries, methods=["GET", "POST"]),
            Route("/query", queries, methods=["GET", "POST"]),
        ]
    )
