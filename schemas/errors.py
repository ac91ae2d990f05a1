"""The two pipeline errors. Every stage raises one of these and nothing else on purpose."""

from __future__ import annotations


class Retryable(Exception):
    """The same call may succeed later. `delay` is the suggested wait in seconds; `quota` is True
    where the caller sent too much and nothing is wrong with us."""

    def __init__(self, reason: str, delay: float = 1.0, quota: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = delay
        self.quota = quota


class Permanent(Exception):
    """The same call can never succeed; retrying would only repeat the failure."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
