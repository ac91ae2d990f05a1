"""The money side of the worker: budgets know the store's sums, the store gets what was used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from evaluators.base import Evaluator, Result, Usage
from evaluators.judges.budget import Budget, today
from schemas.clickhouse import Store
from schemas.models import JudgeUsageRow
from schemas.queries import judging


def before(store: Store, evaluator: Evaluator) -> None:
    """Tell the evaluator's budget, if it has one, what the store says was spent today: by other
    workers too, and before a restart."""
    budget = getattr(getattr(evaluator, "backend", None), "budget", None)
    if isinstance(budget, Budget) and budget.limited:
        day = today()
        budget.seen(day, judging.spent(store, getattr(evaluator, "judge", ""), day))


def after(store: Store, project: str, evaluator: Evaluator, results: Sequence[Result]) -> Usage:
    """Store what the results took, by the model that answered; the sum."""
    by_model: defaultdict[str, Usage] = defaultdict(Usage)
    for result in results:
        if result.usage is not None and result.usage.requests:
            by_model[result.model or evaluator.model] += result.usage
    day, judge = today(), getattr(evaluator, "judge", "")
    judging.insert_usage(
        store,
        [
            JudgeUsageRow(
                project, day, judge, evaluator.name, evaluator.version, model, used.requests,
                used.retries, used.failed, used.input_tokens, used.output_tokens, used.cost_usd,
                used.unpriced,
            )
            for model, used in by_model.items()
        ],
    )  # fmt: skip
    return sum(by_model.values(), Usage())
