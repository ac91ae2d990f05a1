"""`assay topics`: what users ask about, and which topic appeared, grew or shrank."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from assay.drift import between
from monitors.topics import (
    OUTSIDE,
    Moved,
    Topics,
    assign,
    fit,
    load,
    moved,
    save,
    watched_file,
    words,
)  # fmt: skip
from schemas import clickhouse
from schemas.errors import Permanent, Retryable
from schemas.queries.topics import inputs
from schemas.settings import Settings

LEAST = 200  # inputs of the reference


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """0 with the topics on standard output, 2 with one line on standard error."""
    try:
        topics, found = examine(settings, arguments)
    except (ValueError, OSError, KeyError, Retryable, Permanent) as error:
        print(f"assay topics: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps({"version": topics.version, "topics": [asdict(f) for f in found]}))
        return 0
    print(f"version {topics.version}")
    for each in found:
        print(f"{each.before:7.1%} {each.after:7.1%}  p={each.p_value:<7.3g} {each.verdict:<16}"
              f" {each.label}")  # fmt: skip
    return 0


def examine(settings: Settings, arguments: argparse.Namespace) -> tuple[Topics, list[Moved]]:
    """Topics of the reference range, or those of `--topics FILE`, in both ranges. Raises
    ValueError, OSError, KeyError, Retryable, Permanent."""
    store = clickhouse.connect(settings)
    try:
        rows = [
            inputs(store, arguments.project, *between(text))
            for text in (arguments.reference, arguments.current)
        ]
    finally:
        store.close()
    for text, side in zip((arguments.reference, arguments.current), rows, strict=True):
        if len(side) < 2:
            raise ValueError(f"no embedded inputs in {text}: no data")
    old, new = (np.array([row["vector"] for row in side], np.float64) for side in rows)
    if arguments.topics:
        topics = load(Path(arguments.topics))
    elif len(old) < LEAST:
        raise ValueError(f"{len(old)} inputs in the reference; topics need {LEAST}")
    else:
        topics = fit([row["text"] for row in rows[0]], old, arguments.count, arguments.seed)
    if arguments.save:
        save(topics, Path(arguments.save))
    if arguments.watch:
        save(topics, watched_file(settings.home, arguments.project))
    sessions = tuple(
        np.unique([row["session"] for row in side], return_inverse=True)[1] for side in rows
    )
    which = assign(topics, old), assign(topics, new)
    far = np.where(which[1] == OUTSIDE, 0, OUTSIDE)
    name = words([row["text"] for row in rows[1]], far, 1)[0]
    a, b = sessions
    found = moved(topics, *which, (a, b), f"of no topic: {name}", arguments.alpha)
    return topics, found
