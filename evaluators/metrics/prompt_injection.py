"""Prompt injection: does a question, or a retrieved document, give orders to the application?"""

from __future__ import annotations

from evaluators.base import Resources
from evaluators.guard import Guard
from evaluators.judges.heads import Head
from schemas.registry import register


@register("evaluator", "prompt_injection")
def prompt_injection(resources: Resources) -> Guard:
    """In what the user says. Model card: docs/models/heads.md."""
    return Guard("prompt_injection", "question", Head("prompt_injection"), resources.embedder)


@register("evaluator", "document_injection")
def document_injection(resources: Resources) -> Guard:
    """In retrieved documents: the greatest chance over all of them."""
    return Guard("document_injection", "documents", Head("prompt_injection"), resources.embedder)
