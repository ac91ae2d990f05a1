"""The parts of a question and the sentences of an answer, for evaluators that go part by part."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evaluators.base import TextEmbedder
from evaluators.evidence import split

_ASKS = (
    r"(?:what|who|whom|whose|when|where|why|which|how|is|are|was|were|do|does|did|can|could|will"
    r"|would|should|list|name|explain|describe|tell|give|compare|show|summari[sz]e)"
)
_AND = re.compile(rf"(?:[,;]\s*(?:and|or|also|then)?|\s+(?:and|or|also))\s+(?={_ASKS}\b)", re.I)
_ITEM = re.compile(r"(?m)^\s*(?:\d{1,2}[.)]|[-*•])\s+")
FEWEST = 2  # words of a part


def parts(question: str) -> list[str]:
    """What a question asks for, part by part: items of a list, sentences that ask, and clauses
    that begin with a word that asks. At least one part; statements around a question are none."""
    found: list[str] = []
    for block in _ITEM.split(question):
        for sentence in split(block):
            found += [piece.strip(" ,;") for piece in _AND.split(sentence)]
    asked = [p for p in found if p.endswith("?") or re.match(_ASKS + r"\b", p, re.I)]
    kept = [p for p in asked or found if len(p.split()) >= FEWEST and not p.endswith(":")]
    return list(dict.fromkeys(kept)) or [question.strip()]


def nearest(
    embedder: TextEmbedder, wanted: Sequence[Sequence[str]], given: Sequence[Sequence[str]]
) -> list[list[float]]:
    """Of each wanted text of each sample the cosine of the given text that is nearest to it, -1
    where nothing is given. All texts are embedded in one call."""
    texts = [text for group in (*wanted, *given) for text in group]
    if not texts:
        return [[] for _ in wanted]
    vectors = embedder.embed(texts)
    at, places = 0, []
    for group in (*wanted, *given):
        places.append((at, at + len(group)))
        at += len(group)
    out: list[list[float]] = []
    for (a, b), (c, d) in zip(places[: len(wanted)], places[len(wanted) :], strict=True):
        if c == d:
            out.append([-1.0] * (b - a))
            continue
        # Rounded, since the padding of a batch moves the last bits of a vector.
        out.append([round(float(v), 4) for v in (vectors[a:b] @ vectors[c:d].T).max(axis=1)])
    return out
