"""How a judge fails: one of a few kinds, the same for every backend."""

from __future__ import annotations

# timeout, unreachable (no connection, or dropped), rate_limited, server_error (5xx), denied (key,
# rights, address), too_long, refused (the model or its filter), rejected (any other 4xx),
# unparsable (no verdict in what came back), off_label (too little probability on the labels).
RETRIED = frozenset({"timeout", "unreachable", "rate_limited", "server_error", "garbage"})
OUTAGES = frozenset({"timeout", "unreachable", "server_error", "garbage", "denied"})


class Failure(Exception):
    """A call that brought no verdict; `status` is HTTP's, 0 without one. `calls`: requests sent."""

    def __init__(self, kind: str, said: str, status: int = 0, calls: int = 1) -> None:
        super().__init__(f"{kind}: {said}" if said else kind)
        self.kind = kind
        self.said = said
        self.status = status
        self.calls = calls
