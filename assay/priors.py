"""`assay eval --prior`: what a judge says of the labels by itself, over a frozen set of rows."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from assay.rows import of_file
from evaluators.base import Evaluator
from evaluators.rubrics import Rubric
from schemas.models import Sample


def prior(evaluator: Evaluator, path: str) -> str:
    """The judge's mean probability of each label over the rows of a file ('-': standard input), as
    a line for assay.yaml. Raises OSError, ValueError with a sentence."""
    leanings = getattr(getattr(evaluator, "backend", None), "leanings", None)
    if not isinstance(evaluator, Rubric) or leanings is None:
        raise ValueError("--prior takes a rubric whose judge is a local model")
    with ExitStack() as held:
        file = sys.stdin.buffer if path == "-" else held.enter_context(open(path, "rb"))
        seen = [one for chunk in of_file(path, file).chunks for _, one in chunk]
    asked = [evaluator.question(one) for one in seen if isinstance(one, Sample)]
    found = [each for each in leanings(asked) if each is not None]
    if not found:
        raise ValueError("no row brought any label")
    means = [sum(column) / len(found) for column in zip(*found, strict=True)]
    told = ", ".join(f"{n}: {m:.4f}" for n, m in zip(asked[0].names, means, strict=True))
    return f"prior: {{{told}}}  # over {len(found)} rows"
