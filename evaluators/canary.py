"""Judge drift: the same rows are scored again on a schedule, and compared with themselves.

An evaluator's version names the model that was asked for; behind an endpoint that name may come to
mean another. A set's first five runs of a version are its null; each later run is paired with them.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from math import nan

import numpy as np

from evaluators import spending
from evaluators.base import Evaluator, judge
from evaluators.reading import sample
from schemas import control
from schemas.canaries import CanaryPolicy, CanaryRunRow, CanaryScoreRow
from schemas.clickhouse import Store
from schemas.control import Control
from schemas.estimates.shift import FEWEST, Shift, compare, verdict
from schemas.queries import canary, evaluation

log = logging.getLogger(__name__)

MANY_ERRORS = 0.1  # a run that lost more rows than this says nothing
LOOK_SECONDS = 60.0  # between looks at what is due
ACCOUNT = "(canary)"  # under this name stands what the runs cost


def run(store: Store, evaluator: Evaluator, policy: CanaryPolicy) -> CanaryRunRow | None:
    """Score the evaluator's set once and store what it says; None without a set."""
    rows = canary.current(store, evaluator.name)
    if not rows:
        return None
    set_id, now_ms = rows[0]["set_id"], evaluation.now_ms(store)
    spending.before(store, evaluator)
    results = judge(evaluator, [sample(json.loads(row["row"]), n) for n, row in enumerate(rows, 1)])
    spending.after(store, ACCOUNT, evaluator, results)
    run_id = uuid.uuid4().hex
    made = [
        CanaryScoreRow(
            evaluator.name, evaluator.version, set_id, run_id, row["item"], result.status,
            result.value if result.status == "scored" else nan, result.reason,
            result.model or evaluator.model, now_ms,
        )
        for row, result in zip(rows, results, strict=True)
    ]  # fmt: skip
    before = repeats(store, evaluator, set_id, [row.item for row in made])
    values = np.array([row.value for row in made])
    lost = sum(row.status == "error" for row in made)
    found = Shift(nan, nan, nan, nan, 0)
    if lost > MANY_ERRORS * len(made) or np.isnan(values).all():
        said = "failed"
    elif len(before) < FEWEST:
        said = "null"
    else:
        try:
            found = compare(before, values)
            said = verdict(found, policy.margin)
        except ValueError:
            said = "failed"
    mean = float(np.nanmean(values)) if not np.isnan(values).all() else nan
    models = json.dumps(sorted({row.judge_model for row in made if row.status == "scored"}))
    whole = CanaryRunRow(
        evaluator.name, evaluator.version, set_id, run_id, said, len(made), lost, mean,
        found.shift, found.low, found.high, found.detectable, models, now_ms,
    )  # fmt: skip
    canary.insert_run(store, whole, made)
    if said in {"drifted", "failed"}:
        log.warning("canary: %s %s: %s", evaluator.name, said, sentence(whole))
    return whole


def repeats(
    store: Store, evaluator: Evaluator, set_id: str, items: Sequence[str]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The null of a version and set: runs x items, NaN where a run has no score."""
    null = {
        row["run_id"] for row in canary.runs(store, evaluator.name, evaluator.version)
        if row["verdict"] == "null" and row["set_id"] == set_id
    }  # fmt: skip
    place = {item: n for n, item in enumerate(items)}
    made = {run_id: np.full(len(items), nan) for run_id in sorted(null)}
    for row in canary.values(store, evaluator.name, evaluator.version, set_id):
        if row["run_id"] in made and row["item"] in place and row["status"] == "scored":
            made[row["run_id"]][place[row["item"]]] = row["value"]
    return np.array(list(made.values())).reshape(len(made), len(items))


def sentence(found: CanaryRunRow) -> str:
    """A run in words."""
    said = f"mean {found.mean:.3f} of {found.items} rows"
    if found.errors:
        said += f", {found.errors} errors"
    if found.verdict in {"good", "changed", "drifted"}:
        said += (
            f", shift {found.shift:+.4f} (99%: {found.low:+.4f} to {found.high:+.4f}), smallest"
            f" detectable {found.detectable:.4f}"
        )
    return said


class Keeper:
    """Runs what is due, for a worker; `made` gives the evaluators of a state of control."""

    def __init__(
        self, made: Callable[[Control], Sequence[Evaluator]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._made = made
        self._clock = clock
        self._looked = float("-inf")

    def __call__(self, store: Store) -> int:
        """Look at most once a minute; how many runs were made."""
        if self._clock() - self._looked < LOOK_SECONDS:
            return 0
        self._looked = self._clock()
        names = set(canary.evaluators(store))
        if not names:
            return 0
        state = control.read(store)
        built = {each.name: each for each in self._made(state) if each.name in names}
        return sum(self._due(store, each, state.canaries) for each in built.values())

    def _due(self, store: Store, evaluator: Evaluator, policies: Mapping[str, CanaryPolicy]) -> int:
        policy = policies.get(evaluator.name, CanaryPolicy())
        if not policy.enabled:
            return 0
        rows = canary.current(store, evaluator.name)
        past = [
            row for row in canary.runs(store, evaluator.name, evaluator.version)
            if rows and row["set_id"] == rows[0]["set_id"]
        ]  # fmt: skip
        null = sum(row["verdict"] == "null" for row in past)
        last = past[-1] if past else None
        # One repeat a look: five in one minute would share whatever that minute has.
        soon = null < FEWEST and (last is None or last["verdict"] == "null")
        waited = evaluation.now_ms(store) - int(last["ran_ms"]) if last else 0
        if not soon and waited < policy.every * 3_600_000:
            return 0
        return int(run(store, evaluator, policy) is not None)
