"""One pass over bytes that tells which rules may find something there; clean ones are spared more.

A trigger is a pattern of RE2 (matched in time linear in the text, all of them at once) over bytes.
It says yes wherever its rule's pattern may match, in text as it is and in text that JSON has
escaped, however often; it may say yes where nothing is. Measured by `python -m bench.redact`.
"""

from __future__ import annotations

from collections.abc import Sequence

import re2

ESCAPED = r"\\u00"  # an escape of JSON that may hide ASCII
LARGE = r"\x18[\x80-\xff]{5}"  # an AnyValue's int_value of 36 bits or more: a card's number may be
SPACE = r"(?:\s|[\x80-\xff]|\\+[tnrfbu])"
# No word before: left out where the text stands in a message, whose length comes before it.
START = r"(?:^|[^\w.-]|\\[tnrfb]|\\u[0-9A-Fa-f]{4})"
MEMORY = 64 * 2**20  # bytes of automata before RE2 starts them anew


class Triggers:
    """Compiled triggers. Raises ValueError for a pattern that RE2 cannot take."""

    def __init__(self, patterns: Sequence[str]) -> None:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = MEMORY
        options.log_errors = False
        self._set = re2.Set.SearchSet(options)
        for pattern in patterns:
            if self._set.Add(pattern) < 0:
                raise ValueError(f"RE2 cannot take {pattern!r}")
        self._set.Compile()

    def match(self, data: bytes) -> list[int]:
        """Indexes of the patterns that match anywhere in `data`."""
        return self._set.Match(data) or []
