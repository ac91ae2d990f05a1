"""Groundedness features: how much of an answer its documents support, each in [0, 1].

Every feature is a share or a flag, so none rewards a long or a short answer as such.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evaluators.evidence import Documents
from evaluators.words import STOP, raw_words, stem, words

NAMES = (
    "raw_overlap",
    "word_overlap",
    "content_overlap",
    "bigram_overlap",
    "rare_overlap",
    "best_sentence_overlap",
    "names_supported",
    "numbers_supported",
    "negation_agrees",
)
_NEGATION_TEXT = "no not never none nobody nothing neither nor cannot without n't hardly"
NEGATION = frozenset(_NEGATION_TEXT.split())


@dataclass(frozen=True, slots=True)
class Compared:
    """The features in the order of NAMES, the index of the passage that holds most of the answer
    (-1 where there is none), and the words that no passage holds."""

    values: tuple[float, ...]
    passage: int
    missing: tuple[str, ...]


def share(items: Sequence[str], held: frozenset[str] | set[str], default: float = 1.0) -> float:
    """Share of the items that are held; `default` where there is no item."""
    return sum(item in held for item in items) / len(items) if items else default


def _weighted(items: Sequence[str], held: frozenset[str], idf: Mapping[str, float]) -> float:
    top = idf.get("", 1.0)
    total = sum(idf.get(item, top) for item in items)
    return sum(idf.get(i, top) for i in items if i in held) / total if total else 0.0


def compare(answer: str, documents: Documents, idf: Mapping[str, float]) -> Compared:
    """Compare an answer with its documents. `idf` maps stems to rarity; key '' holds the top."""
    said = words(answer)
    stems = [stem(w) for w in said]
    content = [stem(w) for w in said if w not in STOP and w not in NEGATION] or stems
    held = documents.stems
    said_pairs = [f"{a} {b}" for a, b in pairwise(stems)]
    support = [_weighted(content, p.stems, idf) for p in documents.passages]
    best = max(range(len(support)), key=support.__getitem__, default=-1)
    near = documents.passages[best] if best >= 0 else None
    names = [
        stem(raw.lower())
        for raw in re.findall(r"(?<![.!?] )(?<!^)\b[^\W\d_a-z]\w+", answer)
        if raw.lower() not in STOP
    ]
    numbers = [w for w in said if w[0].isdigit()]
    negated = any(w in NEGATION for w in said)
    there = near is not None and any(w in NEGATION for w in near.words)
    values = (
        share(raw_words(answer), documents.words, 0.0),
        share(stems, held, 0.0),
        share(content, held, 0.0),
        share(said_pairs, documents.pairs, share(stems, held, 0.0)),
        _weighted(content, held, idf),
        support[best] if best >= 0 else 0.0,
        share(names, held),
        share(numbers, held),
        float(negated == there),
    )
    absent = dict.fromkeys(w for w in said if w not in STOP and stem(w) not in held)
    return Compared(values, best, tuple(absent))
