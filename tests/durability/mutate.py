"""Malformed OTLP bodies: mutations of valid requests and plain noise, the same for one seed."""

from __future__ import annotations

import copy
import gzip
import json
import random
import struct
import time
import zlib
from collections.abc import Callable
from typing import Any

from google.protobuf import json_format

from tests.durability.harness import KIND, batch

JSON_KIND = {"content-type": "application/json"}
_ODD: list[Any] = [
    None, True, -1, 2**63, 2**64, 10**400, 1e308, float("nan"), float("inf"), "", "x", "\ud800",
    "\x00", "9" * 5000, [], {}, [[]], {"": {}}, [None], "NaN", "1e999", "🙂" * 50, "zz" * 16,
]  # fmt: skip
_KEYS = [
    "input.value", "llm.token_count.prompt", "llm.cost.total", "metadata", "service.name", "",
    "gen_ai.input.messages", "gen_ai.retrieval.documents", "gen_ai.usage.input_tokens",
    "retrieval.documents.².document.content", "llm.input_messages.0.message.content",
    "openinference.project.name",
]  # fmt: skip
_VALUES: list[str | int | float | bool | bytes] = [
    "nan", "-inf", "[" * 5000, '[{"content": "\\ud800"}]', '{"prompt_version": {"a": NaN}}',
    '[{"parts": [1, null, {"content": []}]}]', float("nan"), float("inf"), True, b"\xff\xfe",
    "9" * 5000, -(2**63),
]  # fmt: skip


def valid(dice: random.Random, name: str = "fuzz") -> Any:
    """A request that is well formed and odd: hostile attributes on spans of project `name`."""
    request, _ids = batch(dice.randint(1, 4), 50, project=name)
    for span in request.resource_spans[0].scope_spans[0].spans:
        for _ in range(dice.randint(0, 4)):
            value = span.attributes.add(key=dice.choice(_KEYS)).value
            _put(value, dice.choice(_VALUES))
        if dice.random() < 0.2:
            value = span.attributes.add(key=dice.choice(_KEYS)).value
            for _ in range(dice.randint(1, 40)):
                value = value.array_value.values.add()
        if dice.random() < 0.2:
            span.events.add(name="e", time_unix_nano=dice.getrandbits(64))
            span.links.add(trace_id=dice.randbytes(dice.randint(0, 20)))
        if dice.random() < 0.3:
            span.end_time_unix_nano = dice.getrandbits(64)
        if dice.random() < 0.1:
            span.start_time_unix_nano = dice.getrandbits(64)
        if dice.random() < 0.1:
            span.trace_id = dice.randbytes(dice.randint(0, 20))
    return request


def _put(value: Any, what: object) -> None:
    if isinstance(what, bool):
        value.bool_value = what
    elif isinstance(what, int):
        value.int_value = what
    elif isinstance(what, float):
        value.double_value = what
    elif isinstance(what, bytes):
        value.bytes_value = what
    else:
        value.string_value = what


def _flip(dice: random.Random, body: bytes) -> bytes:
    data = bytearray(body)
    for _ in range(dice.randint(1, 8)):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def _cut(dice: random.Random, body: bytes) -> bytes:
    return body[: dice.randrange(len(body))]


def _splice(dice: random.Random, body: bytes) -> bytes:
    at, end = sorted(dice.randrange(len(body)) for _ in range(2))
    where = dice.randrange(len(body))
    return body[:where] + body[at:end] + body[where:]


def _insert(dice: random.Random, body: bytes) -> bytes:
    at = dice.randrange(len(body))
    what = dice.choice([b"\xff" * 9, b"\x00", b"\xc3\x28", b"\xed\xa0\x80", dice.randbytes(20)])
    return body[:at] + what + body[at + dice.randint(0, 4) :]


def _same(_dice: random.Random, body: bytes) -> bytes:
    return body


def _nested(dice: random.Random, _body: bytes) -> bytes:
    """Messages within messages, deeper than any parser goes."""
    body = b""
    for _ in range(dice.choice([50, 99, 101, 300, 3000])):
        size, head = len(body), b""
        while size > 127:
            head += bytes([size & 127 | 128])
            size >>= 7
        body = b"\x2a" + head + bytes([size]) + body
    return body


_BYTES: list[Callable[[random.Random, bytes], bytes]] = [
    _flip, _flip, _cut, _splice, _insert, _same, _nested,
]  # fmt: skip


def _paths(document: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: list[tuple[Any, Any]] = []
    if isinstance(document, dict):
        items = list(document.items())
    elif isinstance(document, list):
        items = list(enumerate(document))
    return [at, *(p for key, item in items for p in _paths(item, (*at, key)))]


def _wrong_type(dice: random.Random, document: Any) -> bytes:
    """OTLP/JSON with a value of another type somewhere."""
    for _ in range(dice.randint(1, 3)):
        path = dice.choice(_paths(document)[1:])
        place = document
        try:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = copy.deepcopy(dice.choice(_ODD))
        except (KeyError, IndexError, TypeError):
            continue
    depth = dice.choice([90, 130, 900, 50_000]) if dice.random() < 0.1 else 0
    return b'{"resourceSpans":[' * depth + json.dumps(document).encode() + b"]}" * depth


def body(dice: random.Random) -> tuple[bytes, dict[str, str]]:
    """One malformed body and its headers."""
    headers = dict(dice.choice([KIND, JSON_KIND]))
    if dice.random() < 0.5:
        data = dice.randbytes(dice.choice([0, 1, 7, 50, 400, 5000]))
        if dice.random() < 0.3:
            data = dice.choice([b"{", b"[", b'{"a":', b'{"resourceSpans":[', b"\n"]) * 2000 + data
    else:
        request = valid(dice)
        if headers == KIND:
            data = dice.choice(_BYTES)(dice, request.SerializeToString())
        else:
            document = json_format.MessageToDict(request)
            _hexadecimal(document)
            whole = json.dumps(document).encode()
            mutate = dice.choice(_BYTES)
            data = mutate(dice, whole) if dice.random() < 0.4 else _wrong_type(dice, document)
    packed = dice.random()
    if packed < 0.08:
        headers["content-encoding"] = dice.choice(
            ["gzip", "deflate", "zstd", "lz4", "br", "gzip,x"]
        )
    elif packed < 0.16:
        headers["content-encoding"] = "gzip"
        data = dice.choice(_BYTES[:6])(dice, gzip.compress(data))
    elif packed < 0.18:
        headers["content-encoding"] = "deflate"
        data = zlib.compress(data) + struct.pack("<Q", time.time_ns() >> 60)
    return data, headers


def _hexadecimal(document: Any) -> None:
    """Ids as OTLP/JSON has them; protobuf's mapping writes base64."""
    for group in document["resourceSpans"]:
        for span in group["scopeSpans"][0]["spans"]:
            span.update(traceId="ab" * 16, spanId="cd" * 8)
