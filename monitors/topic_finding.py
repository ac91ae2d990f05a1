"""Topics that nobody has frozen: monitors find them, and find them anew as traffic moves on."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np

from monitors.series import DAY_NS
from monitors.topics import fit, found_file, save, watched_file
from schemas.clickhouse import Store
from schemas.queries import topics

log = logging.getLogger("assay.monitors")
LEAST = 1000  # inputs
DAYS = 7  # that they must span: a week has other topics at its end than at its beginning
RENEW = 28  # days after which topics are found anew, and whose inputs they are of
MOST = 20_000  # inputs, drawn by the hash of their trace


def find_topics(store: Store, home: Path, project: str, now_ns: int, count: int) -> bool:
    """Freeze `count` topics of the last RENEW days where a project has none or only such as were
    found RENEW days ago; forget them where it has no inputs any more or `count` is 0. Not where
    somebody has frozen some. True where topics were found. Raises Retryable, Permanent, OSError."""
    path = found_file(home, project)
    if watched_file(home, project).exists():
        return False
    if not count:
        path.unlink(missing_ok=True)
        return False
    if path.exists() and now_ns - path.stat().st_mtime_ns < RENEW * DAY_NS:
        return False
    start = now_ns - RENEW * DAY_NS
    held, first, last = topics.extent(store, project, start, now_ns)
    if not held:
        path.unlink(missing_ok=True)
        return False
    if held < LEAST or last - first < DAYS * DAY_NS:
        return False
    begun = time.monotonic()
    rows = topics.inputs(store, project, start, now_ns, MOST, -(-held // MOST))
    if len(rows) < LEAST // 2:
        return False
    size = len(rows[0]["vector"])
    rows = [row for row in rows if len(row["vector"]) == size]  # of the newest model
    vectors = np.array([row["vector"] for row in rows], np.float64)
    try:
        found = fit([row["text"] for row in rows], vectors, count)
    except ValueError as error:  # vectors that are no numbers
        log.error("no topics of %s: %s", project, error)
        return False
    save(found, path)
    took = time.monotonic() - begun
    log.info("%d topics of %s, version %s, found in %d inputs (%.1f s)", len(found.labels), project,
             found.version, len(rows), took)  # fmt: skip
    return True
