"""Chat messages of many APIs in one form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.messages import answered, asked, flattened, instructions, messages

CALL = {"id": "c1", "name": "weather", "arguments": '{"city": "Rome"}'}
ARGUMENTS = {"city": "Rome"}
SPELLED: dict[str, list[Any]] = {
    "openai": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "hot?"}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function",
             "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "30"},
    ],
    "responses": [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": "hot?"},
        {"type": "function_call", "call_id": "c1", "name": "weather",
         "arguments": '{"city": "Rome"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "30"},
    ],
    "anthropic": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hot?"},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "c1", "name": "weather", "input": ARGUMENTS}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "c1",
             "content": [{"type": "text", "text": "30"}]}]},
    ],
    "gen_ai": [
        {"role": "system", "parts": [{"type": "text", "content": "be brief"}]},
        {"role": "user", "parts": [{"type": "text", "content": "hot?"}]},
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": "c1", "name": "weather", "arguments": ARGUMENTS}]},
        {"role": "tool", "parts": [
            {"type": "tool_call_response", "id": "c1", "response": "30"}]},
    ],
    "vercel": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "hot?"}]},
        {"role": "assistant", "content": [
            {"type": "tool-call", "toolCallId": "c1", "toolName": "weather", "input": ARGUMENTS}]},
        {"role": "tool", "content": [
            {"type": "tool-result", "toolCallId": "c1",
             "output": {"type": "text", "value": "30"}}]},
    ],
    "langchain": [[
        {"lc": 1, "id": ["langchain", "SystemMessage"], "kwargs": {"content": "be brief"}},
        {"lc": 1, "id": ["langchain", "HumanMessage"], "kwargs": {"content": "hot?"}},
        {"lc": 1, "id": ["langchain", "AIMessage"], "kwargs": {"content": "", "tool_calls": [
            {"id": "c1", "name": "weather", "args": ARGUMENTS}]}},
        {"lc": 1, "id": ["langchain", "ToolMessage"],
         "kwargs": {"content": "30", "tool_call_id": "c1"}},
    ]],
}  # fmt: skip


@pytest.mark.parametrize("api", SPELLED)
@pytest.mark.parametrize("as_text", [False, True])
def test_every_api_comes_out_the_same(api: str, as_text: bool) -> None:
    given: Any = SPELLED[api]
    found = messages(json.dumps(given) if as_text else given)
    assert [m["role"] for m in found] == ["system", "user", "assistant", "tool"]
    assert [m["content"] for m in found] == ["be brief", "hot?", "", "30"]
    (call,) = found[2]["tool_calls"]
    assert (call["id"], call["name"]) == ("c1", "weather")
    assert json.loads(call["arguments"]) == ARGUMENTS
    assert found[3]["tool_call_id"] == "c1"
    assert asked(found) == "hot?"
    assert answered(found[2:3]).startswith("weather(")


def test_flattened_attributes_keep_their_order_beyond_nine() -> None:
    found = {f"p.{n}.message.content": str(n) for n in range(12)}
    found |= {"p.3.message.role": "user", "p.3.message.contents.0.message_content.text": "x",
              "p.3.message.tool_calls.0.tool_call.function.name": "f"}  # fmt: skip
    made = flattened(found, "p.")
    assert [m["content"] for m in made] == [str(n) for n in range(12)]
    assert made[3]["tool_calls"] == [{"id": "", "name": "f", "arguments": ""}]


@pytest.mark.parametrize(
    "given",
    [None, "", "plain", "[", 7, [], [7], ["x"], {"a": 1}, [{"content": "a document"}], "[" * 99_999,
     {"messages": None}, [None], [[]], {"messages": 3}],
)  # fmt: skip
def test_what_is_no_message_is_none(given: Any) -> None:
    assert messages(given) == []


def test_a_system_prompt_beside_the_messages_comes_first() -> None:
    found = messages({"system": "be brief", "prompt": "hot?"})
    assert found == [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hot?"}]
    assert instructions('[{"type": "text", "content": "a"}, {"type": "text", "content": "b"}]') == [
        {"role": "system", "content": "a\nb"}
    ]
