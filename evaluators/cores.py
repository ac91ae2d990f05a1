"""How many threads a model gets: what the process was given, or a few of the cores."""

from __future__ import annotations

import os
from collections.abc import Mapping

MOST = 4  # more only wait for each other in models as small as ours


def threads(environ: Mapping[str, str] = os.environ) -> int:
    """OMP_NUM_THREADS where it is set, as it is for each of several workers, which would else take
    all cores each; up to MOST of the cores of this process where it is not."""
    given = environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # a list: one for each level
    if given.isdigit() and int(given) > 0:
        return int(given)
    return min(MOST, len(os.sched_getaffinity(0)))
