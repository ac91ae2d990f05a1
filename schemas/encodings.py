"""HTTP content encodings, decoded within a limit: every frame of a body, or an error."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Any

import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_DECODERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "deflate": zlib.decompressobj,
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
}

# Frames are fed piece by piece: what lies behind a frame's end is copied for each frame.
_CHUNK = 64 * 2**10
MAX_FRAMES = 2**16


class BrokenError(ValueError):
    """The body is cut off, corrupt, or in an encoding that is not known."""


class TooLargeError(ValueError):
    """The decoded body is over the limit; decoding stopped there."""


def decode(data: bytes, encoding: str, limit: int) -> bytes:
    """Undo a Content-Encoding ('' and 'identity' are none); at most `limit` bytes.

    A body may be several frames or gzip members in a row (RFC 1952 section 2.2, RFC 8878 section
    3), as clients that compress block by block send it; all of them count.
    """
    if encoding in {"", "identity"}:
        if len(data) > limit:
            raise TooLargeError
        return data
    make = _DECODERS.get(encoding)
    if make is None:
        raise BrokenError(f"Content-Encoding {encoding!r} is not known: use gzip, zstd or none")
    parts: list[bytes] = []
    room, at, frames = limit + 1, 0, 0
    while at < len(data):
        frames += 1
        if frames > MAX_FRAMES:
            raise BrokenError(f"the {encoding} body has over {MAX_FRAMES} frames")
        engine = make()
        while not engine.eof:
            chunk = data[at : at + _CHUNK]
            if not chunk:
                raise BrokenError(f"the {encoding} body is cut off")
            try:
                part = engine.decompress(chunk, room)
            except (zlib.error, zstd.ZstdError, RuntimeError, EOFError) as error:
                raise BrokenError(f"the {encoding} body is broken: {error}") from error
            room -= len(part)
            if room <= 0:
                raise TooLargeError
            parts.append(part)
            at += len(chunk) - len(engine.unused_data or b"")
    return b"".join(parts)
