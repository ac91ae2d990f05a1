"""What of a text can be compared without a model: its length, words and script."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np

from monitors.windows import Floats

LOOKED_AT = 200  # characters of a text that decide its script


def lengths(texts: Sequence[str]) -> Floats:
    """Characters per text."""
    return np.array([len(t) for t in texts], dtype=np.float64)


def script(text: str) -> str:
    """The commonest script of a text's letters by Unicode's names ('LATIN', 'CJK'), or 'NONE'."""
    names = Counter(
        unicodedata.name(c, "NONE").split(" ")[0] for c in text[:LOOKED_AT] if c.isalpha()
    )
    return names.most_common(1)[0][0] if names else "NONE"


def codes(reference: Sequence[str], current: Sequence[str]) -> tuple[Floats, Floats]:
    """Categories as numbers that both windows share."""
    known = {v: n for n, v in enumerate(sorted({*reference, *current}))}
    return (
        np.array([known[v] for v in reference], dtype=np.float64),
        np.array([known[v] for v in current], dtype=np.float64),
    )
