"""ClickHouse's HTTP interface over the engine (ClickHouse docs, "HTTP Interface").

Results are sent whole: the engine hands them over whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from schemas.encodings import BrokenError, TooLargeError, decode
from schemas.store.engine import Engine, EngineError
from schemas.store.guard import allowed, foreign

# URL parameters that belong to the protocol; every other one is a setting.
_PROTOCOL = frozenset(
    {"query", "database", "default_format", "user", "password", "compress", "decompress"}
    | {"query_id", "session_id", "session_timeout", "session_check", "stacktrace", "quota_key"}
    | {"role", "client_protocol_version", "wait_end_of_query", "buffer_size"}
    | {"enable_http_compression", "send_progress_in_http_headers"}
    | {"http_headers_progress_interval_ms", "cancel_http_readonly_queries_on_client_close"}
)
_NOT_FOUND = frozenset({60, 81, 46, 115})
MAX_BODY = 2 * 2**30  # decoded bytes of one request


def _refusal(code: int, text: str, status: int) -> Response:
    return PlainTextResponse(
        text + "\n", status, headers={"X-ClickHouse-Exception-Code": str(code)}
    )


def build(engine: Engine, password: str, ready: Callable[[], bool]) -> Starlette:
    """The application: `/` and `/query` run statements, `/ping` and `/readyz` say how it is."""

    async def run(request: Request) -> Response:
        alien = foreign(request.headers)
        if alien:
            return _refusal(497, f"Code: 497. DB::Exception: foreign origin {alien}", 403)
        url = request.query_params
        if not allowed(request.headers, url, password):
            return _refusal(
                516,
                "Code: 516. DB::Exception: Authentication failed: user `assay`, password in"
                " ASSAY_HOME/store.password. (AUTHENTICATION_FAILED)",
                403,
            )
        body = await request.body()
        encoding = request.headers.get("content-encoding", "").lower()
        if encoding and body:
            try:
                body = await run_in_threadpool(decode, body, encoding, MAX_BODY)
            except BrokenError as error:
                return _refusal(354, f"Code: 354. DB::Exception: {error}", 400)
            except TooLargeError:
                return _refusal(131, f"Code: 131. DB::Exception: over {MAX_BODY} bytes", 413)
        form: dict[str, str] = {}
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            form = {k: str(v) for k, v in (await request.form()).items()}
            body = b""
        named = {**dict(url), **form}
        head = named.get("query", "").encode()
        query = head + b"\n" + body if head and body else head or body
        if not query.strip():
            return _refusal(62, "Code: 62. DB::Exception: Empty query. (SYNTAX_ERROR)", 400)
        settings = {
            k: v for k, v in url.items() if k not in _PROTOCOL and not k.startswith("param_")
        }
        if request.method == "GET":
            settings["readonly"] = "2"
        database = named.get("database") or request.headers.get("x-clickhouse-database", "assay")
        shape = named.get("default_format") or request.headers.get(
            "x-clickhouse-format", "TabSeparated"
        )
        parameters = {k[6:]: v for k, v in named.items() if k.startswith("param_")}
        try:
            answer = await run_in_threadpool(
                engine.run, query, database, shape, settings, parameters
            )
        except EngineError as error:
            return _refusal(error.code, str(error), 404 if error.code in _NOT_FOUND else 500)
        summary = {
            "read_rows": str(answer.read_rows),
            "read_bytes": str(answer.read_bytes),
            "written_rows": str(answer.written_rows),
        }
        return Response(
            answer.data,
            media_type="application/octet-stream",
            headers={
                "X-ClickHouse-Summary": json.dumps(summary),
                "X-ClickHouse-Query-Id": named.get("query_id", ""),
                "X-ClickHouse-Format": shape,
                "X-ClickHouse-Timezone": "UTC",
            },
        )

    def ping(_request: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    def readiness(_request: Request) -> Response:
        well = ready()
        return PlainTextResponse("ready\n" if well else "migrating\n", 200 if well else 503)

    return Starlette(
        routes=[
            Route("/ping", ping),
            Route("/readyz", readiness),
            Route("/", run, methods=["GET", "POST"]),
            Route("/query", run, methods=["GET", "POST"]),
        ]
    )
