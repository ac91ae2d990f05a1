"""What it costs ordinary documents that sentences which speak to a judge are not read.

`ASSAY_BENCH_DATA=... python -m bench.left_out`. Of the four labelled sets and a set of news: the
sentences that are left out by their form (evaluators/orders.py) and those that stand beside them;
of the four, AUROC of groundedness with and without that, each set left out of its fit. No set holds
an order to a judge, so whatever is left out is an error.
"""

from __future__ import annotations

from unittest import mock

import numpy as np

from bench.data import Row, auroc, rows
from bench.idf import load
from bench.train_groundedness import (
    SOURCES,
    fit,
    kept_matrix,
    labels,
    matrix,
    probability,
    together,
)
from evaluators import evidence
from evaluators.judges.encoder import Encoder

NEWS = "halueval_summarization"


def touched(found: list[Row]) -> tuple[list[int], str]:
    """The rows of which something is left out, and the counts as cells of a table."""
    held: list[int] = []
    sentences, orders, beside = set[str](), set[str](), set[str]()
    for number, row in enumerate(found):
        made = evidence.documents([row["context"]], row["claim"], row.get("question") or "")
        sentences.update(p.text for p in made.passages)
        for passage, why in made.left_out:
            (orders if "speaks" in why else beside).add(passage.text)
        if made.left_out:
            held.append(number)
    whole = len(sentences | orders | beside)
    return held, (
        f"{whole} | {len(orders)} ({len(orders) / whole:.3%}) | {len(beside)}"
        f" | {len(held)} of {len(found)}"
    )


def main() -> None:
    idf, encoder = load(), Encoder()
    print("| set | different sentences | left out by form | beside these | rows touched |")
    print("|---|---|---|---|---|")
    found = {name: rows(name) for name in SOURCES}
    of: dict[str, list[int]] = {}
    for name, part in {**found, NEWS: rows(NEWS)}.items():
        of[name], told = touched(part)
        print(f"| {name} | {told} |", flush=True)
    ways: dict[str, dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]] = {}
    ways["with"] = {n: kept_matrix(n, part, encoder, idf) for n, part in found.items()}
    ways["without"] = {name: x.copy() for name, x in ways["with"].items()}
    with mock.patch.object(evidence, "speaks", lambda *_: ""):
        for name, part in found.items():
            if of[name]:
                again = matrix([part[i] for i in of[name]], encoder, idf)
                ways["without"][name][of[name]] = again
    print("\n| set | AUROC without | with | change |\n|---|---|---|---|")
    y = {name: labels(part) for name, part in found.items()}
    for name in SOURCES:
        told_of = {}
        for way, x in ways.items():
            data = together([(x[n], y[n]) for n in SOURCES if n != name])
            told_of[way] = auroc(y[name], probability(x[name], fit(data.x, data.y, data.weight)))
        change = told_of["with"] - told_of["without"]
        print(f"| {name} | {told_of['without']:.4f} | {told_of['with']:.4f} | {change:+.4f} |")


if __name__ == "__main__":
    main()
