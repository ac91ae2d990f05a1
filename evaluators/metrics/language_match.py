"""Language match: is the answer in the language of the question? By character n-grams."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from evaluators.base import Resources, Result, scored, unscored, version_of
from schemas.models import Sample
from schemas.registry import register

PACKAGE = "py3langid"  # after langid.py, Lui and Baldwin 2012; its model is in the package
FEWEST = 12  # letters; fewer do not tell a language
SURE = 0.6  # of each text, else nothing is said
# Languages with many writers: of all 150 the rare neighbours of English take short texts.
_NAMES = """ar bg bn ca cs da de el en es et fa fi fr gu he hi hr hu id it ja ko lt lv mr ms nl no
pl pt ro ru sk sl sr sv sw ta te th tl tr uk ur vi zh"""
LANGUAGES = _NAMES.split()
READ = 2000  # characters of each text
_LEFT_OUT = re.compile(r"```.*?```|`[^`]*`|https?://\S+|\S+@\S+", re.DOTALL)


class LanguageMatch:
    """The chance that both texts are in one language: the sum over languages of the product of
    their chances. 'unscored' where a text is short, is code, or could be in several languages."""

    name = "language_match"
    level = "trace"
    needs = ("question", "answer")
    probability = 1.0
    on_demand = True

    def __init__(self, release: str) -> None:
        self.model = f"{PACKAGE} {release}"
        self.version = version_of(
            {
                "model": self.model, "fewest": FEWEST, "sure": SURE, "read": READ,
                "languages": LANGUAGES, "revision": 1,
            }
        )  # fmt: skip

    @cached_property
    def _identifier(self) -> Any:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        made = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        made.set_languages([name for name in LANGUAGES if name in made.labels])
        return made

    def chances(self, text: str) -> dict[str, float]:
        """Language to chance, ISO 639-1; empty where there is too little to read."""
        plain = _LEFT_OUT.sub(" ", text)[:READ]
        if sum(c.isalpha() for c in plain) * (1 if plain.isascii() else 2) < FEWEST:
            return {}
        return {str(name): float(chance) for name, chance in self._identifier.rank(plain)}

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return [self._one(sample) for sample in samples]

    def _one(self, sample: Sample) -> Result:
        asked, said = self.chances(sample.question), self.chances(sample.answer)
        for title, found in (("question", asked), ("answer", said)):
            if not found:
                return unscored(f"{title} too short to tell its language")
            if max(found.values()) < SURE:
                return unscored(f"language of the {title} is not clear")
        value = math.fsum(chance * said.get(name, 0.0) for name, chance in asked.items())
        first, second = (max(found, key=lambda n: found[n]) for found in (asked, said))
        return scored(round(value, 4), f"question {first}, answer {second}")


@register("evaluator", "language_match")
def language_match(resources: Resources) -> LanguageMatch | None:
    """None where the package is not installed."""
    try:
        return LanguageMatch(version(PACKAGE))
    except PackageNotFoundError:
        return None
