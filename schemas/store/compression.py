"""Content encodings of an answer, made piece by piece so that a result can be streamed."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


@dataclass(frozen=True, slots=True)
class Encoder:
    """Bytes in, encoded bytes out; `end` closes the stream. `name` "" is no encoding."""

    name: str
    add: Callable[[bytes], bytes]
    end: Callable[[], bytes]


def _zlib(name: str, window: int) -> Encoder:
    engine = zlib.compressobj(level=1, wbits=window)

    def add(data: bytes) -> bytes:
        return engine.compress(data) + engine.flush(zlib.Z_SYNC_FLUSH)

    return Encoder(name, add, engine.flush)


def _lz4() -> Encoder:
    engine = lz4.frame.LZ4FrameCompressor(auto_flush=True)
    begun = [engine.begin()]

    def add(data: bytes) -> bytes:
        return (begun.pop() if begun else b"") + bytes(engine.compress(data))

    def end() -> bytes:
        return (begun.pop() if begun else b"") + bytes(engine.flush())

    return Encoder("lz4", add, end)


def _zstd() -> Encoder:
    engine = zstd.ZstdCompressor(level=1)

    def add(data: bytes) -> bytes:
        return bytes(engine.compress(data, zstd.ZstdCompressor.FLUSH_BLOCK))

    return Encoder("zstd", add, lambda: bytes(engine.flush()))


# The cheapest for a loopback connection first.
_MAKERS: dict[str, Callable[[], Encoder]] = {
    "lz4": _lz4,
    "zstd": _zstd,
    "gzip": lambda: _zlib("gzip", 31),
    "deflate": lambda: _zlib("deflate", 15),
}


def encoder(accepted: Iterable[str]) -> Encoder:
    """The cheapest of the accepted encodings, or none if none of them is known."""
    wanted = set(accepted)
    for name, make in _MAKERS.items():
        if name in wanted:
            return make()
    return Encoder("", bytes, bytes)
