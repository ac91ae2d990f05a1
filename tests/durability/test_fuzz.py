"""Malformed bodies get an answer that clients understand, and valid ones in between are stored."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import httpx
import pytest

from tests.durability import mutate
from tests.durability.harness import EXPORT, KIND, Id, Site, batch

ROUNDS = pytest.mark.parametrize("count", [500, pytest.param(100_000, marks=pytest.mark.slow)])
HTTP_CODES = {200, *range(400, 500), 502, 503, 504}
# OTLP's retryable codes, and those that tell the client of its own mistake.
_NAMES = """OK CANCELLED DEADLINE_EXCEEDED ABORTED OUT_OF_RANGE UNAVAILABLE DATA_LOSS
INVALID_ARGUMENT RESOURCE_EXHAUSTED UNAUTHENTICATED UNIMPLEMENTED"""
GRPC_CODES = {grpc.StatusCode[name] for name in _NAMES.split()}


def _send_all(count: int, send: Callable[[random.Random, int], list[Id]]) -> list[Id]:
    """`send` for seeds 0..count in four threads; the ids that were acknowledged."""

    def some(first: int) -> list[Id]:
        return [i for seed in range(first, count, 4) for i in send(random.Random(seed), seed)]

    with ThreadPoolExecutor(4) as pool:
        return [i for ids in pool.map(some, range(4)) for i in ids]


@ROUNDS
def test_every_http_body_gets_an_answer_that_clients_understand(tmp_path: Path, count: int) -> None:
    codes: Counter[int] = Counter()
    with Site(tmp_path) as site, httpx.Client(base_url=site.base, timeout=30) as client:

        def send(dice: random.Random, seed: int) -> list[Id]:
            body, headers = mutate.body(dice)
            code = client.post("/v1/traces", content=body, headers=headers).status_code
            assert code in HTTP_CODES, (seed, code, body[:200], site.log())
            codes[code] += 1
            if seed % 20:
                return []
            request, ids = batch(2, 100)
            answer = client.post("/v1/traces", content=request.SerializeToString(), headers=KIND)
            assert answer.status_code == 200
            return ids

        acknowledged = _send_all(count, send)
        site.settle(acknowledged, 600)
        assert "cannot be" not in (tmp_path / "collector.log").read_text()
        assert site.metrics()["dead"] == 0
    assert codes[200] > count // 50, "some mutations stay valid and reach the store"
    assert codes[400] > count // 3


@ROUNDS
def test_every_grpc_message_gets_a_code_that_clients_understand(tmp_path: Path, count: int) -> None:
    codes: Counter[grpc.StatusCode] = Counter()
    with Site(tmp_path) as site:
        address = f"127.0.0.1:{site.settings.otlp_grpc_port}"
        with grpc.insecure_channel(address) as channel:
            export = channel.unary_unary(EXPORT)

            def call(message: bytes) -> grpc.StatusCode:
                try:
                    export(message, timeout=30)
                except grpc.RpcError as error:
                    return error.code()
                return grpc.StatusCode.OK

            def send(dice: random.Random, seed: int) -> list[Id]:
                body, _headers = mutate.body(dice)
                code = call(body)
                assert code in GRPC_CODES, (seed, code, body[:200], site.log())
                codes[code] += 1
                if seed % 20:
                    return []
                request, ids = batch(2, 100)
                assert call(request.SerializeToString()) is grpc.StatusCode.OK
                return ids

            acknowledged = _send_all(count, send)
        site.settle(acknowledged, 600)
        assert "cannot be" not in (tmp_path / "collector.log").read_text()
    assert codes[grpc.StatusCode.INVALID_ARGUMENT] > count // 3
    assert grpc.StatusCode.DEADLINE_EXCEEDED not in codes
