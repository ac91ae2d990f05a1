"""Make `answers.jsonl.gz` from BEGIN (wow): run once, the result is in the repository.

ASSAY_BENCH_DATA names the folder with groundedness/begin.jsonl (BEGIN, Dziri et al. 2022,
CC-BY-4.0, https://github.com/google/BEGIN-dataset).
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path

TARGET = Path(__file__).parent / "answers.jsonl.gz"


def main() -> None:
    folder = os.environ.get("ASSAY_BENCH_DATA")
    if not folder:
        sys.exit("set ASSAY_BENCH_DATA to the folder that holds groundedness/begin.jsonl")
    lines = (Path(folder) / "groundedness" / "begin.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    kept = [r for r in rows if r["domain"] == "wow" and 20 <= len(r["claim"]) <= 400]
    with gzip.GzipFile(TARGET, "wb", mtime=0) as file:
        for r in kept:
            row = {k: r[k] for k in ("question", "context", "claim", "label")}
            file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    print(f"{len(kept)} answers in {TARGET}")


if __name__ == "__main__":
    main()
