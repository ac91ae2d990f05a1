"""Pydantic AI and Logfire: what they add to the GenAI conventions on spans of agents."""

from __future__ import annotations

from collector.conventions.rules import Convention
from schemas.registry import register


@register("convention", "pydantic_ai")
def rules() -> Convention:
    return Convention(
        name="pydantic_ai",
        mark=("pydantic_ai.", "logfire."),
        columns={"model": ("model_name",), "output": ("final_result",)},
        messages_in=("pydantic_ai.all_messages", "all_messages_events"),
    )
