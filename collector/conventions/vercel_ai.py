"""Vercel's AI SDK: ai.* attributes; its calls of models bear some gen_ai.* names, too."""

from __future__ import annotations

from collector.conventions.rules import Convention, Tool
from schemas.registry import register


@register("convention", "vercel_ai")
def rules() -> Convention:
    return Convention(
        name="vercel_ai",
        mark=("ai.",),
        kind_attribute="ai.operationId",
        kinds={
            "ai.generateText": "CHAIN", "ai.streamText": "CHAIN", "ai.generateObject": "CHAIN",
            "ai.streamObject": "CHAIN", "ai.embed": "CHAIN", "ai.embedMany": "CHAIN",
            "ai.generateText.doGenerate": "LLM", "ai.streamText.doStream": "LLM",
            "ai.generateObject.doGenerate": "LLM", "ai.streamObject.doStream": "LLM",
            "ai.embed.doEmbed": "EMBEDDING", "ai.embedMany.doEmbed": "EMBEDDING",
            "ai.rerank.doRerank": "RERANKER", "ai.toolCall": "TOOL",
        },
        columns={
            "input": ("ai.prompt", "ai.value", "ai.values", "ai.toolCall.args"),
            "output": ("ai.response.text", "ai.response.object", "ai.toolCall.result"),
            "model": ("ai.response.model", "ai.model.id"),
            "provider": ("ai.model.provider",),
            "session_id": ("ai.telemetry.metadata.sessionId",),
            "user_id": ("ai.telemetry.metadata.userId",),
            "tags": ("ai.telemetry.metadata.tags",),
            "prompt_name": ("ai.telemetry.functionId",),
            "prompt_version": ("ai.telemetry.metadata.promptVersion",),
            "input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
            "output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
            "cache_read_tokens": ("ai.usage.cachedInputTokens",
                                  "ai.usage.inputTokenDetails.cacheReadTokens"),
            "cache_write_tokens": ("ai.usage.inputTokenDetails.cacheWriteTokens",),
            "reasoning_tokens": ("ai.usage.reasoningTokens",
                                 "ai.usage.outputTokenDetails.reasoningTokens"),
            "finish_reason": ("ai.response.finishReason",),
        },
        messages_in=("ai.prompt.messages", "ai.prompt"),
        calls=("ai.response.toolCalls",),
        tool=Tool(("ai.toolCall.name",), ("ai.toolCall.id",), ("ai.toolCall.args",),
                  ("ai.toolCall.result",)),
        first_token={"ai.response.msToFirstChunk": 10**6},
        first_token_events=("ai.stream.firstChunk",),
    )  # fmt: skip
