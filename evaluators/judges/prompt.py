"""The groundedness rubric for an LLM judge. A change here is a new evaluator version."""

from __future__ import annotations

SYSTEM = "You check whether an answer is supported by documents. Reply with one word: Yes or No."
USER = """Documents:
{documents}

Answer:
{answer}

Is every statement of the answer supported by the documents? Reply Yes or No."""

YES = ("Yes", " Yes", "yes", " yes", "YES", " YES")
NO = ("No", " No", "no", " no", "NO", " NO")

SPEC = {"system": SYSTEM, "user": USER, "yes": YES, "no": NO}
