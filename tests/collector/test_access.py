"""Who may send: what a header allows, what is cached, and quotas, in a running collector too."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import grpc
import httpx
import pytest
from grpc_status import rpc_status

from collector.access import CACHE, Access, Grant, Refusal, Rules, secrets_of
from collector.quotas import Meter
from schemas import clickhouse, control, keys
from schemas.errors import Retryable
from schemas.keys import ApiKey
from schemas.queries import spans
from schemas.quotas import QuotaPolicy
from tests.conftest import wait_until
from tests.durability.harness import EXPORT, KIND, Site, batch


def _key(name: str, project: str = "acme", scopes: tuple[str, ...] = ("ingest",)) -> ApiKey:
    return ApiKey(name, project, scopes, keys.digest(f"ak_{name}"), "", 1, 0)


def _rules(*found: ApiKey, quotas: Mapping[str, QuotaPolicy] | None = None) -> Rules:
    return Rules({key.digest: key for key in found}, quotas or {})


def _access(home: Path, rules: Rules | None, key: str = "", loopback: bool = True) -> Access:
    def read() -> Rules:
        if rules is None:
            raise Retryable("ClickHouse is away")
        return rules

    made = Access(home, read, key, loopback, Meter())
    made.refresh()
    return made


def _status(answer: Grant | Refusal) -> int:
    return answer.status if isinstance(answer, Refusal) else 200


def test_a_header_may_carry_a_key_in_two_ways() -> None:
    both = base64.b64encode(b"pk:ak_1:2").decode()
    assert secrets_of(f"Basic {both}") == ["ak_1:2", "pk"]
    assert secrets_of("bearer  ak_1 ") == ["ak_1"]
    assert secrets_of("Bearer") == secrets_of("") == secrets_of("Digest x") == []
    assert secrets_of("Basic %%%") == []


def test_without_keys_loopback_takes_what_comes(tmp_path: Path) -> None:
    open_ = _access(tmp_path, _rules())
    assert open_.admit("") == open_.admit("Bearer any-text") == Grant()
    assert not open_.keyless and _access(tmp_path, _rules(), loopback=False).keyless


def test_one_key_closes_loopback_too(tmp_path: Path) -> None:
    access = _access(tmp_path, _rules(_key("a")))
    assert _status(access.admit("")) == 401
    assert access.admit("Bearer ak_a") == Grant("acme")


def test_a_key_for_any_project_and_one_that_only_reads(tmp_path: Path) -> None:
    access = _access(
        tmp_path, _rules(_key("a", "*"), _key("r", scopes=("read",)), _key("x", scopes=("admin",)))
    )
    assert access.admit("Bearer ak_a") == Grant()
    assert _status(access.admit("Bearer ak_r")) == 403
    assert access.admit("Bearer ak_x") == Grant("acme")


def test_before_keys_are_known_nobody_is_told_that_a_key_is_wrong(tmp_path: Path) -> None:
    access = _access(tmp_path, None, loopback=False)
    assert _status(access.admit("Bearer ak_a")) == 503
    assert _status(access.admit("")) == 401  # no key cannot become right


def test_known_keys_hold_while_clickhouse_is_away(tmp_path: Path) -> None:
    _access(tmp_path, _rules(_key("a")))
    later = _access(tmp_path, None, loopback=False)
    assert later.admit("Bearer ak_a") == Grant("acme")
    assert _status(later.admit("Bearer ak_b")) == 401
    assert (tmp_path / CACHE).stat().st_mode & 0o777 == 0o600
    assert "ak_a" not in (tmp_path / CACHE).read_text()


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"keys": [{}], "quotas": {}}'])
def test_a_damaged_cache_lets_nobody_in(tmp_path: Path, damage: str) -> None:
    _access(tmp_path, _rules(_key("a")))
    (tmp_path / CACHE).write_text(damage)
    assert _status(_access(tmp_path, None, loopback=False).admit("Bearer ak_a")) == 503


def test_the_setting_is_a_key_for_any_project(tmp_path: Path) -> None:
    access = _access(tmp_path, _rules(_key("a")), key="s3cret", loopback=False)
    assert access.admit("Bearer s3cret") == Grant()
    assert access.admit("Bearer ak_a") == Grant("acme")
    assert _status(access.admit("Bearer wrong")) == 401


def test_a_quota_refuses_until_its_bucket_fills_again() -> None:
    now = 0.0
    meter = Meter(clock=lambda: now)
    meter.use({"acme": QuotaPolicy(items_per_minute=60)})
    meter.take({"acme": (100, 10)})  # over the bucket of 60: a request of any size passes once
    with pytest.raises(Retryable) as refused:
        meter.take({"acme": (1, 10)})
    assert refused.value.quota and refused.value.delay == pytest.approx(40)
    meter.take({"other": (1000, 10)})
    now = 40.1
    meter.take({"acme": (1, 10)})
    assert meter.counts()["quota acme"] == 1 and meter.counts()["bytes acme"] == 20


def test_a_refused_request_counts_for_no_project() -> None:
    now = 0.0
    meter = Meter(clock=lambda: now)
    meter.use({"full": QuotaPolicy(mib_per_minute=1), "default": QuotaPolicy(items_per_minute=10)})
    meter.take({"full": (1, 2**21)})
    with pytest.raises(Retryable):
        meter.take({"beside": (10, 1), "full": (1, 1)})
    meter.take({"beside": (10, 1)})
    with pytest.raises(Retryable):
        meter.take({"beside": (1, 1)})


def test_workers_share_a_quota() -> None:
    meter = Meter(share=0.5, clock=lambda: 0.0)
    meter.use({"acme": QuotaPolicy(items_per_minute=10)})
    meter.take({"acme": (5, 1)})
    with pytest.raises(Retryable):
        meter.take({"acme": (1, 1)})


def _send(site: Site, text: str, path: str = "/v1/traces", count: int = 2) -> httpx.Response:
    request, _ = batch(count=count, size=10, project="claimed")
    headers = {**KIND, "authorization": text}
    return httpx.post(site.base + path, content=request.SerializeToString(), headers=headers)


def test_keys_and_quotas_reach_a_running_collector(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        store = clickhouse.connect(site.settings)
        assert _send(site, "").status_code == 200
        key, text = keys.create(store, "acme", ["ingest"], 0, "", "ada")
        wait_until(lambda: _send(site, "").status_code == 401, "the key closes the door")
        basic = "Basic " + base64.b64encode(f"pk-lf-1:{text}".encode()).decode()
        assert _send(site, basic, "/api/public/otel/v1/traces").status_code == 200
        assert _send(site, f"Bearer {text}").status_code == 200
        wait_until(lambda: spans.count_spans(store, "acme") == 4, "both are in the key's project")
        control.apply(store, {("quota", "acme"): QuotaPolicy(items_per_minute=3)}, "ada")

        def refused() -> bool:
            answer = _send(site, f"Bearer {text}", count=3)
            assert answer.status_code in {200, 429}
            return answer.status_code == 429 and int(answer.headers["retry-after"]) > 0

        wait_until(refused, "the quota refuses")
        with (
            grpc.insecure_channel(f"127.0.0.1:{site.settings.otlp_grpc_port}") as channel,
            pytest.raises(grpc.RpcError) as error,
        ):
            channel.unary_unary(EXPORT)(
                batch()[0].SerializeToString(), timeout=20,
                metadata=[("authorization", f"Bearer {text}")],
            )  # fmt: skip
        assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        (detail,) = rpc_status.from_call(error.value).details
        assert detail.type_url.endswith("google.rpc.RetryInfo")
        shown = httpx.get(f"{site.base}/metrics").text
        assert 'assay_quota_refused_total{project="acme"}' in shown
        assert 'assay_requests_refused_total{status="401"}' in shown
        keys.revoke(store, key.id, "ada")
        wait_until(lambda: _send(site, "").status_code == 200, "no key is left")
        store.close()


def test_a_key_outlives_an_outage_and_a_restart(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        store = clickhouse.connect(site.settings)
        _, text = keys.create(store, "acme", ["ingest"], 0, "", "ada")
        store.close()
        cache = site.home / CACHE
        wait_until(lambda: cache.exists() and bool(json.loads(cache.read_text())["keys"]), "cached")
        site.kill_collector()
        site.kill_store()
        site.start_collector()
        assert _send(site, f"Bearer {text}").status_code == 200
        assert _send(site, "Bearer ak_wrong").status_code == 401
        site.start_store()
        store = clickhouse.connect(site.settings)
        wait_until(lambda: spans.count_spans(store, "acme") == 2, "stored once it is back")
        store.close()
