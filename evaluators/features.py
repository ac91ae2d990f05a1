"""Groundedness features: how much of an answer its documents support, each in [0, 1].

Every feature is a share or a flag, so none rewards a long or a short answer as such.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

NAMES = (
    "word_overlap",
    "content_overlap",
    "bigram_overlap",
    "rare_overlap",
    "best_sentence_overlap",
    "names_supported",
    "numbers_supported",
    "negation_agrees",
)
MAX_CHARACTERS = 40_000  # of the documents together; bounds the cost of one trace

_WORD = re.compile(r"\w+(?:[.,]\d+)*(?:['’]\w+)?", re.UNICODE)
_SENTENCE = re.compile(r"(?<=[.!?。!?])\s+|\n+")
_NEGATION_TEXT = "no not never none nobody nothing neither nor cannot without n't hardly"
_STOP_TEXT = """a an the and or but if of to in on at by for with from as is are was were be been
    being am do does did done have has had having it its this that these those there here i you he
    she we they me him her us them my your his our their what which who whom whose when where why
    how not no so than then too very can could will would shall should may might must just also
    about into over after before out up down off again s t don im ive its thats"""
_NEGATION = frozenset(_NEGATION_TEXT.split())
STOP = frozenset(_STOP_TEXT.split())


@dataclass(frozen=True, slots=True)
class Compared:
    """The features in the order of NAMES, the best sentence, and the words that it lacks."""

    values: tuple[float, ...]
    sentence: str
    missing: tuple[str, ...]


def words(text: str) -> list[str]:
    """Lower-cased words; "can't" gives "can", "n't" so that negation stays visible."""
    found: list[str] = []
    for raw in _WORD.findall(text.lower().replace("’", "'")):
        word, _, tail = raw.partition("'")
        if tail == "t" and word.endswith("n"):
            found += [word[:-1] or "n", "n't"]
        else:
            found.append(word)
    return found


def stem(word: str) -> str:
    """A light English stem: plural, -ed, -ing and -ly endings off words of five letters and up."""
    if len(word) > 4 and word[0].isalpha():
        for ending in ("ing", "ies", "ied", "ed", "es", "ly", "s"):
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                return word[: -len(ending)].rstrip("ey")
    return word.rstrip("ey") if len(word) > 4 else word


def sentences(documents: Sequence[str]) -> list[str]:
    """The documents' sentences, at most MAX_CHARACTERS of text in all."""
    text = "\n".join(documents)[:MAX_CHARACTERS]
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def share(items: Sequence[str], held: frozenset[str] | set[str], default: float = 1.0) -> float:
    """Share of the items that are held; `default` where there is no item."""
    return sum(item in held for item in items) / len(items) if items else default


def _weighted(items: Sequence[str], held: frozenset[str], idf: Mapping[str, float]) -> float:
    top = idf.get("", 1.0)
    total = sum(idf.get(item, top) for item in items)
    return sum(idf.get(i, top) for i in items if i in held) / total if total else 0.0


def compare(answer: str, documents: Sequence[str], idf: Mapping[str, float]) -> Compared:
    """Compare an answer with its documents. `idf` maps stems to rarity; key '' holds the top."""
    said = words(answer)
    stems = [stem(w) for w in said]
    content = [stem(w) for w in said if w not in STOP and w not in _NEGATION] or stems
    parts = sentences(documents)
    tokens = [words(part) for part in parts]
    stemmed = [frozenset(stem(w) for w in t) for t in tokens]
    held = frozenset[str]().union(*stemmed)
    flat = [stem(w) for t in tokens for w in t]
    pairs = {f"{a} {b}" for a, b in pairwise(flat)}
    said_pairs = [f"{a} {b}" for a, b in pairwise(stems)]
    support = [_weighted(content, s, idf) for s in stemmed]
    best = max(range(len(parts)), key=support.__getitem__, default=-1)
    names = [
        stem(raw.lower())
        for raw in re.findall(r"(?<![.!?] )(?<!^)\b[^\W\d_a-z]\w+", answer)
        if raw.lower() not in STOP
    ]
    numbers = [w for w in said if w[0].isdigit()]
    negated = any(w in _NEGATION for w in said)
    there = best >= 0 and any(w in _NEGATION for w in tokens[best])
    values = (
        share(stems, held, 0.0),
        share(content, held, 0.0),
        share(said_pairs, pairs, share(stems, held, 0.0)),
        _weighted(content, held, idf),
        support[best] if best >= 0 else 0.0,
        share(names, held),
        share(numbers, held),
        float(negated == there),
    )
    absent = dict.fromkeys(w for w in said if w not in STOP and stem(w) not in held)
    return Compared(values, parts[best] if best >= 0 else "", tuple(absent))
