"""The worker: finds what is unscored, judges it, stores scores and embeddings."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import nan
from pathlib import Path

from opentelemetry import trace

from evaluators import joint, retry, spending, vectors
from evaluators.base import Evaluator, Resources, Result, TextEmbedder, sampled, unscored
from evaluators.budgets import Budgets
from evaluators.plan import Assignment, assignments, bundles, slow
from evaluators.shed import Shedder
from evaluators.tally import Tally
from schemas import control
from schemas.clickhouse import Store
from schemas.control import Control, ControlError
from schemas.errors import Permanent, Retryable
from schemas.evaluation import Item
from schemas.models import Sample, ScoreRow
from schemas.queries import evaluation, samples, scores, work
from schemas.queries.tools import tool_calls
from schemas.queries.work import Split
from schemas.registry import load

log = logging.getLogger(__name__)

OVERLAP_SECONDS = 300  # longer than the longest INSERT takes to be seen
SWEEP_SECONDS = 600
Drawn = tuple[Item, float, str]  # with the probability of being judged, and the rule


@dataclass(slots=True)
class Desk:
    """What a worker keeps between batches."""

    split: Split = field(default_factory=Split)
    tally: Tally = field(default_factory=Tally)
    shedder: Shedder = field(default_factory=Shedder)
    budgets: Budgets | None = None

    def __post_init__(self) -> None:
        self.budgets = self.budgets or Budgets(self.split)


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


def nothing(_: Control) -> list[Evaluator]:
    """No evaluator is defined by the control state."""
    return []


def texts(
    store: Store, project: str, assignment: Assignment, items: Sequence[Item]
) -> dict[tuple[str, str], Sample]:
    """What the evaluator sees of the items, by (trace id, span id); of one that was deleted
    meanwhile nothing."""
    if not items:
        return {}
    if assignment.level == "session":
        found = samples.of_sessions(store, project, [item.session_id for item in items])
        by_session = {sample.session_id: sample for sample in found}
        return {
            (item.trace_id, item.span_id): by_session[item.session_id]
            for item in items if item.session_id in by_session
        }  # fmt: skip
    if assignment.level == "span":
        found = samples.of_spans(store, project, [(item.trace_id, item.span_id) for item in items])
        return {(sample.trace_id, sample.span_id): sample for sample in found}
    found = samples.of_traces(store, project, [item.trace_id for item in items])
    if "tools" in assignment.evaluator.needs:
        calls = tool_calls(store, project, [sample.trace_id for sample in found])
        found = [replace(s, tools=tuple(calls.get(s.trace_id, ()))) for s in found]
    by_trace = {sample.trace_id: sample for sample in found}
    return {
        (item.trace_id, item.span_id): by_trace[item.trace_id]
        for item in items if item.trace_id in by_trace
    }  # fmt: skip


def score_row(
    assignment: Assignment, drawn: Drawn, result: Result, now_ms: int, tried_ms: int
) -> ScoreRow:
    """The row of one result. `now_ms` must be from before the work was read, so that a span stored
    meanwhile makes its trace due again; a retry counts from `tried_ms`."""
    item, probability, rule = drawn
    attempts, again = retry.schedule(result.status, result.reason, item.tries, tried_ms)
    return ScoreRow(
        project=item.project,
        evaluator=assignment.name,
        evaluator_version=assignment.version,
        trace_id=item.trace_id,
        span_id=item.span_id,
        span_start=item.start_time,
        status=result.status,
        value=result.value if result.status == "scored" else nan,
        scored_at=now_ms,
        level=assignment.level,
        session_id=item.session_id,
        reason=result.reason,
        explanation=result.explanation,
        # What a client's own sampler dropped stands behind what it kept.
        probability=probability * item.kept,
        judge_model=result.model or assignment.evaluator.model,
        retention_days=item.retention_days,
        rule=rule,
        attempts=attempts,
        retry_at=again,
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """What an evaluator is to do next. `factor` multiplies every probability; `now_ms` is from
    before the items were found."""

    assignment: Assignment
    items: Sequence[Item]
    factor: float
    now_ms: int


def look(
    store: Store, project: str, assignment: Assignment, desk: Desk, since_ms: int = 0,
    among: int = 1,
) -> Batch:  # fmt: skip
    """The next batch of what is due, stored since `since_ms`; its size as one of `among`
    evaluators that are asked together."""
    now_ms = evaluation.now_ms(store)
    key = _key(project, assignment)
    size = assignment.size(desk.shedder.now(key), among)
    found = work.due(
        store, project, assignment.name, assignment.version, assignment.quiet, size, since_ms,
        assignment.level, assignment.kinds, [rule for _, rule in assignment.rules], desk.split,
    )  # fmt: skip
    lag = max(0.0, (now_ms - found.oldest_ms) / 1000 - assignment.quiet) if found.oldest_ms else 0.0
    factor = desk.shedder.factor(key, lag) if slow(assignment.evaluator) else 1.0
    desk.tally.saw(project, assignment.name, found.queue, lag, assignment.probability * factor)
    return Batch(assignment, found.items, factor, now_ms)


def _key(project: str, assignment: Assignment) -> tuple[str, str]:
    return project, f"{assignment.name}/{assignment.level}"


def run_batch(
    store: Store, project: str, assignment: Assignment, desk: Desk | None = None,
    embedder: TextEmbedder | None = None, since_ms: int = 0,
) -> int:  # fmt: skip
    """`run_bundle` of one."""
    return run_bundle(store, project, (assignment,), desk, embedder, since_ms)[0]


def run_bundle(
    store: Store, project: str, bundle: Sequence[Assignment], desk: Desk | None = None,
    embedder: TextEmbedder | None = None, since_ms: int = 0,
) -> list[int]:  # fmt: skip
    """Judge one batch of what is due for each of a bundle, stored since `since_ms`, and store the
    rows; the number of items that were ticked off for each, judged or not.

    Who is drawn is decided before a text is read. Embeddings, where an embedder is given, are
    stored before the scores: the scores tick the items off, so a worker that is cut off between
    the two does both again.
    """
    desk = desk or Desk()
    found = [look(store, project, each, desk, since_ms, len(bundle)) for each in bundle]
    full = [batch for batch in found if batch.items]
    if full:
        with trace.get_tracer("assay").start_as_current_span("judge batch") as span:
            names = ", ".join(batch.assignment.name for batch in full)
            span.set_attributes({"evaluator": names, "items": len(full[0].items)})
            work_off(store, project, full, desk, embedder)
    return [len(batch.items) for batch in found]


def _draw(
    store: Store, assignment: Assignment, desk: Desk, item: Item, factor: float
) -> tuple[Drawn, str]:
    """(the item with its probability, why it is not judged or '')."""
    chance, rule = assignment.chance(item)
    chance *= factor
    drawn = (item, chance, rule)
    if not sampled(item.key, chance, joint.salt(assignment.evaluator)):
        return drawn, "not sampled"
    budget = dict(assignment.rules)[rule].budget if rule else None
    if desk.budgets is not None and not desk.budgets.take(store, rule, budget):
        return drawn, "budget"
    return drawn, ""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A batch after the draw: each item with why it is not judged or '', and what is judged."""

    batch: Batch
    decided: Sequence[tuple[Drawn, str]]
    judged: Sequence[Drawn]
    samples: Sequence[Sample]


def work_off(
    store: Store, project: str, batches: Sequence[Batch], desk: Desk,
    embedder: TextEmbedder | None = None,
) -> None:  # fmt: skip
    """Draw, judge and store the items of these batches; evaluators that join are asked as one."""
    drawn = [_drawn(store, project, batch, desk, embedder) for batch in batches]
    for each in drawn:
        spending.before(store, each.batch.assignment.evaluator)
    told = joint.judged([(each.batch.assignment.evaluator, each.samples) for each in drawn])
    for each, results in zip(drawn, told, strict=True):
        _keep(store, project, each, results, desk)


def _drawn(
    store: Store, project: str, batch: Batch, desk: Desk, embedder: TextEmbedder | None
) -> _Drawn:
    assignment = batch.assignment
    decided = [_draw(store, assignment, desk, item, batch.factor) for item in batch.items]
    taken = [drawn for drawn, why in decided if not why]
    embeds = embedder is not None and assignment.level == "trace"
    read = list(batch.items) if embeds else [item for item, _, _ in taken]
    seen = texts(store, project, assignment, read)
    if embedder is not None and embeds:
        vectors.keep(store, project, embedder, list(seen.values()), batch.now_ms)
    # One that was deleted meanwhile has no texts, and must have no score.
    judged = [drawn for drawn in taken if (drawn[0].trace_id, drawn[0].span_id) in seen]
    return _Drawn(batch, decided, judged, [seen[i.trace_id, i.span_id] for i, _, _ in judged])


def _keep(store: Store, project: str, drawn: _Drawn, results: Sequence[Result], desk: Desk) -> None:
    assignment = drawn.batch.assignment
    spending.after(store, project, assignment.evaluator, results)
    tried_ms = evaluation.now_ms(store)
    made = [
        score_row(assignment, one, result, drawn.batch.now_ms, tried_ms)
        for one, result in [
            *((one, unscored(why)) for one, why in drawn.decided if why),
            *zip(drawn.judged, results, strict=True),
        ]
    ]
    # Judging takes its time, and what was deleted in it must not come back as a score.
    kept = work.still_stored(store, project, sorted({row.trace_id for row in made}))
    scores.insert_scores(store, [row for row in made if row.trace_id in kept])
    _count(project, assignment, desk, made)


def _count(project: str, assignment: Assignment, desk: Desk, rows: Sequence[ScoreRow]) -> None:
    statuses = Counter(
        row.status if row.status == "scored" else f"{row.status} {row.reason.partition(':')[0]}"
        for row in rows
    )
    again = sum(row.attempts > 1 for row in rows)
    given_up = sum(
        row.status == "error" and retry.passing(row.reason) and not row.retry_at for row in rows
    )
    desk.tally.did(project, assignment.name, statuses, again, given_up)
    errors = [row.reason for row in rows if row.status == "error"]
    if errors:
        log.warning("%s failed on %d items: %s", assignment.name, len(errors), errors[0])
    log.info("%s ticked off %d items of %s", assignment.name, len(rows), project)


def run_once(
    store: Store,
    evaluators: Sequence[Evaluator],
    embedder: TextEmbedder | None,
    quiet_seconds: int,
    stopping: Callable[[], bool] = lambda: False,
    since_ms: int = 0,
    defined: Callable[[Control], Sequence[Evaluator]] = nothing,
    desk: Desk | None = None,
) -> tuple[int, bool]:
    """One round over the projects that have something: (items ticked off, whether nothing due was
    left). Evaluators that judge all traffic by themselves are drained first; slow ones then get one
    batch. The first evaluator's pass embeds, where an embedder is given. Control state is read each
    round; an evaluator to which it gives another judge or options is the one that `defined` makes,
    or none.
    """
    desk = desk or Desk()
    state = control.read(store)
    policies = state.evaluators
    own = {name for name, policy in policies.items() if policy.judge or policy.options}
    local = [e for e in evaluators if e.name not in own]
    named = list({e.name: e for e in (*local, *defined(state))}.values())
    total, drained = 0, True
    for project in work.projects(store, since_ms):
        ordered = bundles(assignments(named, state, project, quiet_seconds))
        for bundle in ordered:
            shared = embedder if bundle is ordered[0] else None
            while not stopping():
                done = run_bundle(store, project, bundle, desk, shared, since_ms)
                total += sum(done)
                sizes = [e.size(desk.shedder.now(_key(project, e)), len(bundle)) for e in bundle]
                if all(n < size for n, size in zip(done, sizes, strict=True)):
                    break
                if slow(bundle[0].evaluator):
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
    desk: Desk | None = None,
    folder: Path | None = None,
    chore: Callable[[Store], object] | None = None,
) -> None:
    """Loop until `stop` is set. After a round that left nothing, rounds ask only for what was
    stored lately, and every SWEEP_SECONDS for all that is kept. While ClickHouse is away: wait,
    reconnect, go on; every round that succeeds writes the unix time to `ready`, and what was done
    and is left into `folder`, where they are given, and does the `chore`.
    """
    desk = desk or Desk()
    store: Store | None = None
    delay, since_ms, swept = 1.0, 0, time.monotonic()
    while not stop.is_set():
        try:
            store = store or connect()
            if time.monotonic() - swept > SWEEP_SECONDS:
                since_ms, swept = 0, time.monotonic()
            begun = evaluation.now_ms(store)
            done, drained = run_once(
                store, evaluators, embedder, quiet_seconds, stop.is_set, since_ms, defined, desk
            )
            if drained:
                since_ms = begun - 1000 * (quiet_seconds + OVERLAP_SECONDS)
            if chore is not None:
                chore(store)
            if folder is not None:
                desk.tally.save(folder)
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
