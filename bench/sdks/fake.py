"""A fake of the OpenAI and Anthropic HTTP APIs, which also keeps the OTLP requests it is sent.

It answers with a tool call where tools are offered and no result has come back, else with the
planted answer; models of BROKEN_MODEL and LIMITED_MODEL answer 500 and 429. Streams are SSE.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench.sdks import planted as p

FIRST_CHUNK = 0.03  # seconds until a stream begins, so that a time to first token is not 0
Json = dict[str, Any]
USAGE: Json = {
    "prompt_tokens": p.INPUT_TOKENS, "completion_tokens": p.OUTPUT_TOKENS,
    "total_tokens": p.INPUT_TOKENS + p.OUTPUT_TOKENS,
    "prompt_tokens_details": {"cached_tokens": p.CACHED_TOKENS, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": p.REASONING_TOKENS, "audio_tokens": 0,
                                  "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
}  # fmt: skip
RESPONSE_USAGE: Json = {
    "input_tokens": p.INPUT_TOKENS, "output_tokens": p.OUTPUT_TOKENS,
    "total_tokens": p.INPUT_TOKENS + p.OUTPUT_TOKENS,
    "input_tokens_details": {"cached_tokens": p.CACHED_TOKENS},
    "output_tokens_details": {"reasoning_tokens": p.REASONING_TOKENS},
}  # fmt: skip
# Anthropic counts cached input beside the rest of it.
MESSAGE_USAGE: Json = {
    "input_tokens": p.INPUT_TOKENS - p.CACHED_TOKENS, "output_tokens": p.OUTPUT_TOKENS,
    "cache_read_input_tokens": p.CACHED_TOKENS, "cache_creation_input_tokens": 0,
}  # fmt: skip
ARGUMENTS = json.dumps({"city": p.ARGUMENT})
CHAT: Json = {"id": p.RESPONSE_ID, "created": 1_767_225_600, "model": p.ANSWERED_BY,
              "system_fingerprint": "fp_planted", "service_tier": "default"}  # fmt: skip
WORDS = [word + " " for word in p.ANSWER.split()[:-1]] + p.ANSWER.split()[-1:]


@dataclass(frozen=True, slots=True)
class Received:
    """A request that was no call of a model: what an exporter sent."""

    path: str
    content_type: str
    authorization: str
    body: bytes


def _wants_tool(body: Json) -> bool:
    said = json.dumps(body.get("messages") or body.get("input") or [])
    return bool(body.get("tools")) and not any(
        mark in said for mark in ('"role": "tool"', '"tool_result"', '"function_call_output"')
    )


def _chat(body: Json) -> Json:
    call = {"id": "call_planted", "type": "function",
            "function": {"name": p.TOOL, "arguments": ARGUMENTS}}  # fmt: skip
    tool = _wants_tool(body)
    message: Json = {"role": "assistant", "content": None if tool else p.ANSWER, "refusal": None}
    if tool:
        message["tool_calls"] = [call]
    choice = {"index": 0, "message": message, "logprobs": None,
              "finish_reason": "tool_calls" if tool else "stop"}  # fmt: skip
    return {**CHAT, "object": "chat.completion", "choices": [choice], "usage": USAGE}


def _chat_chunks(body: Json) -> Iterator[tuple[str, Any]]:
    (whole,) = _chat(body)["choices"]
    message = whole["message"]
    calls = [{"index": 0, **c} for c in message.get("tool_calls", [])]
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"tool_calls": [c]} for c in calls] or [{"content": word} for word in WORDS]
    base = {**CHAT, "object": "chat.completion.chunk"}
    for delta in deltas:
        choice = {"index": 0, "delta": delta, "finish_reason": None, "logprobs": None}
        yield "", {**base, "choices": [choice], "usage": None}
    end = {"index": 0, "delta": {}, "finish_reason": whole["finish_reason"], "logprobs": None}
    yield "", {**base, "choices": [end], "usage": None}
    yield "", {**base, "choices": [], "usage": USAGE}
    yield "", "[DONE]"


def _item(body: Json) -> Json:
    if _wants_tool(body):
        return {"type": "function_call", "id": "fc_planted", "call_id": "call_planted",
                "name": p.TOOL, "arguments": ARGUMENTS, "status": "completed"}  # fmt: skip
    part = {"type": "output_text", "text": p.ANSWER, "annotations": [], "logprobs": []}
    return {"type": "message", "id": "msg_planted", "role": "assistant", "status": "completed",
            "content": [part]}  # fmt: skip


def _response(body: Json, done: bool = True) -> Json:
    echoed = {k: body.get(k) for k in ("instructions", "tools", "temperature", "top_p")}
    return {
        "id": "resp_planted", "object": "response", "created_at": 1_767_225_600,
        "model": p.ANSWERED_BY, "status": "completed" if done else "in_progress",
        "output": [_item(body)] if done else [], "usage": RESPONSE_USAGE if done else None,
        "parallel_tool_calls": True, "tool_choice": "auto", "metadata": {}, "error": None,
        "incomplete_details": None, "service_tier": "default", "text": {"format": {"type": "text"}},
        "truncation": "disabled", **echoed, "tools": body.get("tools") or [],
    }  # fmt: skip


def _response_events(body: Json) -> Iterator[tuple[str, Any]]:
    item, number = _item(body), iter(range(100))

    def event(kind: str, **more: Any) -> tuple[str, Any]:
        return kind, {"type": kind, "sequence_number": next(number), **more}

    at: Json = {"output_index": 0, "item_id": item["id"]}
    yield event("response.created", response=_response(body, False))
    if item["type"] == "function_call":
        empty = {**item, "arguments": "", "status": "in_progress"}
        yield event("response.output_item.added", output_index=0, item=empty)
        yield event("response.function_call_arguments.delta", **at, delta=ARGUMENTS)
        yield event("response.function_call_arguments.done", **at, arguments=ARGUMENTS,
                    name=p.TOOL)  # fmt: skip
    else:
        empty = {**item, "content": [], "status": "in_progress"}
        yield event("response.output_item.added", output_index=0, item=empty)
        part = {**item["content"][0], "text": ""}
        yield event("response.content_part.added", **at, content_index=0, part=part)
        for word in WORDS:
            yield event("response.output_text.delta", **at, content_index=0, delta=word,
                        logprobs=[])  # fmt: skip
        yield event("response.output_text.done", **at, content_index=0, text=p.ANSWER, logprobs=[])
        yield event("response.content_part.done", **at, content_index=0, part=item["content"][0])
    yield event("response.output_item.done", output_index=0, item=item)
    yield event("response.completed", response=_response(body))


def _message(body: Json) -> Json:
    tool = _wants_tool(body)
    call = {"type": "tool_use", "id": "toolu_planted", "name": p.TOOL,
            "input": {"city": p.ARGUMENT}}  # fmt: skip
    return {
        "id": "msg_planted", "type": "message", "role": "assistant", "model": body["model"],
        "content": [call] if tool else [{"type": "text", "text": p.ANSWER}],
        "stop_reason": "tool_use" if tool else "end_turn", "stop_sequence": None,
        "usage": MESSAGE_USAGE,
    }  # fmt: skip


def _message_events(body: Json) -> Iterator[tuple[str, Any]]:
    whole = _message(body)
    (block,) = whole["content"]
    start = {**whole, "content": [], "stop_reason": None,
             "usage": {**MESSAGE_USAGE, "output_tokens": 1}}  # fmt: skip
    yield "message_start", {"type": "message_start", "message": start}
    empty = {**block, "input": {}} if block["type"] == "tool_use" else {**block, "text": ""}
    yield "content_block_start", {"type": "content_block_start", "index": 0, "content_block": empty}
    deltas = [{"type": "input_json_delta", "partial_json": ARGUMENTS}]
    if block["type"] == "text":
        deltas = [{"type": "text_delta", "text": word} for word in WORDS]
    for delta in deltas:
        yield "content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta}
    yield "content_block_stop", {"type": "content_block_stop", "index": 0}
    ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield "message_delta", {"type": "message_delta", "delta": ended, "usage": MESSAGE_USAGE}
    yield "message_stop", {"type": "message_stop"}


def _embeddings(body: Json) -> Json:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = [{"object": "embedding", "index": n, "embedding": [0.6, 0.8, 0.0]}
            for n, _ in enumerate(texts)]  # fmt: skip
    return {"object": "list", "model": body["model"], "data": data,
            "usage": {"prompt_tokens": 11, "total_tokens": 11}}  # fmt: skip


WHOLE = {"/chat/completions": _chat, "/responses": _response, "/messages": _message,
         "/embeddings": _embeddings}  # fmt: skip
STREAMED = {"/chat/completions": _chat_chunks, "/responses": _response_events,
            "/messages": _message_events}  # fmt: skip
FAULTS = {p.BROKEN_MODEL: (500, "server_error", p.BROKEN),
          p.LIMITED_MODEL: (429, "rate_limit_exceeded", p.LIMITED)}  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    received: list[Received]

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._answer(200, b"{}")

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_POST(self) -> None:
        data = self._body()
        if self.headers.get("Content-Encoding", "") == "gzip":
            data = gzip.decompress(data)
        path = self.path.split("?")[0]
        name = next((end for end in WHOLE if path.endswith(end)), "")
        if not name:
            kind = self.headers.get("Content-Type", "").split(";")[0]
            sign = self.headers.get("Authorization", "")
            self.received.append(Received(path, kind, sign, data))
            self._answer(200, b"" if kind == "application/x-protobuf" else b"{}", kind)
            return
        body = json.loads(data)
        if fault := FAULTS.get(body["model"]):
            status, code, words = fault
            error = {"message": words, "type": code, "code": code, "param": None}
            self._answer(status, json.dumps({"type": "error", "error": error}).encode())
        elif body.get("stream"):
            self._stream(STREAMED[name](body))
        else:
            self._answer(200, json.dumps(WHOLE[name](body)).encode())

    def _stream(self, events: Iterator[tuple[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        time.sleep(FIRST_CHUNK)
        for kind, data in events:
            text = data if isinstance(data, str) else json.dumps(data)
            self.wfile.write((f"event: {kind}\n" * bool(kind) + f"data: {text}\n\n").encode())
            self.wfile.flush()


@contextmanager
def serving() -> Iterator[tuple[str, list[Received]]]:
    """(address, requests of exporters so far) of a fake on a free port of the loopback."""
    received: list[Received] = []
    handler = type("Handler", (_Handler,), {"received": received})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
