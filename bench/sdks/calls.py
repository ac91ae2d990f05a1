"""The calls that every app on OpenAI's client makes: a tool, its result streamed, errors."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from bench.sdks import planted as p

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": p.TOOL, "description": "Weather of a city.",
                                           "parameters": PARAMETERS}}]  # fmt: skip


def chat(client: Any, **more: Any) -> None:
    """A question with a tool, then its result with the answer streamed."""
    messages: list[Any] = [{"role": "system", "content": p.SYSTEM},
                           {"role": "user", "content": p.QUESTION}]  # fmt: skip
    first = client.chat.completions.create(
        model=p.MODEL, messages=messages, tools=TOOLS, temperature=0.1, **more
    )
    call = first.choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": p.ARGUMENT}
    wanted = {"name": call.function.name, "arguments": call.function.arguments}
    messages += [
        {"role": "assistant", "tool_calls": [{"id": call.id, "type": "function",
                                              "function": wanted}]},
        {"role": "tool", "tool_call_id": call.id, "content": p.RESULT},
    ]  # fmt: skip
    stream = client.chat.completions.create(
        model=p.MODEL, messages=messages, tools=TOOLS, stream=True,
        stream_options={"include_usage": True}, **more,
    )  # fmt: skip
    parts = [c.choices[0].delta.content or "" for c in stream if c.choices]
    assert "".join(parts) == p.ANSWER


def errors(client: Any) -> None:
    """A call that the provider cannot serve, and one that it will not."""
    for model in (p.BROKEN_MODEL, p.LIMITED_MODEL):
        with contextlib.suppress(Exception):
            client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": p.QUESTION}]
            )


def embed(client: Any) -> None:
    client.embeddings.create(model=p.EMBEDDING_MODEL, input=p.QUESTION)


def messages(client: Any) -> None:
    """Anthropic's API: a question with a tool, then its result with the answer streamed."""
    tools = [{"name": p.TOOL, "description": "Weather of a city.", "input_schema": PARAMETERS}]
    said: list[Any] = [{"role": "user", "content": p.QUESTION}]
    asked: dict[str, Any] = {"model": p.CLAUDE, "max_tokens": 100, "system": p.SYSTEM,
                             "tools": tools}  # fmt: skip
    first = client.messages.create(messages=said, **asked)
    call = first.content[0]
    said += [
        {"role": "assistant", "content": [{"type": "tool_use", "id": call.id, "name": call.name,
                                           "input": call.input}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id,
                                      "content": p.RESULT}]},
    ]  # fmt: skip
    stream = client.messages.create(messages=said, stream=True, **asked)
    parts = [event.delta.text for event in stream if event.type == "content_block_delta"]
    assert "".join(parts) == p.ANSWER
    with contextlib.suppress(Exception):
        client.messages.create(messages=said[:1], **{**asked, "model": p.BROKEN_MODEL})
