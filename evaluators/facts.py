"""Words of a text as facts: numbers, dates and names, each by one spelling; and which of them
documents hold in whatever spelling ('three' and '3', 'Africa' and 'African', 'US' and 'United
States', 'Reagan' for 'Ronald Reagan').

An exact match alone calls many true claims wrong, so that a regression cannot trust it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from evaluators.features import NEGATION
from evaluators.words import STOP, stem

_TOKEN = re.compile(r"\w+(?:[.,]\d+)*")
_NUMBER = re.compile(r"(\d[\d.,]*)(?:st|nd|rd|th|s)?$")
_YEAR = re.compile(r"1\d\d\d|20\d\d")
_ENDS = re.compile(r"\s*[.!?:\"“]")
_COUNTS_TEXT = """zero one two three four five six seven eight nine ten eleven twelve thirteen
    fourteen fifteen sixteen seventeen eighteen nineteen twenty"""
_COUNTS = {word: str(n) for n, word in enumerate(_COUNTS_TEXT.split())}
_TENS = ["thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_COUNTS |= {word: str(10 * n) for n, word in enumerate(_TENS, 3)}
_ORDER_TEXT = "first second third fourth fifth sixth seventh eighth ninth tenth"
_ORDER = {word: str(n) for n, word in enumerate(_ORDER_TEXT.split(), 1)}
_MONTHS_TEXT = """january february march april may june july august september october november
    december"""
_MONTHS = frozenset(_MONTHS_TEXT.split())
_DAYS = frozenset(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])
_TAILS = frozenset(("s", "t", "ll", "re", "ve"))  # behind an apostrophe
_BEGINNING = 4  # letters that two spellings of one name share
_INITIALS = (2, 3, 4)  # words behind an acronym


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text. `key`: its one spelling; `kind`: number, year, month, day, name or word;
    `content`: whether it says something by itself."""

    text: str
    key: str
    kind: str
    start: int
    end: int
    content: bool


@dataclass(frozen=True, slots=True)
class Held:
    """The keys of documents, and the same by their first letters."""

    keys: frozenset[str]
    beginnings: dict[str, set[str]]

    def has(self, key: str) -> bool:
        """Whether a key, or a word with the same beginning, is held; numbers exactly."""
        if key in self.keys:
            return True
        if len(key) < _BEGINNING or key[0].isdigit():
            return False
        near = self.beginnings.get(key[:_BEGINNING], ())
        front = key[: max(_BEGINNING, len(key) - 2)]
        return any(word.startswith(front) or key.startswith(word) for word in near)


def spelled(word: str) -> str:
    """The key of a word in lower case."""
    if word[0].isdigit():
        found = _NUMBER.match(word)
        return found[1].replace(",", "").rstrip(".") if found else word
    return _COUNTS.get(word) or _ORDER.get(word) or stem(word)


def tokens(text: str, common: AbstractSet[str]) -> list[Token]:
    """The tokens of a text. `common`: stems that at the head of a sentence are no name."""
    out: list[Token] = []
    text = text.replace("’", "'")
    head = True
    for found in _TOKEN.finditer(text):
        raw, low = found[0], found[0].lower()
        start, end = found.span()
        if low in _TAILS and start and text[start - 1] == "'":
            continue
        key = spelled(low)
        content = low in _ORDER or (low not in STOP and low not in NEGATION)
        upper = raw[0].isupper()
        kind = "word"
        if raw[0].isdigit():
            kind = "year" if _YEAR.fullmatch(key) else "number"
        elif low in _ORDER or (low in _COUNTS and low != "one"):  # 'one' counts too rarely
            kind = "number"
        elif upper and low in _MONTHS:
            kind = "month"
        elif upper and low in _DAYS:
            kind = "day"
        elif upper and content and not (head and key in common):
            kind = "name"
        out.append(Token(raw, key, kind, start, end, content))
        initial = len(raw) <= 2 and upper
        head = bool(_ENDS.match(text, end)) and not initial
    return out


def held(words: Iterable[str]) -> Held:
    """Of words in lower case."""
    keys = frozenset(map(spelled, words))
    beginnings: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        if len(key) >= _BEGINNING:
            beginnings[key[:_BEGINNING]].add(key)
    return Held(keys, beginnings)


def acronyms(passages: Iterable[Sequence[Token]]) -> set[str]:
    """Initials, in lower case, of neighbouring words with capitals."""
    return {
        "".join(t.text[0] for t in part).lower()
        for passage in passages
        for size in _INITIALS
        for at in range(len(passage) - size + 1)
        for part in [passage[at : at + size]]
        if all(t.text[0].isupper() for t in part)
    }


def absent(said: Sequence[Token], documents: Held, initials: AbstractSet[str]) -> tuple[bool, bool]:
    """Whether a number or date of a claim, and whether a name of it, stands in no document.

    A name of several words is there with any of them, or by its initials. The name that a claim
    begins with is not asked for: documents go on with 'he' or 'the company'.
    """
    dated = any(
        t.kind not in ("word", "name") and t.key not in documents.keys for t in said if t.content
    )
    named = False
    at = 0
    while at < len(said):
        end = at + 1
        if said[at].kind == "name":
            while end < len(said) and _follows(said[end - 1], said[end]):
                end += 1
            span = said[at:end]
            there = (
                any(documents.has(t.key) for t in span)
                or all(t.text.lower() in initials for t in span)
                or "".join(t.text[0] for t in span).lower() in documents.keys
            )
            named |= not there and at > 1
        at = end
    return dated, named


def _follows(one: Token, other: Token) -> bool:
    return other.kind == "name" and other.start - one.end <= 2
