"""Verdicts, embeddings and what people made of them, for the spans of bench/many.py.

They are made inside ClickHouse from the root spans that are there, so that ten million spans get
their millions of scores in a minute or two. Values are drawn by hashes: the same spans are judged
the same.
"""

from __future__ import annotations

import json
import random
import time

from bench.instance import Instance
from bench.payload import PROJECT
from schemas import datasets
from schemas.clickhouse import Store
from schemas.models import FindingRow
from schemas.queries import findings, scores, spans
from schemas.review import RANDOM
from ui import review

EVALUATORS = ("groundedness", "answer_relevance")
DAY = 86_400 * 10**9
SIZE = 384  # of an embedding, as MiniLM's
EVERY = 20  # traces of which one has an embedding
ITEMS = 100  # of the data set, and of the queue of items to label

_SCORES = """
INSERT INTO scores (project, evaluator, evaluator_version, level, trace_id, span_id, session_id,
                    span_start, status, value, reason, explanation, probability, judge_model,
                    scored_at, retention_days)
WITH cityHash64(trace_id, {evaluator:String}, {version:String}) AS drawn
SELECT project, {evaluator:String}, {version:String}, 'trace', trace_id, span_id, session_id,
       start_time, if(drawn % 50 = 0, 'unscored', 'scored'),
       if(drawn % 50 = 0, nan, pow((drawn % 9973) / 9973, 0.3)),
       if(drawn % 50 = 0, 'no documents', ''), '', 1, '', start_time + INTERVAL 30 SECOND, 30
FROM spans
WHERE project = {project:String} AND parent_span_id = '' AND toDate(start_time) = {day:String}
  AND cityHash64(trace_id) % {every:UInt32} = 0
"""
_EMBEDDINGS = """
INSERT INTO embeddings (project, field, model, trace_id, span_id, span_start, vector, created_at)
SELECT project, field, 'bench', trace_id, span_id, start_time,
       arrayMap(n -> toFloat32(cityHash64(trace_id, field, n) % 2001 / 1000 - 1),
                range({size:UInt32})), now64(3)
FROM spans ARRAY JOIN ['input', 'output'] AS field
WHERE project = {project:String} AND parent_span_id = '' AND toDate(start_time) = {day:String}
  AND cityHash64(trace_id, 'embedding') % {every:UInt32} = 0
"""


def judge(instance: Instance) -> None:
    """Judge what is not judged yet: all roots by both evaluators, one in ten by an older version
    too, an embedding of one in EVERY; a finding, a data set, a queue. Nothing where it was done."""
    store = instance.store()
    if scores.evaluators(store, PROJECT):
        return
    days = [row["day"] for row in store.rows(
        "SELECT DISTINCT toString(toDate(first)) AS day FROM trace_times"
        " WHERE project = {project:String} ORDER BY day", project=PROJECT)]  # fmt: skip
    for day in days:
        for evaluator in EVALUATORS:
            for version, every in (("1", 10), ("2", 1)):
                store.command(_SCORES, project=PROJECT, day=day, evaluator=evaluator,
                              version=version, every=every)  # fmt: skip
        store.command(_EMBEDDINGS, project=PROJECT, day=day, size=SIZE, every=EVERY)
    _found(store)
    first, last = spans.time_range(store, PROJECT)
    newest = spans.list_traces(store, PROJECT, first, last + 1, ITEMS)
    datasets.add(store, PROJECT, "golden", [row["trace_id"] for row in newest], "", "bench")
    review.draw(store, PROJECT, EVALUATORS[0], "1", (0, last), mode=RANDOM, wanted=ITEMS, twice=0.2,
                author="bench")  # fmt: skip
    _labelled(store)
    print(f"judged: {len(days)} days", flush=True)


def _found(store: Store) -> None:
    """A finding four days before the end, on one model."""
    _, last = spans.time_range(store, PROJECT)
    onset = last - 4 * DAY
    rows = spans.list_traces(store, PROJECT, onset, last, 3)
    segment = {"model": rows[0]["segment_model"]}
    details = {
        "sentence": f"groundedness fell for model {segment['model']}", "version": "2",
        "candidates": [{"segment": segment, "share": 0.9, "effect": -0.2, "effect_low": -0.3,
                        "effect_high": -0.1, "n": 900}],
        "examples": {"after": [row["trace_id"] for row in rows]},
    }  # fmt: skip
    now = time.time_ns() // 10**6
    findings.insert_findings(store, [
        FindingRow(PROJECT, "bench", EVALUATORS[0], "mean_shift", json.dumps(segment), "confirmed",
                   onset // 10**6, onset // 10**6, last // 10**6, 900, 900, 0.8, 0.6, -0.2, -0.3,
                   -0.1, 0.001, 0.9, json.dumps(details), now)
    ])  # fmt: skip


def _labelled(store: Store) -> None:
    """Half the queue's items, by somebody who agrees with the judge in four of five."""
    from schemas.queries.review import queue

    draw = random.Random(7)
    for item in queue(store, PROJECT, EVALUATORS[0])[: ITEMS // 2]:
        good = draw.random() < 0.8
        review.say(store, PROJECT, EVALUATORS[0], item, "bench", "Yes" if good else "No",
                   float(good), "")  # fmt: skip
