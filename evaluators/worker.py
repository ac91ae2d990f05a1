"""The worker: finds unscored traces, judges them, stores scores and embeddings."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from opentelemetry import trace

from evaluators import spending
from evaluators.base import Evaluator, Resources, Result, TextEmbedder, judge
from schemas import control
from schemas.clickhouse import Store
from schemas.control import Control, ControlError, EvaluatorPolicy
from schemas.errors import Permanent, Retryable
from schemas.models import EmbeddingRow, Sample, ScoreRow
from schemas.queries import evaluation, scores, spans, work
from schemas.queries.tools import tool_calls
from schemas.registry import load

log = logging.getLogger(__name__)

BATCH = 512
OVERLAP_SECONDS = 300  # longer than the longest INSERT takes to be seen
SWEEP_SECONDS = 600


def build(resources: Resources) -> list[Evaluator]:
    """Every registered evaluator that can run here; one that cannot be built is logged."""
    made: list[Evaluator] = []
    for name, factory in load("evaluator", "evaluators.metrics").items():
        try:
            evaluator = factory(resources)
        except Exception:
            # A broken plug-in must not stop the others.
            log.exception("evaluator %s is left out: it cannot be built", name)
            continue
        if evaluator is not None:
            made.append(evaluator)
    return made


def share(evaluator: Evaluator, policies: Mapping[str, EvaluatorPolicy]) -> float:
    """The share of traces that an evaluator judges; 0 where it is switched off."""
    asked = evaluator.name in policies or not getattr(evaluator, "on_demand", False)
    policy = policies.get(evaluator.name, EvaluatorPolicy())
    if not asked or not policy.enabled:
        return 0.0
    return evaluator.probability if policy.sample is None else policy.sample


def size(evaluator: Evaluator, share: float) -> int:
    """Traces to look at in one batch: of a judge that costs time or money as many as leave about
    `batch` to judge, so that little is done twice after a crash."""
    few = int(getattr(evaluator, "batch", BATCH))
    return BATCH if share * BATCH <= few else max(1, int(few / share))


def slow(evaluator: Evaluator) -> bool:
    """Whether it asks a judge, or looks at a sample only because it takes long."""
    return evaluator.probability < 1 or hasattr(evaluator, "judge")


def nothing(_: Control) -> list[Evaluator]:
    """No evaluator is defined by the control state."""
    return []


def score_rows(
    evaluator: Evaluator, samples: Sequence[Sample], results: Sequence[Result], now_ms: int,
    probability: float,
) -> list[ScoreRow]:  # fmt: skip
    """The rows of the samples' results. `now_ms` must be from before the work was read, so that a
    span stored meanwhile makes its trace due again."""
    return [
        ScoreRow(
            project=sample.project,
            evaluator=evaluator.name,
            evaluator_version=evaluator.version,
            trace_id=sample.trace_id,
            span_id=sample.span_id,
            span_start=sample.start_time,
            status=result.status,
            value=result.value,
            scored_at=now_ms,
            level=evaluator.level,
            session_id=sample.session_id,
            reason=result.reason,
            explanation=result.explanation,
            probability=probability,
            judge_model=result.model or evaluator.model,
            retention_days=sample.retention_days,
        )
        for sample, result in zip(samples, results, strict=True)
    ]


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


def run_batch(
    store: Store,
    project: str,
    evaluator: Evaluator,
    quiet_seconds: int,
    embedder: TextEmbedder | None = None,
    probability: float | None = None,
    since_ms: int = 0,
) -> int:
    """Judge one batch of unscored traces, stored since `since_ms`, and store the rows; the number
    of traces that were ticked off, judged or not.

    Embeddings, where an embedder is given, are stored before the scores: the scores tick the
    traces off, so a worker that is cut off between the two does both again.
    """
    now_ms = evaluation.now_ms(store)
    chance = evaluator.probability if probability is None else probability
    samples = work.unscored(
        store, project, evaluator.name, evaluator.version, quiet_seconds, size(evaluator, chance),
        since_ms,
    )  # fmt: skip
    if not samples:
        return 0
    if "tools" in evaluator.needs:
        calls = tool_calls(store, project, [sample.trace_id for sample in samples])
        samples = [replace(s, tools=tuple(calls.get(s.trace_id, ()))) for s in samples]
    with trace.get_tracer("assay").start_as_current_span("judge batch") as span:
        span.set_attributes({"evaluator": evaluator.name, "traces": len(samples)})
        _judge_batch(store, project, evaluator, samples, now_ms, embedder, chance)
    return len(samples)


def _judge_batch(
    store: Store, project: str, evaluator: Evaluator, samples: Sequence[Sample], now_ms: int,
    embedder: TextEmbedder | None, probability: float,
) -> None:  # fmt: skip
    if embedder is not None:
        try:
            rows = embedding_rows(embedder, samples, now_ms)
        except Exception:
            # Scores must not wait for ever on texts that cannot be embedded.
            log.exception("%d traces of %s have no embeddings", len(samples), project)
            rows = []
        kept = work.still_stored(store, project, [row.trace_id for row in rows])
        scores.insert_embeddings(store, [row for row in rows if row.trace_id in kept])
    spending.before(store, evaluator)
    results = judge(evaluator, samples, probability)
    spending.after(store, project, evaluator, results)
    made = score_rows(evaluator, samples, results, now_ms, probability)
    # Judging takes its time, and a trace that was deleted in it must not come back as a score.
    kept = work.still_stored(store, project, [row.trace_id for row in made])
    scores.insert_scores(store, [row for row in made if row.trace_id in kept])
    errors = [row.reason for row in made if row.status == "error"]
    if errors:
        log.warning("%s failed on %d traces: %s", evaluator.name, len(errors), errors[0])
    log.info("%s judged %d traces of %s", evaluator.name, len(samples), project)


def run_once(
    store: Store,
    evaluators: Sequence[Evaluator],
    embedder: TextEmbedder | None,
    quiet_seconds: int,
    stopping: Callable[[], bool] = lambda: False,
    since_ms: int = 0,
    defined: Callable[[Control], Sequence[Evaluator]] = nothing,
) -> tuple[int, bool]:
    """One round over all projects: (judgements, whether nothing due was left). Evaluators that
    judge all traffic by themselves are drained first; slow ones then get one batch. The first
    evaluator's pass embeds, where an embedder is given. Control state is read each round; an
    evaluator to which it gives another judge or options is the one that `defined` makes, or none.
    """
    state = control.read(store)
    policies = state.evaluators
    own = {name for name, policy in policies.items() if policy.judge or policy.options}
    local = [e for e in evaluators if e.name not in own]
    named = {e.name: e for e in (*local, *defined(state))}
    shares = {e.name: share(e, policies) for e in named.values()}
    ordered = sorted(
        (e for e in named.values() if shares[e.name] > 0), key=lambda e: (slow(e), e.name)
    )
    total, drained = 0, True
    for project in spans.projects(store):
        for evaluator in ordered:
            shared = embedder if evaluator is ordered[0] else None
            while not stopping():
                done = run_batch(
                    store, project, evaluator, quiet_seconds, shared, shares[evaluator.name],
                    since_ms,
                )  # fmt: skip
                total += done
                if done < size(evaluator, shares[evaluator.name]):
                    break
                if slow(evaluator):
                    drained = False
                    break
    return total, drained and not stopping()


def run(
    connect: Callable[[], Store],
    evaluators: Sequence[Evaluator],
    embedder: TextEmbedder | None,
    quiet_seconds: int,
    poll_seconds: int,
    ready: Path | None,
    stop: threading.Event,
    defined: Callable[[Control], Sequence[Evaluator]] = nothing,
) -> None:
    """Loop until `stop` is set. After a round that left nothing, rounds ask only for what was
    stored lately, and every SWEEP_SECONDS for all that is kept. While ClickHouse is away: wait,
    reconnect, go on; every round that succeeds writes the unix time to `ready`, if one is given.
    """
    store: Store | None = None
    delay, since_ms, swept = 1.0, 0, time.monotonic()
    while not stop.is_set():
        try:
            store = store or connect()
            if time.monotonic() - swept > SWEEP_SECONDS:
                since_ms, swept = 0, time.monotonic()
            begun = evaluation.now_ms(store)
            done, drained = run_once(
                store, evaluators, embedder, quiet_seconds, stop.is_set, since_ms, defined
            )
            if drained:
                since_ms = begun - 1000 * (quiet_seconds + OVERLAP_SECONDS)
            if ready is not None:
                ready.parent.mkdir(parents=True, exist_ok=True)
                ready.write_text(f"{time.time():.0f}\n")
            delay = 1.0
            if not done:
                stop.wait(poll_seconds)
        except (Retryable, Permanent, ControlError) as error:
            log.warning("waiting %.0f s: %s", delay, error)
            if store is not None:
                store.close()
            store = None
            stop.wait(delay)
            delay = min(30.0, delay * 2)
    if store is not None:
        store.close()
