"""Run by the Python of the peers' environment, not by Assay's, on a FOLDER.

For every FOLDER/*.npz the answers of Evidently and alibi-detect at their defaults go into a .json
beside it: {method: [[score, flagged], ...]}, larger scores being more drift. Arrays: `reference`
(runs, n) and `current` (runs, m) of numbers; or `vectors`, `old` and `new` (runs, rows) indices,
and where texts are to be tested too (6 s a window) the `texts` of the rows.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import alibi_detect.cd as alibi  # type: ignore[import-not-found]
import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report  # type: ignore[import-not-found]
from evidently.legacy.calculations.stattests import get_stattest  # type: ignore[import-not-found]
from evidently.legacy.metrics.data_drift.embedding_drift_methods import model  # type: ignore[import-not-found]
from evidently.metrics import ValueDrift  # type: ignore[import-not-found]

CHECKED = 2  # windows a file that Evidently's whole report is asked about as well


def _evidently(old: Any, new: Any, kind: str) -> tuple[float, bool, str]:
    """(score, flagged, method) of what a report calculates for a column, without its charts."""
    a, b = pd.Series(old), pd.Series(new)
    test = get_stattest(a, b, kind, None)
    found = test(a, b, kind, None)
    score = float(found.drift_score)
    # p-values are small where a distance is large.
    return (
        -score if "p_value" in test.display_name else score,
        bool(found.drifted),
        str(test.display_name),
    )


def _report(old: Any, new: Any, kind: str) -> tuple[float, bool]:
    """(score, flagged) of the report itself: the short way above must agree."""
    columns: Any = {"text_columns": ["x"]} if kind == "text" else {"numerical_columns": ["x"]}
    both = [Dataset.from_pandas(pd.DataFrame({"x": side}), DataDefinition(**columns))
            for side in (new, old)]  # fmt: skip
    found = Report([ValueDrift(column="x")], include_tests=True).run(*both).dict()
    return float(found["metrics"][0]["value"]), found["tests"][0]["status"].value == "FAIL"


def _column(old: Any, new: Any, kind: str, check: bool) -> tuple[list[Any], str]:
    score, flagged, name = _evidently(old, new, kind)
    if check:
        other, also = _report(old, new, kind)
        if abs(abs(score) - other) > 1e-6 or also != flagged:
            sys.exit(f"Evidently's report says {other} {also}, not {score} {flagged}")
    return [score, flagged], name


def numbers(held: Any) -> dict[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = {}
    for run, (old, new) in enumerate(zip(held["reference"], held["current"], strict=True)):
        answer, name = _column(old, new, "num", run < CHECKED)
        found.setdefault(f"Evidently ({name})", []).append(answer)
        said = alibi.KSDrift(old[:, None]).predict(new[:, None])["data"]
        score = -float(said["p_val"][0])
        found.setdefault("alibi-detect (KSDrift)", []).append([score, bool(said["is_drift"])])
    return found


def vectors(held: Any) -> dict[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = {}
    every, texts = held["vectors"].astype(np.float32), held.get("texts")
    for run, (o, n) in enumerate(zip(held["old"], held["new"], strict=True)):
        frames = [pd.DataFrame(every[side]) for side in (n, o)]
        score, flagged, _ = model()(*frames)
        found.setdefault("Evidently (embeddings: model)", []).append([float(score), bool(flagged)])
        if texts is not None:
            answer, name = _column(texts[o], texts[n], "text", run < CHECKED)
            found.setdefault(f"Evidently (texts: {name})", []).append(answer)
        said = alibi.MMDDrift(every[o], backend="pytorch").predict(every[n])["data"]
        # p-values have 101 values: ties are broken by the distance.
        found.setdefault("alibi-detect (MMDDrift)", []).append(
            [-float(said["p_val"]) + 1e-3 * float(said["distance"]), bool(said["is_drift"])]
        )
        ks = alibi.KSDrift(every[o]).predict(every[n])["data"]
        found.setdefault("alibi-detect (KSDrift by component)", []).append(
            [-float(np.min(ks["p_val"])), bool(ks["is_drift"])]
        )
    return found


def main() -> None:
    warnings.filterwarnings("ignore")
    for path in sorted(Path(sys.argv[1]).glob("*.npz")):
        held = np.load(path)
        found = vectors(held) if "vectors" in held else numbers(held)
        path.with_suffix(".json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
