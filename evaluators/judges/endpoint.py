"""One chat completions address: pooled connections, pauses, retries, deadlines, and a fuse."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from evaluators.judges.failure import OUTAGES, RETRIED, Failure
from evaluators.judges.pace import Pace

LONGEST_REPLY = 4 * 2**20  # bytes
ATTEMPTS = 6
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0  # seconds; the delay before a retry is drawn below these
FUSE = 8  # calls in a row that an outage ended; then nobody asks for a while
FUSE_SECONDS = 30.0
_TOO_LONG = ("context_length", "context length", "maximum context", "too many tokens", "too long")
_FILTERED = ("content_filter", "content management policy", "content_policy")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call brought: the parsed body, and how many requests it took."""

    body: Mapping[str, Any]
    calls: int


class Endpoint:
    """Posts bodies; threads share it. `timeout`: seconds for one request from its start to its
    last byte; `patience`: seconds for a call with all its retries and pauses."""

    def __init__(
        self, url: str, key: str, timeout: float, patience: float, first_delay: float = FIRST_DELAY
    ) -> None:
        parts = httpx.URL(url)
        self._url = parts.copy_with(path=parts.path.rstrip("/") + "/chat/completions")
        self._key = key
        self._headers = {"User-Agent": "assay"}
        if key:
            azure = parts.host.endswith(".azure.com")
            name, value = ("api-key", key) if azure else ("Authorization", f"Bearer {key}")
            self._headers[name] = value
        self._timeout, self._patience, self._first = timeout, patience, first_delay
        self._client = httpx.Client(limits=httpx.Limits(max_connections=None))
        self._pace = Pace(time.monotonic)
        self._lock = threading.Lock()
        self._outages, self._closed_until, self._why = 0, 0.0, ""
        self.failures: Counter[str] = Counter()  # of requests, by kind, retried ones too

    def close(self) -> None:
        self._client.close()

    def post(self, body: Mapping[str, Any], tokens: int = 0) -> Answer:
        """The response to a body, whose request is likely to use so many tokens. Raises Failure;
        a 400 or 422 that is neither a filter nor a length comes as 'rejected', unretried."""
        deadline, last = time.monotonic() + self._patience, Failure("timeout", "", calls=0)
        for attempt in range(ATTEMPTS):
            self._wait(deadline, attempt)
            try:
                found = self._once(body, deadline, tokens)
            except Failure as failure:
                last = Failure(failure.kind, failure.said, failure.status, attempt + 1)
                self._count(last.kind)
                if last.kind not in RETRIED or last.said == "insufficient_quota":
                    raise self._final(last) from None
                delay = random.uniform(0, min(LONGEST_DELAY, self._first * 2**attempt))
                if time.monotonic() + delay >= deadline:
                    break
                if attempt + 1 < ATTEMPTS:
                    time.sleep(delay)
            else:
                self._count("")
                return Answer(found, attempt + 1)
        raise self._final(last)

    def _final(self, failure: Failure) -> Failure:
        """A body that is no completion at all is unparsable to whoever asked."""
        if failure.kind == "garbage":
            return Failure("unparsable", failure.said, failure.status, failure.calls)
        return failure

    def _count(self, kind: str) -> None:
        with self._lock:
            if kind:
                self.failures[kind] += 1
            self._outages = self._outages + 1 if kind in OUTAGES else 0
            if self._outages >= FUSE:
                self._why = "unparsable" if kind == "garbage" else kind
                self._closed_until = time.monotonic() + FUSE_SECONDS

    def _wait(self, deadline: float, calls: int) -> None:
        """Sleep through a pause that the server asked for, unless it ends after the deadline."""
        if time.monotonic() < self._closed_until:
            raise Failure(self._why, f"not asked: {FUSE} requests in a row failed", 0, calls)
        while pause := self._pace.left():
            if time.monotonic() + pause > deadline:
                raise Failure("rate_limited", f"asked to wait {pause:.0f} s", 429, calls)
            time.sleep(pause + random.uniform(0, min(1.0, pause / 4)))

    def _once(self, body: Mapping[str, Any], deadline: float, tokens: int) -> Mapping[str, Any]:
        until = min(deadline, time.monotonic() + self._timeout)
        limit = max(0.05, until - time.monotonic())
        chunks, size = [], 0
        try:
            with self._client.stream(
                "POST", self._url, json=body, headers=self._headers, timeout=limit
            ) as response:
                for chunk in response.iter_bytes():
                    chunks.append(chunk)
                    size += len(chunk)
                    if time.monotonic() > until:  # a server that drips keeps no thread
                        raise Failure("timeout", f"no whole reply in {self._timeout:g} s")
                    if size > LONGEST_REPLY:
                        raise Failure("rejected", f"a reply over {LONGEST_REPLY} bytes")
        except httpx.TimeoutException:
            raise Failure("timeout", f"no reply in {self._timeout:g} s") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Failure("unreachable", type(error).__name__) from None
        text = b"".join(chunks).decode("utf-8", "replace")
        self._pace.learn(response.headers, tokens)
        if response.status_code == 200:
            return _completion(text)
        raise refusal(response.status_code, text.replace(self._key, "***") if self._key else text)


def _completion(text: str) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
        if isinstance(body["choices"][0]["message"], dict):
            return dict(body)
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise Failure("garbage", f"no chat completion: {text[:80]!r}", 200)


def refusal(status: int, text: str) -> Failure:
    """The kind of failure that an HTTP error is, with the server's own words."""
    said, code = text[:200], ""
    try:
        error = json.loads(text).get("error", {})
        said = str(error.get("message", said) if isinstance(error, dict) else error)[:300]
        code = str(error.get("code") or "") if isinstance(error, dict) else ""
    except (ValueError, AttributeError, RecursionError):
        pass
    lower = f"{said} {code}".lower()
    if status == 429:
        kind = "rate_limited"
        said = "insufficient_quota" if "insufficient_quota" in lower else said
    elif status in (408, 504):
        kind = "timeout"
    elif status in (401, 403, 404):
        kind = "denied"
    elif status >= 500 or status in (409, 425):
        kind = "server_error"
    elif status == 413 or any(word in lower for word in _TOO_LONG):
        kind = "too_long"
    elif any(word in lower for word in _FILTERED):
        kind = "refused"
    else:
        kind = "rejected"
    return Failure(kind, f"HTTP {status}: {said}" if said != "insufficient_quota" else said, status)
