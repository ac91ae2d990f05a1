"""Words of English texts: how they are cut, which say little, and a light stem."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+(?:[.,]\d+)*(?:['’]\w+)?", re.UNICODE)
_RAW = re.compile(r"\w+")
_STOP_TEXT = """a an the and or but if of to in on at by for with from as is are was were be been
    being am do does did done have has had having it its this that these those there here i you he
    she we they me him her us them my your his our their what which who whom whose when where why
    how not no so than then too very can could will would shall should may might must just also
    about into over after before out up down off again s t don im ive its thats"""
_SPEECH_TEXT = """according based text texts document documents article passage context source
    sources say says said state states stated mention mentions mentioned note notes noted answer
    question yes well sure certainly clearly author tell tells told report reports reported
    provided given looked look found gathered learn learned know known certain hand means"""
STOP = frozenset((_STOP_TEXT + " " + _SPEECH_TEXT).split())


def words(text: str) -> list[str]:
    """Lower-cased words; "can't" gives "can", "n't" so that negation stays visible."""
    found: list[str] = []
    for raw in _WORD.findall(text.lower().replace("’", "'")):
        word, _, tail = raw.partition("'")
        if tail == "t" and word.endswith("n"):
            found += [word[:-1] or "n", "n't"]
        else:
            found.append(word)
    return found


def stem(word: str) -> str:
    """A light English stem: plural, -ed, -ing and -ly endings off words of five letters and up."""
    if len(word) > 4 and word[0].isalpha():
        for ending in ("ing", "ies", "ied", "ed", "es", "ly", "s"):
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                return word[: -len(ending)].rstrip("ey")
    return word.rstrip("ey") if len(word) > 4 else word


def raw_words(text: str) -> list[str]:
    """Lower-cased runs of letters and digits."""
    return _RAW.findall(text.lower())
