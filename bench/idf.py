"""Rarity of stems in the contexts of HaluEval and SNLI: no labelled target set is read."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

from bench.data import rows
from evaluators.words import STOP, stem, words

OUT = Path("evaluators/metrics/rarity.json")
KEPT = 6000


def load() -> dict[str, float]:
    """Inverse document frequency of the KEPT most common stems; '' holds that of the rest."""
    if OUT.exists():
        return dict(json.loads(OUT.read_text()))
    texts = {r["context"] for n in ("halueval_qa", "halueval_dialogue", "snli") for r in rows(n)}
    texts |= {r["context"][:1500] for r in rows("halueval_summarization")}
    counts = Counter(s for t in sorted(texts) for s in {stem(w) for w in words(t) if w not in STOP})
    common = {s: round(math.log(len(texts) / n), 2) for s, n in counts.most_common(KEPT)}
    spec = {"": round(math.log(len(texts) / 2), 2), **common}
    OUT.write_text(json.dumps(spec, ensure_ascii=False, separators=(",", ":")) + "\n")
    return spec
