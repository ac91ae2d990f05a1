"""Text of traces as plain text: what does not print is made visible, what is too long is cut.

A trace may carry terminal codes, marks that turn the direction of writing (which make one text look
like another, CVE-2021-42574), or a megabyte in a line.
"""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

MOST = 20_000  # characters of one text that go to the browser
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str, most: int = MOST) -> str:
    """At most `most` characters, of which control characters and marks of direction are shown by
    their pictures or code points."""
    return _CONTROLS.sub(_picture, text[:most])


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return "" if code == 0x0D else chr(0x2400 + code)
    return f"⟨U+{code:04X}⟩"


def text(said: str, name: str = "text", where: Any = st) -> None:
    """A text as it is; of a long one the beginning, and the whole for download."""
    where.text(visible(said))
    if len(said) > MOST:
        where.caption(f"The first {MOST:,} of {len(said):,} characters.")
        where.download_button(
            "Download the whole text", said, f"{name}.txt", "text/plain", on_click="ignore",
            key=f"whole-{name}",
        )  # fmt: skip
