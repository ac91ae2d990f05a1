"""Frozen topics as streams: which are watched, and what inputs that are of none are about."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from monitors.series import DAY_NS, Held
from monitors.topics import OUTSIDE, Topics, known_file, load, words
from schemas.clickhouse import Store
from schemas.control import TOPICS
from schemas.queries import mixes
from schemas.queries.mixes import NO_TOPIC, Frozen
from schemas.queries.topics import inputs

log = logging.getLogger("assay.monitors")


def watch_topics(held: Held, home: Path, project: str) -> None:
    """Watch the project's frozen topics, or none. A file that cannot be read is said in the log,
    and the topics before it stay."""
    path = known_file(home, project)
    if path is None:
        held.topics, held.topics_version = None, ""
        return
    try:
        topics = load(path)
        if not 0 < len(topics.labels) == len(topics.centres) <= TOPICS:
            raise ValueError(f"{len(topics.labels)} topics; 1 to {TOPICS} can be watched")
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.error("topics of %s are not watched: %s: %s", project, path, error)
        return
    if topics.version != held.topics_version:
        held.topics, held.topics_version = frozen(topics), topics.version


def frozen(topics: Topics) -> Frozen:
    """As queries take them."""
    return Frozen(topics.centres.tolist(), topics.labels, topics.far)


def appeared(
    store: Store, project: str, topics: Frozen, onset_ns: int, end_ns: int
) -> tuple[str, int]:
    """(words that set inputs of no topic since the onset apart, how many there are)."""
    rows = inputs(store, project, onset_ns, end_ns)
    rows = [row for row in rows if len(row["vector"]) == len(topics.centres[0])]
    if not rows:
        return "", 0
    vectors = np.array([row["vector"] for row in rows], np.float64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    near = (vectors @ np.array(topics.centres).T).max(1)
    which = np.where(1 - near > topics.far, 0, OUTSIDE).astype(np.int64)
    return words([row["text"] for row in rows], which, 1)[0], int((which == 0).sum())


def examples(
    store: Store, project: str, topics: Frozen, topic: str, onset_ns: int, end_ns: int
) -> dict[str, list[str]]:
    """Traces whose inputs are of a topic, before and after an onset."""
    return {
        "before": mixes.topic_traces(store, project, topics, topic, onset_ns - DAY_NS, onset_ns),
        "after": mixes.topic_traces(store, project, topics, topic, onset_ns, end_ns),
    }


def new_topic(
    store: Store, project: str, topics: Frozen, topic: str, rose: bool, onset_ns: int, end_ns: int
) -> str:
    """A sentence about what appeared, "" where it is no growth of inputs of no topic."""
    if topic != NO_TOPIC or not rose:
        return ""
    name, count = appeared(store, project, topics, onset_ns, end_ns)
    return f"a new topic appeared: {name} ({count} inputs that are of no known topic)"
