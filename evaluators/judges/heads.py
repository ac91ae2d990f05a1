"""Small classifiers of one text on the embedder that is there anyway: toxicity, prompt injection.

A head is a logistic regression over hashed character n-grams of a text and, where its weights have
any for it, the MiniLM embedding (weights/NAME.npz, made by bench/train_heads.py). Numpy only.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluators.base import TextEmbedder

WEIGHTS = Path(str(files("evaluators.judges").joinpath("weights")))
BUCKETS = 2**14
SIZES = (2, 3, 4)  # characters of an n-gram within a word, word marks included
READ = 4000  # characters of a text
WINDOW = 90  # words that are read at once; the embedder reads 128 pieces
Array = NDArray[np.float64]
_SPACE = re.compile(r"\s+")
_HANDLE = re.compile(r"https?://\S+|@\w+|&#?\w+;")


def plain(text: str) -> str:
    """Lower case without accents, addresses and handles, letters that are drawn out cut to two."""
    folded = unicodedata.normalize("NFKD", text[:READ].casefold())
    kept = "".join(c for c in folded if not unicodedata.combining(c))
    return _SPACE.sub(" ", re.sub(r"(.)\1{2,}", r"\1\1", _HANDLE.sub(" ", kept))).strip()


def buckets(text: str) -> NDArray[np.int64]:
    """The distinct buckets (CRC-32 modulo BUCKETS) of a text's n-grams and words, sorted."""
    grams: set[str] = set()
    for word in re.findall(r"\w+|[^\w\s]", plain(text)):
        marked = f"<{word}>"
        grams.add(marked)
        for size in SIZES:
            grams.update(marked[i : i + size] for i in range(len(marked) - size + 1))
    found = {zlib.crc32(gram.encode()) % BUCKETS for gram in grams}
    return np.array(sorted(found), np.int64)


def windows(text: str) -> list[str]:
    """Parts of at most WINDOW words, overlapping by a third, so that one sentence among many is
    read as closely as alone."""
    said = text[: 20 * READ].split()
    step = WINDOW * 2 // 3
    starts = range(0, max(1, len(said) - WINDOW + step), step)
    return [" ".join(said[i : i + WINDOW]) for i in starts]


class Head:
    """Texts to chances in [0, 1]. The weights load at the first call."""

    def __init__(self, name: str, folder: Path = WEIGHTS) -> None:
        self._path = folder / f"{name}.npz"
        self.revision = hashlib.sha256(self._path.read_bytes()).hexdigest()[:12]

    @cached_property
    def _loaded(self) -> tuple[Array, Array, float, float]:
        with np.load(self._path) as stored:
            grams = stored["grams"].astype(np.float64) * float(stored["scale"])
            return (
                stored["embedding"].astype(np.float64), grams, float(stored["intercept"]),
                float(stored["weight"]),
            )  # fmt: skip

    def chances(self, texts: Sequence[str], embedder: TextEmbedder) -> list[float]:
        """One chance per text, in order, rounded since the padding of a batch moves last bits."""
        if not texts:
            return []
        dense, grams, intercept, weight = self._loaded
        z = np.full(len(texts), intercept)
        if dense.any():  # a head may do without the embedding
            vectors = np.asarray(embedder.embed([plain(text) for text in texts]), np.float64)
            z += vectors @ dense
        for i, text in enumerate(texts):
            found = buckets(text)
            if len(found):
                z[i] += weight * grams[found].sum() / np.sqrt(len(found))
        return [round(float(p), 4) for p in 1 / (1 + np.exp(-np.clip(z, -30, 30)))]
