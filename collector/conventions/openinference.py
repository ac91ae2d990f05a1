"""OpenInference: `openinference.span.kind` and flattened llm.* and retrieval.* attributes."""

from __future__ import annotations

from collector.conventions.rules import Convention, Tool
from schemas.registry import register


@register("convention", "openinference")
def rules() -> Convention:
    return Convention(
        name="openinference",
        mark=("openinference.", "llm.input_messages.", "retrieval.documents."),
        kind_attribute="openinference.span.kind",
        columns={
            "input": ("input.value",),
            "output": ("output.value",),
            "model": ("llm.response.model_name", "llm.model_name", "llm.request.model_name",
                      "embedding.model_name", "reranker.model_name"),
            "provider": ("llm.provider", "llm.system"),
            "session_id": ("session.id",),
            "user_id": ("user.id",),
            "prompt_name": ("llm.prompt_template.name",),
            "prompt_version": ("llm.prompt_template.version",),
            "tags": ("tag.tags",),
            "document_source": ("document.source",),
            "input_tokens": ("llm.token_count.prompt",),
            "output_tokens": ("llm.token_count.completion",),
            "cache_read_tokens": ("llm.token_count.prompt_details.cache_read",),
            "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
            "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
            "finish_reason": ("llm.finish_reason",),
            "cost_usd": ("llm.cost.total",),
        },
        documents_prefix="retrieval.documents.",
        messages_in=("llm.input_messages.",),
        messages_out=("llm.output_messages.",),
        tool=Tool(("tool.name",), ("tool.id", "tool_call.id")),
        first_token={"assay.first_token_ns": 1},  # what `assay export` writes
        first_token_events=("First Token Stream Event",),
    )  # fmt: skip
