"""Answers to what people ask on pages: the search of `assay rootcause` over stored traces, topics
that moved, tests of alerts."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from monitors.rootcause.explain import explain
from monitors.rootcause.leaves import LeavesError
from monitors.rootcause.stored import Asked, gather
from monitors.subjects import subjects
from monitors.topic_streams import frozen
from monitors.topics import known_file, load
from schemas import topics, tries
from schemas.clickhouse import Store
from schemas.models import QuestionRow
from schemas.queries import questions
from schemas.queries.mixes import Frozen
from schemas.questions import Question, read

log = logging.getLogger("assay.monitors")
BLOCKS = 20  # into which the reference window is cut; the current one into blocks as long


Attempt = Callable[[str, int], dict[str, Any]]  # an alert's name, when it was asked (ms)


def nobody(name: str, _asked_ms: int) -> dict[str, Any]:
    raise ValueError(f"nothing here sends a test of {name}")


def answer_waiting(store: Store, attempt: Attempt = nobody, home: Path | None = None) -> int:
    """Answer what waits; how many were answered. `attempt` tests an alert; `home` holds the frozen
    topics. A question that cannot be answered gets the reason as its answer. Raises Retryable,
    Permanent where ClickHouse fails."""
    found = questions.waiting(store)
    for row in found:
        try:
            if name := tries.wanted(row["document"]):
                said, status = attempt(name, int(row["asked_ms"])), "answered"
            elif ranges := topics.wanted(row["document"]):
                said, status = subjects(store, row["project"], ranges), "answered"
            else:
                asked = read(row["document"])
                known = frozen_topics(home, row["project"], asked.columns)
                said, status = answer(store, row["project"], asked, known), "answered"
        except (LeavesError, ValueError, KeyError, TypeError) as error:
            said, status = {"error": str(error)[:500]}, "failed"
        log.info("question %s of %s: %s", row["question_id"], row["project"], status)
        questions.insert_questions(store, [
            QuestionRow(row["project"], row["question_id"], row["document"], status,
                        json.dumps(said), int(row["asked_ms"]), time.time_ns() // 10**3)
        ])  # fmt: skip
    return len(found)


def answer(
    store: Store, project: str, asked: Question, topics: Frozen | None = None
) -> dict[str, Any]:
    """The explanation as plain data: kind, before, after, p_change, causes, parts, candidates and
    the counts that it rests on. Raises LeavesError, ValueError."""
    held = gather(
        store, project,
        Asked(
            asked.metric.removeprefix("score:"), asked.start_ns, asked.split_ns, asked.end_ns,
            max(1, (asked.split_ns - asked.start_ns) // BLOCKS), asked.columns,
        ),
        topics,
    )  # fmt: skip
    found = explain(held.rows, held.current)
    return {
        "kind": found.kind, "before": found.before, "after": found.after,
        "p_change": found.p_change, "causes": [asdict(cause) for cause in found.causes],
        "parts": [[what, share] for what, share in found.parts], "blocks": list(found.blocks),
        "n_before": held.before, "n_after": held.after, "columns": list(held.rows.columns),
        "one_in": held.one_in, "least_p": found.least_p,
    }  # fmt: skip


def frozen_topics(home: Path | None, project: str, columns: Sequence[str]) -> Frozen | None:
    """The topics of a project where a column stands on them. Raises ValueError where a file of them
    cannot be read."""
    path = None if home is None else known_file(home, project)
    if "topic" not in columns or path is None:
        return None
    try:
        return frozen(load(path))
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(f"the topics of {project} cannot be read: {error}") from error
