"""Labelled incidents of live video (68; see the data's README) as leaves by minute."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.tables import column, numbers, read_table
from monitors.rootcause.leaves import Leaves, leaves

Cause = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Incident:
    """Minutes up to the alarm's, the last block; `truth` holds what people found."""

    path: Path
    at: int
    columns: tuple[str, ...]
    rows: Leaves
    truth: frozenset[Cause]


def incidents(folder: Path) -> list[Incident]:
    """Every incident of `labels.json`, in its order."""
    found = []
    for label in json.loads((folder / "labels.json").read_text()):
        truth = ast.literal_eval(label["cause"])
        truth = truth if isinstance(truth, list) else [truth]
        table = read_table(str(folder / label["file"]))
        columns = tuple(c for c in table.column_names if c not in {"min", "value", "cnt"})
        minute = column(table, "min")
        used = minute <= label["timestamp"]
        rows = leaves(
            {c: column(table, c)[used] for c in columns},
            np.unique(minute[used], return_inverse=True)[1].astype(np.int64),
            numbers(table, "value")[used], numbers(table, "cnt")[used],
        )  # fmt: skip
        found.append(Incident(
            folder / label["file"], label["timestamp"], columns, rows,
            frozenset(frozenset((k, str(v)) for k, v in t.items()) for t in truth),
        ))  # fmt: skip
    return found
