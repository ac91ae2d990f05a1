"""Langfuse's SDK: langfuse.observation.* and langfuse.trace.* attributes."""

from __future__ import annotations

from collector.conventions.rules import Convention
from schemas.registry import register

_USAGE = "langfuse.observation.usage_details"


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
            "prompt_name": ("langfuse.observation.prompt.name",),
            "prompt_version": ("langfuse.observation.prompt.version",),
            "tags": ("langfuse.trace.tags",),
            "service_version": ("langfuse.release", "langfuse.version"),
            "finish_reason": ("langfuse.observation.metadata.finish_reason",),
            "status_message": ("langfuse.observation.status_message",),
            "environment": ("langfuse.environment",),
        },
        # Langfuse counts cached input beside the rest of it, not within.
        inside={
            "input_tokens": (_USAGE, ("input", "input_*", "cache_*", "prompt_tokens")),
            "output_tokens": (_USAGE, ("output", "output_*", "completion_tokens")),
            "cache_read_tokens": (_USAGE, ("input_cached_tokens", "cache_read_input_tokens",
                                           "prompt_tokens_details.cached_tokens")),
            "cache_write_tokens": (_USAGE, ("cache_creation_input_tokens",)),
            "reasoning_tokens": (_USAGE, ("output_reasoning_tokens",
                                          "completion_tokens_details.reasoning_tokens")),
            "cost_usd": ("langfuse.observation.cost_details", ("total",)),
        },
        messages_in=("langfuse.observation.input", "langfuse.trace.input"),
        messages_out=("langfuse.observation.output", "langfuse.trace.output"),
        first_token={"langfuse.observation.completion_start_time": 0},
    )  # fmt: skip
