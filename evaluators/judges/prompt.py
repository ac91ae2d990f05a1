"""The groundedness rubric for an LLM judge. A change here is a new evaluator version."""

from __future__ import annotations

from evaluators.judges.question import Part, Question
from schemas.models import Sample

SYSTEM = "You check whether an answer is supported by documents. Reply with one word: Yes or No."
ASK = "Is every statement of the answer supported by the documents? Reply Yes or No."
LABELS = (("Yes", 1.0), ("No", 0.0))

SPEC = {"system": SYSTEM, "ask": ASK, "labels": LABELS, "revision": 2}


def question(sample: Sample) -> Question:
    """The documents are cut first, since the answer is what is judged."""
    documents = Part("documents", "\n".join(sample.documents), elastic=True)
    return Question(SYSTEM, (documents, Part("answer", sample.answer)), ASK, LABELS)
