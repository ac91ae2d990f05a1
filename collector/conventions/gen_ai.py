"""OpenTelemetry GenAI semantic conventions, newest names first, deprecated ones still read."""

from __future__ import annotations

from collector.conventions.rules import Convention, Tool
from schemas.registry import register


@register("convention", "gen_ai")
def rules() -> Convention:
    return Convention(
        name="gen_ai",
        mark=("gen_ai.",),
        kind_attribute="gen_ai.operation.name",
        kinds={
            "chat": "LLM", "text_completion": "LLM", "generate_content": "LLM",
            "embeddings": "EMBEDDING", "retrieval": "RETRIEVER", "execute_tool": "TOOL",
            "invoke_agent": "AGENT", "create_agent": "AGENT", "invoke_workflow": "CHAIN",
        },
        columns={
            "input": ("gen_ai.input.messages", "gen_ai.prompt", "gen_ai.retrieval.query.text",
                      "gen_ai.tool.call.arguments"),
            "output": ("gen_ai.output.messages", "gen_ai.completion", "gen_ai.tool.call.result"),
            "model": ("gen_ai.response.model", "gen_ai.request.model"),
            "provider": ("gen_ai.provider.name", "gen_ai.system"),
            "session_id": ("gen_ai.conversation.id", "session.id"),
            "user_id": ("user.id", "enduser.id"),
            "prompt_name": ("gen_ai.prompt.name",),
            "prompt_version": ("gen_ai.prompt.version",),
            "document_source": ("document.source", "gen_ai.data_source.id"),
            "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
            "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
            "cache_read_tokens": ("gen_ai.usage.cache_read.input_tokens",
                                  "gen_ai.usage.cache_read_input_tokens"),
            "cache_write_tokens": ("gen_ai.usage.cache_creation.input_tokens",
                                   "gen_ai.usage.cache_creation_input_tokens",
                                   "gen_ai.usage.cache_write.input_tokens"),
            "reasoning_tokens": ("gen_ai.usage.reasoning.output_tokens",
                                 "gen_ai.usage.reasoning_tokens",
                                 "gen_ai.usage.details.reasoning_tokens"),
            "finish_reason": ("gen_ai.response.finish_reasons",),
            "cost_usd": ("gen_ai.usage.cost", "operation.cost"),
        },
        documents="gen_ai.retrieval.documents",
        messages_in=("gen_ai.input.messages", "gen_ai.prompt.", "gen_ai.prompt"),
        messages_out=("gen_ai.output.messages", "gen_ai.completion.", "gen_ai.completion"),
        system=("gen_ai.system_instructions",),
        tool=Tool(("gen_ai.tool.name",), ("gen_ai.tool.call.id",), ("gen_ai.tool.call.arguments",),
                  ("gen_ai.tool.call.result",)),
        first_token={"gen_ai.response.time_to_first_chunk": 10**9,
                     "gen_ai.client.operation.time_to_first_chunk": 10**9,
                     "gen_ai.server.time_to_first_token": 10**9},
        general=True,
    )  # fmt: skip
