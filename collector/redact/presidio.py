"""Microsoft Presidio as a finder of names, places and numbers of many countries; an optional extra.

Without a spaCy model only its patterns and checksums run; a model that is installed adds names,
places and organisations. Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Find = Callable[[str], list[tuple[int, int, str]]]  # (start, end, label), none overlapping
LANGUAGE = "en"
# What spans are full of, and who looks at them needs.
LEFT = frozenset({"DATE_TIME", "URL", "UUID", "ID", "AGE", "NRP"})
# They fetch a list of domains; e-mail addresses have a rule of their own.
_CONNECTING = ("EmailRecognizer", "UrlRecognizer")
LONGEST = 50_000  # characters that are looked at together; spaCy refuses a million
OVERLAP = 200


class MissingError(ValueError):
    """Presidio or the model cannot be loaded; the message says what to install."""


def finder(policy: Mapping[str, Any]) -> Find:
    """What finds entities in a text, by `model`, `entities` and `score` of a policy.

    Raises MissingError.
    """
    try:
        import spacy
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError as error:
        raise MissingError(
            f"Presidio is not installed: pip install 'assay-observe[presidio]' ({error})"
        ) from error
    model = str(policy.get("model", ""))
    try:
        loaded = spacy.load(model) if model else spacy.blank(LANGUAGE)
    except OSError as error:
        raise MissingError(f"spaCy's model {model!r} is not installed: {error}") from error
    engine: Any = SpacyNlpEngine(models=[{"lang_code": LANGUAGE, "model_name": model or "blank"}])
    engine.nlp = {LANGUAGE: loaded}
    registry = RecognizerRegistry(supported_languages=[LANGUAGE])
    registry.load_predefined_recognizers(languages=[LANGUAGE], nlp_engine=engine)
    for each in _CONNECTING:
        registry.remove_recognizer(each)
    analyzer = AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=[LANGUAGE])
    known = sorted(analyzer.get_supported_entities(LANGUAGE))
    wanted = list(policy.get("entities") or [e for e in known if e not in LEFT])
    score = float(policy.get("score", 0.5))

    def find(text: str) -> list[tuple[int, int, str]]:
        found = [
            (begin + one.start, begin + one.end, str(one.entity_type), float(one.score))
            for begin, piece in _pieces(text)
            for one in analyzer.analyze(
                text=piece, language=LANGUAGE, entities=wanted, score_threshold=score
            )
        ]
        return _apart(found)

    return find


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    for begin in range(0, max(1, len(text)), LONGEST):
        yield begin, text[begin : begin + LONGEST + OVERLAP]


def _apart(found: list[tuple[int, int, str, float]]) -> list[tuple[int, int, str]]:
    """Of matches that overlap the surer one, then the longer one; in the order of the text."""
    kept: list[tuple[int, int, str]] = []
    for start, end, label, _ in sorted(found, key=lambda f: (-f[3], f[0] - f[1], f[0])):
        if all(end <= a or start >= b for a, b, _ in kept):
            kept.append((start, end, label))
    return sorted(kept)
