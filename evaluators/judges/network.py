"""The encoder's network: MiniLM-L6 (arXiv 2002.10957), and between its second and third layer one
more embedding, which marks the word pieces that evidence and claim share, so that training goes
into entailment, not into alignment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from evaluators.judges.pieces import MARKS, Pieces, package

HIDDEN = 384
BELOW = 2  # layers under the marks: as in the package, neither trained nor shipped again


class Network(nn.Module):
    """Pairs to one logit each (supported above 0) and one per word piece."""

    def __init__(self) -> None:
        super().__init__()
        from transformers import AutoModel
        from transformers.utils import logging

        logging.disable_progress_bar()
        level = logging.get_verbosity()
        logging.set_verbosity_error()  # the package's pooler is not used, and that is said aloud
        self.bert: Any = AutoModel.from_pretrained(
            package(), local_files_only=True, dtype=torch.float32, add_pooling_layer=False
        )
        logging.set_verbosity(level)
        self.mark = nn.Embedding(MARKS, HIDDEN)
        self.head = nn.Linear(3 * HIDDEN, 1)
        self.piece = nn.Linear(HIDDEN, 1)
        for part in (self.bert.embeddings, *self.bert.encoder.layer[:BELOW]):
            part.requires_grad_(False)
        nn.init.normal_(self.mark.weight, std=0.01)

    def forward(self, part: Sequence[Pieces]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits of the pairs (n), of all pieces (n x width), and the claims' mask (n x width)."""
        width = max(len(one.ids) for one in part)
        ids = torch.zeros(len(part), width, dtype=torch.long)
        marks = torch.zeros(len(part), width, dtype=torch.long)
        mask = torch.zeros(len(part), width, dtype=torch.long)
        claim = torch.zeros(len(part), width, dtype=torch.bool)
        for row, one in enumerate(part):
            size = len(one.ids)
            ids[row, :size] = torch.tensor(one.ids)
            marks[row, :size] = torch.tensor(one.marks)
            mask[row, :size] = 1
            claim[row, one.start : size - 1] = True
        sees = mask[:, None, None, :].bool().expand(-1, 1, width, -1)
        with torch.no_grad():
            hidden = self.bert.embeddings(input_ids=ids)
            for layer in self.bert.encoder.layer[:BELOW]:
                hidden = layer(hidden, sees)
        hidden = hidden + self.mark(marks)
        for layer in self.bert.encoder.layer[BELOW:]:
            hidden = layer(hidden, sees)
        inside = claim.unsqueeze(-1)
        mean = (hidden * inside).sum(1) / inside.sum(1).clamp(min=1)
        peak = hidden.masked_fill(~inside, -100.0).amax(1)
        pooled = torch.cat([hidden[:, 0], mean, peak], 1)
        return self.head(pooled).squeeze(-1), self.piece(hidden).squeeze(-1), claim
