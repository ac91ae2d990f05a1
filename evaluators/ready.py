"""Evaluators that are there by name and only need a judge: rubrics that ship with Assay, and the
metrics of RAGAS and Phoenix where these are installed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from evaluators.adapters import phoenix, ragas
from evaluators.base import Evaluator, TextEmbedder
from evaluators.judges.backend import Backend
from evaluators.rubrics import Rubric
from schemas import judging
from schemas.judging import RubricPolicy


@cache
def rubrics() -> Mapping[str, RubricPolicy]:
    """The rubrics of rubrics.yaml, checked as a user's own."""
    text = files("evaluators").joinpath("rubrics.yaml").read_text()
    given = yaml.safe_load(text)
    return {name: judging.rubric(one, f"rubrics.{name}") for name, one in given.items()}


def names() -> frozenset[str]:
    """Every name that `make` knows; nothing is imported for it."""
    return frozenset({*rubrics(), *ragas.NAMES, *phoenix.NAMES})


def make(
    name: str, judge: Backend, embedder: TextEmbedder, options: Mapping[str, Any]
) -> Evaluator:
    """The evaluator `name` on a judge. Raises ValueError with a sentence where it cannot be
    made."""
    if name in ragas.NAMES:
        return ragas.make(name, judge, embedder, options)
    if options:
        raise ValueError(f"{name} has no options")
    if name in phoenix.NAMES:
        return phoenix.make(name, judge)
    return Ready(name, rubrics()[name], judge)


class Ready(Rubric):
    """A shipped rubric; runs online only where assay.yaml names it."""

    on_demand = True
