"""The two pipeline errors. Every stage raises one of these and nothing else on purpose."""

from __future__ import annotations


class Retryable(Exception):
    """The same call may succeed later. `delay` is the suggested wait in seconds."""

    def __init__(self, reason: str, delay: float = 1.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = delay


class Permanent(Exception):
    """The same call can never succeed; retrying would only repeat the failure."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
