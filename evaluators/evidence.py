"""Retrieved documents, cut into passages once; and the few passages that speak to a claim.

An encoder that reads picked passages once needs no maximum over windows, which inflates support
with the number of windows (one of many wrong windows may look right by chance).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evaluators.orders import speaks
from evaluators.words import STOP, raw_words, stem, words

MAX_CHARACTERS = 80_000  # of the documents together; bounds the cost of one trace
BUDGET_WORDS = 100  # about 130 word pieces; the claim takes the rest of the encoder's 192
LONGEST_WORDS = 45  # web text without full stops is cut into parts of this length
COVERED = 0.2  # what a word counts that an earlier passage has covered

_BREAK = re.compile(r"(?<=[.!?。!?])[\"'”’)\]]*\s+|\n+|(?<=[a-z0-9)][.!?])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Passage:
    """One sentence of one document; `document` counts from 0."""

    document: int
    text: str
    words: tuple[str, ...]
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Documents:
    """Passages in order, and what all of them together hold. `left_out`: those that are not read,
    with the reason in words."""

    passages: tuple[Passage, ...]
    words: frozenset[str]  # as written, in lower case
    numbers: frozenset[str]  # the same of numbers with commas or points
    stems: frozenset[str]
    pairs: frozenset[str]  # neighbouring stems, 'a b'
    left_out: tuple[tuple[Passage, str], ...] = ()


def split(text: str) -> list[str]:
    """Sentences, also where the space after a full stop is missing; long ones cut."""
    out: list[str] = []
    for raw in _BREAK.split(text):
        said = raw.split()
        if len(said) <= LONGEST_WORDS:
            out.append(" ".join(said))
            continue
        size = -(-len(said) // -(-len(said) // LONGEST_WORDS))
        out += [" ".join(said[i : i + size]) for i in range(0, len(said), size)]
    return [part for part in out if any(c.isalnum() for c in part)]


def documents(texts: Sequence[str], answer: str = "", question: str = "") -> Documents:
    """The passages of all texts; what stands after MAX_CHARACTERS is not read.

    Those that speak to whoever judges (see orders.py) are left out. Of a document that has one, the
    others are read only where they share a word with answer or question: they may belong to it.
    """
    made: list[Passage] = []
    left = MAX_CHARACTERS
    for number, text in enumerate(texts):
        for part in split(text[: max(0, left)]):
            said = tuple(words(part))
            made.append(Passage(number, part, said, frozenset(map(stem, said))))
        left -= len(text)
    aside = {n: "it speaks to a judge" for n, p in enumerate(made) if speaks(p.text, answer)}
    if aside:
        suspect = {made[n].document for n in aside}
        asked = {stem(w) for w in words(f"{question} {answer}") if w not in STOP}
        for n, passage in enumerate(made):
            if passage.document in suspect and not passage.stems & asked:
                aside.setdefault(n, "it stands beside that and says nothing of the answer")
    out = [passage for n, passage in enumerate(made) if n not in aside]
    flat = [stem(w) for p in out for w in p.words]
    return Documents(
        tuple(out),
        frozenset(w for p in out for w in raw_words(p.text)),
        frozenset(w for p in out for w in p.words if w[0].isdigit()),
        frozenset(flat),
        frozenset(f"{a} {b}" for a, b in pairwise(flat)),
        tuple((made[n], aside[n]) for n in sorted(aside)),
    )


def evidence(
    claim: str,
    found: Sequence[Passage],
    idf: Mapping[str, float],
    budget: int = BUDGET_WORDS,
) -> list[Passage]:
    """The passages that cover most of the claim's rare words, in document order.

    Greedy: each next passage is the one that covers most of what is not covered yet, until
    `budget` words are taken. Short documents are returned whole.
    """
    sizes = [len(passage.text.split()) for passage in found]
    if sum(sizes) <= budget:
        return list(found)
    top = idf.get("", 1.0)
    need = {s: idf.get(s, top) for w in words(claim) if w not in STOP for s in (stem(w),)}
    hits = {i: h for i, p in enumerate(found) if (h := need.keys() & p.stems)}
    taken: list[int] = []
    covered: set[str] = set()
    used = 0
    while hits:
        gain = {
            i: sum(need[s] * (COVERED if s in covered else 1.0) for s in sorted(h))
            for i, h in hits.items()
        }
        best = max(gain, key=lambda i: (gain[i], -i))
        held = hits.pop(best)
        if not taken or used + sizes[best] <= budget:
            taken.append(best)
            used += sizes[best]
            covered |= held
    return [found[i] for i in sorted(taken)]
