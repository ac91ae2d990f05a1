"""What a client asks for, from URL, headers and body (ClickHouse docs, "HTTP Interface")."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from schemas.encodings import BrokenError, TooLargeError, decode
from schemas.store.call import Call, External
from schemas.store.errors import refusal

MAX_BODY = 2 * 2**30  # decoded bytes of one request
_BUFFER = 2**20  # bytes of a result that wait for the status to be known
# URL parameters that belong to the protocol; every other one is a setting.
_PROTOCOL = frozenset(
    {"query", "database", "default_format", "user", "password", "compress", "decompress"}
    | {"query_id", "session_id", "session_timeout", "session_check", "stacktrace", "quota_key"}
    | {"role", "client_protocol_version", "wait_end_of_query", "buffer_size"}
    | {"enable_http_compression", "send_progress_in_http_headers"}
    | {"http_headers_progress_interval_ms", "cancel_http_readonly_queries_on_client_close"}
)
_TABLE_PARTS = ("_format", "_structure", "_types")
_DISPOSITION = re.compile(rb'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the client wants its answer: whole or as it comes, and in which encodings."""

    whole: bool
    buffer: int
    encodings: tuple[str, ...]


def _parts(body: bytes, content_type: str) -> Iterator[tuple[dict[str, str], bytes]]:
    """The parts of a multipart body (RFC 7578): the names in its disposition, and its bytes."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if not found:
        raise refusal(36, "multipart/form-data without a boundary. (BAD_ARGUMENTS)")
    mark = b"--" + found[1].encode("latin-1")
    for piece in (b"\r\n" + body).split(b"\r\n" + mark)[1:]:
        head, blank, data = piece.partition(b"\r\n\r\n")
        if not blank:
            continue
        line = next((x for x in head.split(b"\r\n") if b"form-data" in x.lower()), b"")
        pairs = _DISPOSITION.findall(line)
        yield {k.decode().lower(): v.decode("utf-8", "replace") for k, v in pairs}, data


def _external(name: str, data: bytes, named: Mapping[str, str]) -> External:
    structure = named.get(f"{name}_structure", "")
    if not structure:
        types = named.get(f"{name}_types", "")
        if not types:
            raise refusal(36, f"Neither structure nor types of table {name}. (BAD_ARGUMENTS)")
        structure = ", ".join(f"_{n} {kind}" for n, kind in enumerate(types.split(","), 1))
    return External(name, structure, named.get(f"{name}_format", "TabSeparated"), data)


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > MAX_BODY:
            raise refusal(131, f"over {MAX_BODY} bytes. (TOO_LARGE_STRING_SIZE)")
        parts.append(piece)
    body = b"".join(parts)
    encoding = request.headers.get("content-encoding", "").lower()
    if not encoding or not body:
        return body
    try:
        return await run_in_threadpool(decode, body, encoding, MAX_BODY)
    except BrokenError as error:
        raise refusal(354, f"{error}. (ZLIB_INFLATE_FAILED)") from error
    except TooLargeError as error:
        raise refusal(131, f"over {MAX_BODY} bytes. (TOO_LARGE_STRING_SIZE)") from error


def _number(named: Mapping[str, str], name: str, usual: int, code: int) -> int:
    value = named.get(name, "")
    if value and not value.isdigit():
        raise refusal(code, f"{name} is not a number: {value!r}")
    return int(value) if value else usual


async def read_call(request: Request) -> tuple[Call, Delivery]:
    """The call in a request. Raises EngineError for one that cannot be served."""
    headers = request.headers
    named = dict(request.query_params)
    body = await _body(request)
    files: list[tuple[str, bytes]] = []
    kind = headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        for names, data in _parts(body, kind):
            if "filename" in names:
                files.append((names.get("name", ""), data))
            else:
                named[names.get("name", "")] = data.decode("utf-8", "surrogateescape")
        body = b""
    for flag in ("compress", "decompress"):
        if named.get(flag, "0") not in {"0", "false"}:
            raise refusal(48, f"{flag}=1 is not served; use HTTP compression. (NOT_IMPLEMENTED)")
    if named.get("role"):
        raise refusal(511, f"There is no role `{named['role']}`. (UNKNOWN_ROLE)")
    head = named.get("query", "").encode("utf-8", "surrogateescape")
    external = tuple(_external(name, data, named) for name, data in files)
    of_tables = {table.name + part for table in external for part in _TABLE_PARTS}
    call = Call(
        query=head + b"\n" + body if head and body else head or body,
        query_id=named.get("query_id", "") or str(uuid.uuid4()),
        database=named.get("database") or headers.get("x-clickhouse-database", ""),
        shape=named.get("default_format") or headers.get("x-clickhouse-format", "TabSeparated"),
        settings={
            k: v
            for k, v in named.items()
            if k not in _PROTOCOL and k not in of_tables and not k.startswith("param_")
        },
        parameters={k[6:]: v for k, v in named.items() if k.startswith("param_")},
        external=external,
        reads_only=request.method == "GET",
        session=named.get("session_id", ""),
        session_timeout=_number(named, "session_timeout", 60, 374),
        session_check=named.get("session_check", "") == "1",
    )
    wanted = headers.get("accept-encoding", "") if named.get("enable_http_compression") else ""
    delivery = Delivery(
        whole=named.get("wait_end_of_query", "0") not in {"", "0", "false"},
        buffer=_number(named, "buffer_size", _BUFFER, 36),
        encodings=tuple(x.split(";")[0].strip().lower() for x in wanted.split(",")),
    )
    return call, delivery
