"""Evaluators by a head: the chance that a text is of a kind that should not be there."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.base import Result, TextEmbedder, scored, version_of
from evaluators.judges.heads import BUCKETS, READ, SIZES, WINDOW, Head, windows
from schemas.models import Sample

MOST = 200  # windows of a sample that are read
SHOWN = 100  # characters of a window in an explanation


class Guard:
    """The greatest chance over the windows of the texts of one field. 1 is bad."""

    level = "trace"
    probability = 1.0
    on_demand = True

    def __init__(self, name: str, field: str, head: Head, embedder: TextEmbedder) -> None:
        self.name = name
        self.needs = (field,)
        self._field, self._head, self._embedder = field, head, embedder
        self.model = f"{embedder.name}, head {head.revision}"
        self.version = version_of(
            {
                "model": self.model, "field": field, "window": WINDOW, "most": MOST, "read": READ,
                "grams": (BUCKETS, SIZES), "revision": 1,
            }
        )  # fmt: skip

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        parts = [self._parts(sample) for sample in samples]
        texts = [text for found in parts for _, text in found]
        left = iter(self._head.chances(texts, self._embedder))
        out = []
        for found in parts:
            chances = [next(left) for _ in found]
            best = max(range(len(found)), key=chances.__getitem__)
            number, text = found[best]
            where = f"document {number + 1}: " if self._field == "documents" else ""
            note = f'{where}"{text[:SHOWN]}"' if len(found) > 1 else ""
            out.append(scored(chances[best], note))
        return out

    def _parts(self, sample: Sample) -> list[tuple[int, str]]:
        given = getattr(sample, self._field)
        every = (given,) if isinstance(given, str) else tuple(given)
        found = [(i, part) for i, text in enumerate(every) for part in windows(text) if part]
        return found[:MOST]
