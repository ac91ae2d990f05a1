"""What judges cost, by day."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from schemas.clickhouse import Store
from schemas.models import JudgeUsageRow
from schemas.queries.scope import across_projects


def insert_usage(store: Store, rows: Sequence[JudgeUsageRow]) -> None:
    """Add what was used. Two batches may well have used the same: each has a token of its own."""
    store.insert("judge_usage", rows, uuid.uuid4().hex)


@across_projects("a judge's budget is one, whoever uses it")
def spent(store: Store, judge: str, day: date) -> float:
    """US dollars that a judge took on a day (UTC), over all projects: its budget is one."""
    (row,) = store.rows(
        "SELECT sum(cost_usd) AS usd FROM judge_usage"
        " WHERE judge = {judge:String} AND day = {day:Date}",
        judge=judge,
        day=day,
    )
    return float(row["usd"])


def usage(store: Store, project: str, since: date) -> list[dict[str, Any]]:
    """By judge, evaluator, version and model since a day: requests, retries, failed, input_tokens,
    output_tokens, cost_usd, unpriced (answers that cost_usd leaves out)."""
    return store.rows(
        """
        SELECT toString(judge) AS judge, toString(evaluator) AS evaluator,
               toString(evaluator_version) AS version, toString(model) AS model,
               sum(requests) AS requests, sum(retries) AS retries, sum(failed) AS failed,
               sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
               sum(cost_usd) AS cost_usd, sum(unpriced) AS unpriced
        FROM judge_usage WHERE project = {project:String} AND day >= {since:Date}
        GROUP BY judge, evaluator, version, model ORDER BY judge, evaluator, version, model
        """,
        project=project,
        since=since,
    )
