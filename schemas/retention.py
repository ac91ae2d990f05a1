"""How long a project's rows are kept: plain checked data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ALLOWED = (7, 14, 30, 90, 365, 0)  # days; 0 is for ever. Few, since each is a partition a day
DEFAULT = 30
ATTRIBUTE = "assay.retention_days"  # of a resource: what it brings names its own retention


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """Days that a project's rows are kept, one of ALLOWED."""

    days: int = DEFAULT


@dataclass(frozen=True, slots=True)
class Retentions:
    """Days by project; those of `default` where a project has none."""

    by_project: Mapping[str, int] = field(default_factory=dict)

    def days(self, project: str) -> int:
        return self.by_project.get(project, self.by_project.get("default", DEFAULT))


def checked(value: Any, place: str) -> int:
    """Raises ValueError that names `place`."""
    if isinstance(value, bool) or value not in ALLOWED:
        allowed = ", ".join(str(days) for days in ALLOWED)
        raise ValueError(f"{place}: {value!r} must be one of {allowed} (0: for ever)")
    return int(value)
