"""A model takes the threads that its process was given."""

from __future__ import annotations

import os

import pytest
import torch

from evaluators import cores
from evaluators.embedding import Embedder
from evaluators.judges.encoder import Encoder


@pytest.mark.parametrize(("given", "wanted"), [("1", 1), ("3", 3), ("6,2", 6)])
def test_what_the_process_was_given_is_taken(given: str, wanted: int) -> None:
    assert cores.threads({"OMP_NUM_THREADS": given}) == wanted


@pytest.mark.parametrize("environ", [{}, {"OMP_NUM_THREADS": ""}, {"OMP_NUM_THREADS": "many"}])
def test_without_a_number_it_is_a_few_of_the_cores(environ: dict[str, str]) -> None:
    assert cores.threads(environ) == min(cores.MOST, len(os.sched_getaffinity(0)))


@pytest.mark.parametrize("model", [Embedder, Encoder])
def test_loading_a_model_keeps_to_them(
    model: type[Embedder | Encoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert model()._loaded and torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
