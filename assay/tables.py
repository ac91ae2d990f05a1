"""Columns of a file that a user names: CSV, JSON lines or Parquet; `-` is standard input as CSV."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, json, parquet


class TableError(ValueError):
    """The file cannot be read as a table; the message says what to do."""


def read_table(path: str) -> pa.Table:
    """The whole file, types inferred. Raises TableError."""
    suffix = Path(path).suffix.lower()
    try:
        if path == "-":
            return csv.read_csv(pa.BufferReader(sys.stdin.buffer.read()))
        if suffix in {".jsonl", ".ndjson", ".json"}:
            return json.read_json(path)
        if suffix == ".parquet":
            return parquet.read_table(path)
        return csv.read_csv(path)
    except FileNotFoundError:
        raise TableError(f"there is no file {path}") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(
            f"{path} is no table of CSV, JSON lines (.jsonl) or Parquet (.parquet): {error}"
        ) from None


def column(table: pa.Table, name: str) -> Any:
    """One column as a numpy array. Raises TableError that offers the names there are."""
    if name not in table.column_names:
        raise TableError(f"there is no column {name!r}; there are {', '.join(table.column_names)}")
    return table.column(name).combine_chunks().to_numpy(zero_copy_only=False)


def numbers(table: pa.Table, name: str) -> Any:
    """One column as floats (rows,). Raises TableError where it holds anything else."""
    values = column(table, name)
    if values.dtype.kind not in "iufb":
        raise TableError(f"column {name!r} holds other things than numbers")
    return values.astype("float64")
