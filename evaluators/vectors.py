"""Embeddings of what was scored: computed, and stored beside the scores."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from evaluators.base import TextEmbedder
from schemas.clickhouse import Store
from schemas.models import EmbeddingRow, Sample
from schemas.queries import scores, work

log = logging.getLogger(__name__)


def embedding_rows(
    embedder: TextEmbedder, samples: Sequence[Sample], now_ms: int
) -> list[EmbeddingRow]:
    """One row per text of a sample that is not empty, field 'input' or 'output'."""
    texts = [
        (sample, field, text)
        for sample in samples
        for field, text in (("input", sample.question), ("output", sample.answer))
        if text.strip()
    ]
    vectors = embedder.embed([text for _, _, text in texts])
    return [
        EmbeddingRow(
            sample.project,
            field,
            embedder.name,
            sample.trace_id,
            sample.span_id,
            sample.start_time,
            vector.tolist(),
            now_ms,
            sample.retention_days,
        )
        for (sample, field, _), vector in zip(texts, vectors, strict=True)
    ]


def keep(
    store: Store, project: str, embedder: TextEmbedder, seen: Sequence[Sample], now_ms: int
) -> None:
    try:
        rows = embedding_rows(embedder, seen, now_ms)
    except Exception:
        # Scores must not wait for ever on texts that cannot be embedded.
        log.exception("%d traces of %s have no embeddings", len(seen), project)
        return
    kept = work.still_stored(store, project, [row.trace_id for row in rows])
    scores.insert_embeddings(store, [row for row in rows if row.trace_id in kept])
