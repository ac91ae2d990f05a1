"""Run by the Python of an environment with dowhy, not by Assay's, on a FOLDER.

For every FOLDER/*.csv the answer of `dowhy.gcm.distribution_change` goes into a .json beside it:
{column: contribution to the change of the mean score}. FOLDER/columns.json lists the columns by
stage, first to last; each column is caused by all before it. `current` tells the windows apart, the
last column is the score (0 or 1). The score's mechanism is a classifier of boosted trees, those of
the other columns are logistic regressions (words) and linear ones with noise (numbers). Each is
taken to have changed: dowhy's kernel tests of which did, and trees throughout, took minutes a case.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import networkx as nx  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
from dowhy import gcm  # type: ignore[import-not-found]

SAMPLES = 2000
DEPLOYED = ("prompt", "model")  # which nothing before them causes: a regression of one value fails
NUMBERS = ("length", "top_score", "relevance")


def model(columns: list[str]) -> Any:
    """A causal model of the columns in their order."""
    graph = nx.DiGraph()
    graph.add_nodes_from(columns)
    graph.add_edges_from(
        (a, b) for n, b in enumerate(columns) for a in columns[:n] if b not in DEPLOYED
    )
    made = gcm.ProbabilisticCausalModel(graph)
    for n, column in enumerate(columns):
        if not n or column in DEPLOYED:
            made.set_causal_mechanism(column, gcm.EmpiricalDistribution())
        elif column not in NUMBERS:
            last = column == columns[-1]
            of = (
                gcm.ml.create_hist_gradient_boost_classifier()
                if last
                else gcm.ml.create_logistic_regression_classifier(max_iter=1000)
            )
            made.set_causal_mechanism(column, gcm.ClassifierFCM(of))
        else:
            made.set_causal_mechanism(
                column, gcm.AdditiveNoiseModel(gcm.ml.create_linear_regressor())
            )
    return made


def fall(old: Any, new: Any) -> float:
    """The change of the mean score."""
    return float(np.mean(np.asarray(new) == "1") - np.mean(np.asarray(old) == "1"))


def changed(*_: Any) -> float:
    """A p-value by which a mechanism changed."""
    return 0.0


def main() -> None:
    folder = Path(sys.argv[1])
    warnings.filterwarnings("ignore")
    gcm.config.disable_progress_bars()
    columns = json.loads((folder / "columns.json").read_text())
    for path in sorted(folder.glob("*.csv")):
        gcm.util.general.set_random_seed(0)
        begin = time.perf_counter()
        frame = pd.read_csv(path, dtype={c: str for c in columns if c not in NUMBERS})
        late = frame["current"] == 1
        found = gcm.distribution_change(
            model(columns), frame[~late][columns], frame[late][columns], columns[-1],
            num_samples=SAMPLES, difference_estimation_func=fall,
            independence_test=changed, conditional_independence_test=changed,
            shapley_config=gcm.shapley.ShapleyConfig(n_jobs=1),
        )  # fmt: skip
        answer = {str(k): float(v) for k, v in found.items()}
        path.with_suffix(".json").write_text(
            json.dumps({"effects": answer, "seconds": time.perf_counter() - begin})
        )


if __name__ == "__main__":
    main()
