"""Which passage supports each sentence of an answer, as an explanation tells it.

The groundedness evaluator writes one line a sentence, for people; `read` is its inverse, so that a
page can mark the sentences in the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_LINE = re.compile(
    r'(?P<kind>un)?supported: "(?P<said>.*)"'
    r" \((?P<p>[01]\.\d+)(?:; not in the documents: (?P<absent>[^\"]*?))?\)"
    r'(?: by document (?P<document>\d+): "(?P<passage>.*)")?'
)


@dataclass(frozen=True, slots=True)
class Support:
    """`sentence` and `passage` may be cut at their end; `probability` that it is supported;
    `document` counts from 0 and is -1 where the sentence is not supported."""

    sentence: str
    supported: bool
    probability: float
    absent: tuple[str, ...] = ()
    document: int = -1
    passage: str = ""


def read(explanation: str) -> list[Support]:
    """The sentences that an explanation tells of, in its order; lines of another form are left
    out."""
    found = []
    for line in explanation.split("\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        absent = tuple(filter(None, (match["absent"] or "").split(", ")))
        number = int(match["document"]) - 1 if match["document"] else -1
        found.append(
            Support(match["said"], match["kind"] is None, float(match["p"]), absent, number,
                    match["passage"] or "")
        )  # fmt: skip
    return found


def place(text: str, part: str, start: int = 0) -> tuple[int, int] | None:
    """(from, to) of a sentence in the text that it was taken from, whatever white space stands
    between its words; None where it is not there."""
    words = part.split()
    if not words:
        return None
    match = re.compile(r"\s+".join(map(re.escape, words))).search(text, start)
    return match.span() if match else None


def marked(text: str, parts: Sequence[str]) -> list[tuple[str, int]]:
    """The text in pieces, each with the index of the part that it belongs to or -1; together they
    are the whole text. Of parts that overlap, the first in the text keeps its place."""
    found = sorted(
        (*span, n) for n, part in enumerate(parts) if (span := place(text, part)) is not None
    )
    pieces: list[tuple[str, int]] = []
    at = 0
    for begin, stop, n in found:
        if begin < at:
            continue
        if begin > at:
            pieces.append((text[at:begin], -1))
        pieces.append((text[begin:stop], n))
        at = stop
    return [*pieces, (text[at:], -1)] if at < len(text) else pieces
