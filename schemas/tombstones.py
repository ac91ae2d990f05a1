"""Tombstones: hashed ids of what was deleted, and whether something falls under one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

KINDS = ("trace", "session", "user", "project")
FOR_EVER = 2**63 - 1  # ns: a trace's id never comes back for something else
SALT = "salt"


def digest(salt: bytes, kind: str, name: str) -> str:
    """A keyed hash: who has the store can try a guess, and cannot list what was deleted."""
    text = f"{kind}\0{name}".encode("utf-8", "replace")
    return blake2b(text, digest_size=16, key=salt).hexdigest()


@dataclass(frozen=True, slots=True)
class Tombstones:
    """By project: (kind, digest) and until when (ns since 1970) items must have begun to fall
    under it."""

    salt: bytes = b""
    found: Mapping[str, Mapping[tuple[str, str], int]] = field(default_factory=dict)

    def covers(self, project: str, named: Iterable[tuple[str, str]], time_ns: int) -> str:
        """The kind of what was deleted: of the project or of a (kind, name) of an item that began
        at `time_ns`; "" where nothing was."""
        known = self.found.get(project)
        if not known:
            return ""
        for kind, name in (("project", ""), *named):
            if not name and kind != "project":
                continue
            if time_ns <= known.get((kind, digest(self.salt, kind, name)), -1):
                return kind
        return ""
