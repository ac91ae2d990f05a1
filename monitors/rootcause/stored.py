"""Stored traces as rows of a search: added up in ClickHouse by column and block of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from monitors.rootcause.leaves import (
    DISTINCT,
    Coded,
    Leaves,
    LeavesError,
    binned,
    identifier,
    leaves,
)
from monitors.windows import Bools, Integers
from schemas.clickhouse import Store
from schemas.queries import causes, dimensions, scores
from schemas.queries.mixes import Frozen
from schemas.queries.questions import METRICS

KNOWN = 1_000  # values of a column that keep their names, the commonest
OTHER = "(other)"
FEWEST = 20  # traces a side


@dataclass(frozen=True, slots=True)
class Asked:
    """`metric` of causes.TRAFFIC or METRICS, or an evaluator; the reference is [start, split), cut
    into blocks of `block` from the split backwards; the current window [split, end), in ns."""

    metric: str
    start: int
    split: int
    end: int
    block: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gathered:
    """`current` (blocks,) tells the windows apart; `before` and `after` count traces, of which each
    stands for `one_in`; `version` is the evaluator's, "" for other metrics."""

    rows: Leaves
    current: Bools
    before: int
    after: int
    one_in: int
    version: str


def gather(
    store: Store, project: str, asked: Asked, topics: Frozen | None = None, fewest: int = FEWEST
) -> Gathered:
    """Raises LeavesError that says what is missing, UnknownColumn, Retryable, Permanent."""
    version = _version(store, project, asked)
    found = causes.sums(
        store, project, asked.metric, version, asked.start, asked.end, asked.split, asked.block,
        asked.columns, topics,
    )  # fmt: skip
    late = found.block >= 0
    before, after = (int(found.traces[side].sum()) for side in (~late, late))
    if min(before, after) < fewest:
        raise LeavesError(
            f"{before} traces before and {after} after have a value of {asked.metric}; {fewest} a"
            " side are needed"
        )
    held = _coded(store, project, asked, found, topics)
    kept, block = np.unique(found.block, return_inverse=True)
    made = leaves(held, block.astype(np.int64), found.total, found.weight)
    return Gathered(made, kept >= 0, before, after, found.one_in, version)


def _version(store: Store, project: str, asked: Asked) -> str:
    """Of an evaluator the version that judged most on both sides; "" of other metrics."""
    traffic = (*causes.TRAFFIC, *METRICS)
    if asked.metric in traffic:
        return ""
    return judged(store, project, asked.metric, asked.start, asked.split, asked.end, traffic)


def judged(
    store: Store, project: str, evaluator: str, start_ns: int, split_ns: int, end_ns: int,
    others: Sequence[str] = (),
) -> str:  # fmt: skip
    """The version of an evaluator that judged most on both sides. Raises LeavesError that names
    the evaluators there are, and `others` that might have been meant."""
    found = causes.versions(store, project, evaluator, start_ns, split_ns, end_ns)
    if found:
        return str(found[0]["version"])
    known = dict.fromkeys(row["evaluator"] for row in scores.evaluators(store, project))
    if evaluator in known:
        raise LeavesError(f"no trace of {project} was scored by {evaluator} in these windows")
    there = ", ".join([*known, *others]) or "none"
    raise LeavesError(f"no metric {evaluator!r} in {project}; there are {there}")


def _coded(
    store: Store, project: str, asked: Asked, found: causes.Sums, topics: Frozen | None
) -> dict[str, Coded]:
    """Columns with more than one value. An attribute of numbers is cut like other numbers."""
    numbers = {n: v for (n, kind), v in found.columns.items() if kind == "number"}
    texts: dict[str, tuple[Integers, Integers]] = {}  # (hashes, the commonest first; code per row)
    held: dict[str, Coded] = {}
    traces = int(found.traces.sum())
    for (name, kind), values in found.columns.items():
        if kind == "number":
            continue
        hashes, code = _distinct(values)
        if name in numbers:
            if len(hashes) == 1 and not hashes[0]:
                raise LeavesError(_absent(store, project, asked, name))
            of = numbers[name]
            if len(hashes) > DISTINCT and np.isfinite(of[values != 0]).all():
                held[name] = binned(of)
                continue
        if len(hashes) > max(DISTINCT, traces // 2):
            raise identifier(name, len(hashes), traces)
        count = np.bincount(code, found.traces, len(hashes))
        order = np.lexsort((hashes, -count))  # rows come in any order
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        texts[name] = hashes[order[:KNOWN]], np.minimum(rank[code], KNOWN)
    held |= {
        name: binned(of) for name, of in numbers.items() if (name, "text") not in found.columns
    }
    wanted = {name: hashes.tolist() for name, (hashes, _) in texts.items()}
    known = dimensions.names(store, project, wanted, asked.start, asked.end, topics)
    for name, (hashes, code) in texts.items():
        said = [known[name].get(int(h), f"(unknown {int(h):x})") for h in hashes]
        more = [OTHER] if int(code.max(initial=0)) == KNOWN else []
        held[name] = Coded((*said, *more), code)
    return {name: held[name] for name in asked.columns if len(held[name].names) > 1}


def _distinct(values: Integers) -> tuple[Integers, Integers]:
    """(values in the order of their first row, code per row)."""
    coded = pa.array(np.ascontiguousarray(values)).dictionary_encode()
    return coded.dictionary.to_numpy(), coded.indices.to_numpy().astype(np.int64)


def _absent(store: Store, project: str, asked: Asked, name: str) -> str:
    there = dimensions.keys(store, project, asked.start, asked.end)
    of = ", ".join(there[:40]) or "none"
    return f"no trace of {project} in these windows has {name}; there are {of}"


def columns_of(said: Sequence[str]) -> tuple[str, ...]:
    """Columns as a user named them. Raises UnknownColumn."""
    return dimensions.checked([name.strip() for name in said if name.strip()])
