"""OpenLLMetry: traceloop.* entities beside gen_ai.* names."""

from __future__ import annotations

from collector.conventions.rules import Convention, Tool
from schemas.registry import register


@register("convention", "openllmetry")
def rules() -> Convention:
    return Convention(
        name="openllmetry",
        mark=("traceloop.",),
        kind_attribute="traceloop.span.kind",
        kinds={"workflow": "CHAIN", "task": "CHAIN", "agent": "AGENT", "tool": "TOOL"},
        columns={
            "input": ("traceloop.entity.input",),
            "output": ("traceloop.entity.output",),
            "session_id": ("traceloop.association.properties.session_id",),
            "user_id": ("traceloop.association.properties.user_id",),
            "prompt_name": ("traceloop.prompt.key",),
            "prompt_version": ("traceloop.prompt.version",),
            "tags": ("traceloop.association.properties.tags",),
        },
        tool=Tool(name=("traceloop.entity.name",)),
        first_token_events=("llm.content.completion.chunk", "gen_ai.content.completion.chunk"),
    )
