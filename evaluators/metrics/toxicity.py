"""Toxicity: does the answer insult, threaten or demean? By a head on the embedder."""

from __future__ import annotations

from evaluators.base import Resources
from evaluators.guard import Guard
from evaluators.judges.heads import Head
from schemas.registry import register


@register("evaluator", "toxicity")
def toxicity(resources: Resources) -> Guard:
    """Share the worker's embedder. Model card: docs/models/heads.md."""
    return Guard("toxicity", "answer", Head("toxicity"), resources.embedder)
