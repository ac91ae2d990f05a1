"""Langfuse's SDK: langfuse.observation.* and langfuse.trace.* attributes."""

from __future__ import annotations

from collector.conventions.rules import Convention
from schemas.registry import register


@register("convention", "langfuse")
def rules() -> Convention:
    return Convention(
        name="langfuse",
        mark=("langfuse.",),
        kind_attribute="langfuse.observation.type",
        kinds={
            "generation": "LLM", "span": "CHAIN", "retriever": "RETRIEVER", "tool": "TOOL",
            "agent": "AGENT", "chain": "CHAIN", "embedding": "EMBEDDING",
        },
        columns={
            "input": ("langfuse.observation.input", "langfuse.trace.input"),
            "output": ("langfuse.observation.output", "langfuse.trace.output"),
            "model": ("langfuse.observation.model.name",),
            "session_id": ("session.id", "langfuse.session.id"),
            "user_id": ("user.id", "langfuse.user.id"),
            "prompt_version": ("langfuse.observation.prompt.version",),
            "environment": ("langfuse.environment",),
        },
    )  # fmt: skip
