"""An answer is encoded as the client accepts, and only if it asks for it."""

from __future__ import annotations

import httpx
import pytest

from schemas.encodings import decode
from schemas.store.compression import encoder


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd", "lz4"])
def test_pieces_are_one_encoded_stream(name: str) -> None:
    form = encoder([name])
    pieces = [b"a" * 1000, b"", b"b" * 70_000]
    data = b"".join([*(form.add(piece) for piece in pieces), form.end()])
    assert decode(data, name, 10**6) == b"".join(pieces)
    empty = encoder([name])
    assert decode(empty.end(), name, 10) == b""


def test_the_store_encodes_if_asked(http: httpx.Client) -> None:
    query = "SELECT number FROM numbers(100000)"
    plain = http.post("/", content=query, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    for accepted, name in (("gzip", "gzip"), ("br, deflate;q=1", "deflate"), ("br", "")):
        with http.stream(
            "POST", "/", params={"enable_http_compression": "1"}, content=query,
            headers={"accept-encoding": accepted},
        ) as answer:  # fmt: skip
            raw = b"".join(answer.iter_raw())
        assert answer.headers.get("content-encoding", "") == name
        assert decode(raw, name, 10**7) == plain.content
