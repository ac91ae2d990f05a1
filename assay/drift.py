"""`assay drift`: has a column of two files, or a metric of two ranges of stored traces, changed?"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from assay.tables import TableError, column, read_table
from monitors.drift.compare import Compared, Embed, Window, compare, corrected_together, kind_of
from schemas import clickhouse
from schemas.errors import Permanent, Retryable
from schemas.queries import monitoring, streams
from schemas.registry import load
from schemas.settings import Settings

POINTS = {"text": 1000, "number": 20_000, "category": 20_000}  # rows of each file


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """0 with the answers on standard output, 2 with one line on standard error."""
    try:
        found = stored(settings, arguments) if arguments.project else examine(arguments)
    except (TableError, ValueError, Retryable, Permanent) as error:
        print(f"assay drift: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps([asdict(f) for f in found], ensure_ascii=False))
    else:
        _tell(found, arguments)
    return 0


def stored(settings: Settings, arguments: argparse.Namespace) -> list[Compared]:
    """Compare `--metric`s of two time ranges, sessions as units, all corrected together. Raises
    ValueError, Retryable, Permanent."""
    if not arguments.metric:
        raise ValueError("--project needs a --metric, such as latency or groundedness")
    ranges = [between(text) for text in (arguments.reference, arguments.current)]
    store = clickhouse.connect(settings)
    try:
        newest = monitoring.newest_versions(store, arguments.project)
        found: list[Compared] = []
        for metric in arguments.metric:
            if metric not in newest and metric not in streams.TRAFFIC:
                there = ", ".join([*streams.TRAFFIC, *newest])
                raise ValueError(f"there is no metric {metric!r}; there are {there}")
            old, new = (
                _stored(store, arguments, metric, newest.get(metric, ""), n, each)
                for n, each in enumerate(ranges)
            )
            tests = load("two_sample", "monitors.drift")
            answers = compare(
                old, new, tests, "number", None, arguments.alpha, arguments.seed,
                len(arguments.metric),
            )  # fmt: skip
            found += [replace(each, feature=metric) for each in answers]
        return corrected_together(found, arguments.alpha)
    finally:
        store.close()


def _stored(
    store: clickhouse.Store, arguments: argparse.Namespace, metric: str, version: str, number: int,
    between: tuple[int, int],
) -> Window:  # fmt: skip
    rows = streams.session_values(store, arguments.project, metric, *between, version)
    if not rows:
        raise ValueError(f"no {metric} in {(arguments.reference, arguments.current)[number]}:"
                         " no data")  # fmt: skip
    session = np.unique([s for s, _ in rows], return_inverse=True)[1]
    points = arguments.points or POINTS["number"]
    return _thinned(Window([v for _, v in rows], session), points, arguments.seed, number)


def between(text: str) -> tuple[int, int]:
    """Begin and end in ns since 1970. Raises ValueError."""
    ends = text.split("..")
    try:
        start, end = (datetime.fromisoformat(each) for each in ends)
    except ValueError:
        raise ValueError(f"{text!r} is no range like 2026-11-01..2026-11-08T12:00") from None
    at = [int((e if e.tzinfo else e.replace(tzinfo=UTC)).timestamp()) * 10**9 for e in (start, end)]
    if at[0] >= at[1]:
        raise ValueError(f"{text!r} ends before it begins")
    return at[0], at[1]


def examine(arguments: argparse.Namespace) -> list[Compared]:
    """Read both files, thin them to `--points` rows each and compare. Raises ValueError."""
    if not arguments.column:
        raise ValueError("--column is needed to compare files")
    windows = [_window(path, arguments) for path in (arguments.reference, arguments.current)]
    kind = arguments.kind or kind_of(*(w.rows for w in windows))
    points = arguments.points or POINTS[kind]
    windows = [_thinned(w, points, arguments.seed, n) for n, w in enumerate(windows)]
    embed = _embedder(arguments) if kind == "text" else None
    tests = load("two_sample", "monitors.drift")
    old, new = windows
    return compare(old, new, tests, kind, embed, arguments.alpha, arguments.seed)


def _window(path: str, arguments: argparse.Namespace) -> Window:
    table = read_table(path)
    rows = column(table, arguments.column).tolist()
    named = arguments.session_column
    session = np.unique(column(table, named).astype(str), return_inverse=True)[1] if named else None
    kept = np.array([n for n, v in enumerate(rows) if not _missing(v)], dtype=np.int64)
    if not len(kept):
        raise TableError(f"column {arguments.column!r} of {path} holds no values: no data")
    if len(kept) < len(rows):
        print(
            f"assay drift: {len(rows) - len(kept)} of {len(rows)} rows of {path} have no"
            f" {arguments.column} and are left out", file=sys.stderr,
        )  # fmt: skip
    return Window([rows[n] for n in kept], None if session is None else session[kept])


def _thinned(window: Window, points: int, seed: int, number: int) -> Window:
    if len(window.rows) <= points:
        return window
    kept = np.random.default_rng([seed, number]).choice(len(window.rows), points, replace=False)
    kept.sort()
    session = None if window.session is None else window.session[kept]
    return Window([window.rows[n] for n in kept], session)


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _embedder(arguments: argparse.Namespace) -> Embed | None:
    if arguments.no_embedding:
        return None
    try:
        from evaluators.embedding import Embedder
    except ImportError:
        print(
            "assay drift: evaluators are not installed, so texts are compared by length and script"
            " only; pip install 'assay-observe[evaluators]'", file=sys.stderr,
        )  # fmt: skip
        return None
    embedder = Embedder()

    def embed(texts: Any) -> Any:
        return embedder.embed(texts).astype(np.float64)

    return embed


def _tell(found: list[Compared], arguments: argparse.Namespace) -> None:
    first = found[0]
    what = arguments.column or f"{arguments.project}: {', '.join(arguments.metric)}"
    print(
        f"{what}: {first.n_reference} reference and {first.n_current} current rows"
        + (f" in {first.sessions_reference} and {first.sessions_current} sessions"
           if arguments.session_column or arguments.project else "")
    )  # fmt: skip
    print(f"{'detector':<14}{'of':<11}{'statistic':>10}{'p':>9}{'adjusted':>10}  effect")
    for each in found:
        print(
            f"{each.detector:<14}{each.feature:<11}{each.statistic:>10.4g}{each.p_value:>9.3g}"
            f"{each.p_adjusted:>10.3g}  {each.effect:+.3f} {each.effect_name}: {each.verdict}"
            + (f" (80% power from {each.detectable:.2f}, {each.smallest or 0:.3g} of the mean)"
               if each.detectable and each.verdict != "changed" else "")
        )  # fmt: skip
