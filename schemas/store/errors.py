"""ClickHouse's errors as the HTTP interface shows them: a code, a text, an HTTP status."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import chdb

_CODE = re.compile(r"Code: (\d+)")
_REPEATED = re.compile(r"(?:Code: \d+\. DB::Exception: )+(?=Code: \d+\. DB::Exception: )")

# ClickHouse docs, "HTTP Interface", and the codes of its ErrorCodes list.
_STATUS = {
    **dict.fromkeys((192, 193, 497, 512, 516), 403),
    **dict.fromkeys((6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117), 400),
    **dict.fromkeys((123, 167, 168, 223, 321, 354, 376, 427, 441, 675, 676), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511), 404),
    **dict.fromkeys((76, 209, 439), 503),
    **dict.fromkeys((131, 229), 413),
    48: 501, 159: 408, 194: 401, 381: 411, 779: 415,
}  # fmt: skip


class EngineError(Exception):
    """ClickHouse refused the query. `code` is ClickHouse's, the text is its message."""

    def __init__(self, text: str) -> None:
        found = _CODE.search(text)
        super().__init__(_REPEATED.sub("", text[found.start() :] if found else text))
        self.code = int(found.group(1)) if found else 1002

    @property
    def status(self) -> int:
        """The HTTP status that ClickHouse gives this code; 500 for most."""
        return _STATUS.get(self.code, 500)


def refusal(code: int, text: str) -> EngineError:
    """An error of the interface itself, in ClickHouse's words."""
    return EngineError(f"Code: {code}. DB::Exception: {text}")


@contextmanager
def engine_errors() -> Iterator[None]:
    """Turn chDB's exceptions into EngineError."""
    try:
        yield
    except (RuntimeError, chdb.ChdbError) as error:
        raise EngineError(str(error)) from error
