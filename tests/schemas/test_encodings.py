"""Every frame of a compressed body counts; a broken or endless one is refused."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable

import lz4.frame
import pytest
from backports import zstd

from schemas.encodings import MAX_FRAMES, BrokenError, TooLargeError, decode

ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "lz4": lz4.frame.compress,
    "zstd": zstd.compress,
}
BOTH = pytest.mark.parametrize("name", ENCODERS)


@BOTH
def test_frames_in_a_row_are_one_body(name: str) -> None:
    parts = [b"a" * 70_000, b"", b"b" * 3]
    body = b"".join(ENCODERS[name](part) for part in parts)
    assert decode(body, name, 100_000) == b"".join(parts)


@BOTH
def test_the_limit_holds_over_all_frames(name: str) -> None:
    body = ENCODERS[name](b"a" * 600) * 2
    assert len(decode(body, name, 1200)) == 1200
    with pytest.raises(TooLargeError):
        decode(body, name, 1199)


@BOTH
def test_a_cut_or_corrupt_body_is_refused(name: str) -> None:
    body = ENCODERS[name](bytes(range(256)) * 40)
    for broken in (body[:-1], body[: len(body) // 2], body + b"rest", b"\x00\x01\x02" * 9):
        with pytest.raises(BrokenError):
            decode(broken, name, 10**6)


def test_no_encoding_is_the_bytes_themselves_and_an_unknown_one_is_refused() -> None:
    assert decode(b"x", "", 1) == decode(b"x", "identity", 1) == b"x"
    with pytest.raises(TooLargeError):
        decode(b"xy", "", 1)
    with pytest.raises(BrokenError, match="use gzip, zstd or none"):
        decode(b"x", "br", 1)


@BOTH
def test_a_long_body_is_decoded_whole(name: str) -> None:
    parts = [random.Random(n).randbytes(200_000) for n in range(3)]
    body = b"".join(ENCODERS[name](part) for part in parts)
    assert decode(body, name, 600_000) == b"".join(parts)


@BOTH
def test_a_body_of_nothing_but_frames_is_refused(name: str) -> None:
    with pytest.raises(BrokenError, match="frames"):
        decode(ENCODERS[name](b"") * (MAX_FRAMES + 1), name, 10**6)
