"""Answers to what people ask on pages: the search of `assay rootcause` over stored traces, topics
that moved, tests of alerts."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from monitors.rootcause.explain import explain
from monitors.rootcause.leaves import LeavesError, leaves
from monitors.subjects import subjects
from schemas import topics, tries
from schemas.clickhouse import Store
from schemas.models import Observation, QuestionRow
from schemas.queries import questions, scores
from schemas.questions import Question, read

log = logging.getLogger("assay.monitors")
BLOCKS = 20  # into which the reference window is cut; the current one into blocks as long
FEWEST = 20  # traces on each side


Attempt = Callable[[str, int], dict[str, Any]]  # an alert's name, when it was asked (ms)


def nobody(name: str, _asked_ms: int) -> dict[str, Any]:
    raise ValueError(f"nothing here sends a test of {name}")


def answer_waiting(store: Store, attempt: Attempt = nobody) -> int:
    """Answer what waits; how many were answered. `attempt` tests an alert. A question that cannot
    be answered gets the reason as its answer. Raises Retryable, Permanent where ClickHouse fails.
    """
    found = questions.waiting(store)
    for row in found:
        try:
            if name := tries.wanted(row["document"]):
                said, status = attempt(name, int(row["asked_ms"])), "answered"
            elif ranges := topics.wanted(row["document"]):
                said, status = subjects(store, row["project"], ranges), "answered"
            else:
                asked = read(row["document"])
                said, status = answer(asked, values(store, row["project"], asked)), "answered"
        except (LeavesError, ValueError, KeyError, TypeError) as error:
            said, status = {"error": str(error)[:500]}, "failed"
        log.info("question %s of %s: %s", row["question_id"], row["project"], status)
        questions.insert_questions(store, [
            QuestionRow(row["project"], row["question_id"], row["document"], status,
                        json.dumps(said), int(row["asked_ms"]), time.time_ns() // 10**3)
        ])  # fmt: skip
    return len(found)


def values(store: Store, project: str, asked: Question) -> list[Observation]:
    """What the question is about, by trace; of scores the version that judged most in the
    windows."""
    if not asked.metric.startswith("score:"):
        return questions.trace_values(store, project, asked.metric, asked.start_ns, asked.end_ns)
    name = asked.metric.removeprefix("score:")
    versions = [
        scores.observations(store, project, name, row["version"], asked.start_ns, asked.end_ns)
        for row in scores.evaluators(store, project) if row["evaluator"] == name
    ]  # fmt: skip
    return max(versions, key=len, default=[])


def answer(asked: Question, rows: list[Observation]) -> dict[str, Any]:
    """The explanation as plain data: kind, before, after, p_change, causes, parts, candidates and
    the counts that it rests on. Raises LeavesError, ValueError."""
    time_of = np.array([row.time for row in rows], dtype=np.int64)
    late = time_of >= asked.split_ns
    before, after = int((~late).sum()), int(late.sum())
    if min(before, after) < FEWEST:
        raise ValueError(
            f"{before} traces before and {after} after have a value; {FEWEST} a side are needed"
        )
    length = max(1, (asked.split_ns - asked.start_ns) // BLOCKS)
    cut = (time_of - asked.split_ns) // length
    kept = np.unique(cut)
    total = np.array([row.value for row in rows], dtype=np.float64)
    held = {
        name: [row.segment.get(name, "") for row in rows]
        for name in asked.columns
        if len({row.segment.get(name, "") for row in rows}) > 1
    }
    found = explain(leaves(held, np.searchsorted(kept, cut), total, np.ones(len(total))), kept >= 0)
    return {
        "kind": found.kind, "before": found.before, "after": found.after,
        "p_change": found.p_change, "causes": [asdict(cause) for cause in found.causes],
        "parts": [[what, share] for what, share in found.parts], "blocks": list(found.blocks),
        "n_before": before, "n_after": after, "columns": list(held),
    }  # fmt: skip
