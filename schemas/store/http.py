"""ClickHouse's HTTP interface over the engine (ClickHouse docs, "HTTP Interface")."""

from __future__ import annotations

from collections.abc import Callable

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
from schemas.store.guard import allowed, foreign
from schemas.store.request import read_call

_THREADS = 64  # statements that run at once; further ones wait


class _Queries:
    """The ASGI endpoint that runs statements."""

    def __init__(self, engine: Engine, password: str) -> None:
        self._engine = engine
        self._password = password
        self._executor = Executor(engine)
        self._threads = anyio.CapacityLimiter(_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            self._admit(request)
            call, delivery = await read_call(request)
        except EngineError as error:
            await refuse(send, error)
            return
        if request.method == "GET" and not call.query.strip():
            await PlainTextResponse("Ok.\n")(scope, receive, send)
            return
        answer = QueryAnswer(self._engine, self._executor, call, delivery, self._threads)
        await answer(scope, receive, send)

    def _admit(self, request: Request) -> None:
        alien = foreign(request.headers)
        if alien:
            raise refusal(497, f"foreign origin {alien}. (ACCESS_DENIED)")
        if not allowed(request.headers, request.query_params, self._password):
            raise refusal(
                516,
                "Authentication failed: user `assay`, password in"
                " ASSAY_HOME/store.password. (AUTHENTICATION_FAILED)",
            )


def build(engine: Engine, password: str, ready: Callable[[], bool]) -> Starlette:
    """The application: `/` and `/query` run statements, `/ping` and `/readyz` say how it is."""

    def ping(_request: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    def readiness(_request: Request) -> Response:
        well = ready()
        return PlainTextResponse("ready\n" if well else "migrating\n", 200 if well else 503)

    queries = _Queries(engine, password)
    return Starlette(
        routes=[
            Route("/ping", ping),
            Route("/replicas_status", ping),
            Route("/readyz", readiness),
            Route("/", queries, methods=["GET", "POST"]),
            Route("/query", queries, methods=["GET", "POST"]),
        ]
    )
