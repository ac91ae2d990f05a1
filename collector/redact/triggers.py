"""One pass over bytes that tells which rules may find something there; clean ones are spared more.

A trigger is a pattern of Hyperscan (all of them matched at once, in time linear in the text) over
bytes. It says yes wherever its rule's pattern may match, in text as it is and in text that JSON has
escaped, however often; it may say yes where nothing is. Measured by `python -m bench.redact`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import hyperscan

ESCAPED = r"\\u00[0-7]"  # an escape of JSON that hides ASCII
LARGE = r"\x18[\x80-\xff]{5}"  # an AnyValue's int_value of 36 bits or more: a card's number may be
SPACE = r"(?:\s|[\x80-\xff]|\\+[tnrfbu])"
_NO_WORD = r"[^\w.-]|\\[tnrfb]|\\u[0-9A-Fa-f]{4}"
START = rf"(?:^|{_NO_WORD})"  # no word before
# The same in a message, where a text's tag (a field of OTLP that holds text or bytes) and its
# length, which may look like a letter, come before it.
TAGS = r"\x0a\x12\x1a\x22\x2a\x32\x3a\x62"
IN_MESSAGE = rf"(?:^|{_NO_WORD}|[{TAGS}][\x80-\xff]{{0,4}}[\x00-\x7f])"
_FLAGS = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH


class Triggers:
    """Compiled triggers. Thread-safe. Raises ValueError for patterns that Hyperscan cannot take."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        count = len(patterns)
        try:
            self._database.compile(
                expressions=[pattern.encode("ascii") for pattern in patterns],
                ids=list(range(count)), elements=count, flags=[_FLAGS] * count,
            )  # fmt: skip
        except hyperscan.error as error:
            raise ValueError(f"Hyperscan cannot take one of {patterns!r}: {error}") from error
        self._mine = threading.local()  # scratch space is of one thread

    def match(self, data: bytes) -> list[int]:
        """Indexes of the patterns that match anywhere in `data`, each once."""
        found: list[int] = []

        def note(index: int, _from: int, _to: int, _flags: int, _context: object) -> None:
            found.append(index)

        try:
            scratch = self._mine.scratch
        except AttributeError:
            scratch = self._mine.scratch = hyperscan.Scratch(self._database)
        self._database.scan(data, match_event_handler=note, scratch=scratch)
        return found
