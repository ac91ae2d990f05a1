"""What an answer says about its source, not about the world: 'According to the text, ...'.

Such words stand in no document and say nothing that a document could bear out, so they are taken
off before an answer is read: how it is put must not change whether it is supported. Phrases are
known from a list, or by their form: a clause around the statement that speaks of the speaker, the
reader or the statement itself, with no name and no number, none of whose words a document holds.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from evaluators.words import STOP, stem, words

_THING = (
    r"(?:texts?|documents?|articles?|passages?|contexts?|sources?|excerpts?|snippets?|pages?"
    r"|(?:search )?results?|information|evidence|materials?|knowledge base|documentation|docs?"
    r"|retrieved \w+|provided \w+)"
)
_SOURCE = (
    rf"(?:the|this|that|these|those|your|our|my)(?: (?:provided|given|retrieved|above|following"
    rf"|supplied|attached|available|source|reference))* {_THING}"
    r"(?: (?:provided|given|above|retrieved|available|that (?:was|were|you) \w+))?"
)
_SAYS = (
    r"(?:says?|states?|mentions?|notes?|indicates?|explains?|shows?|reports?|tells us|confirms?"
    r"|reveals?|suggests?|describes?|clearly states?)"
)
_FRONT = re.compile(
    rf"(?:according to|based (?:up)?on|as per|per|from|in|as (?:\w+ed|shown|written) (?:in|by)"
    rf"|as) {_SOURCE}(?: {_SAYS})?"
    r"(?:,|:| it (?:is|can be) (?:clear|stated|said|seen|mentioned) that)\s+|"
    rf"{_SOURCE} {_SAYS} (?:that )?|"
    r"(?:yes|no|sure|well|okay|ok|certainly|of course|indeed|actually|in fact|in short|in summary"
    r"|to summari[sz]e|overall|so|also|additionally|moreover|furthermore|however"
    r"|therefore)[,!.:] +|"
    r"(?:the|my|a short) (?:short |final |correct |right )?answer (?:is|would be)(?: that|:) |"
    r"(?:did you know|i think|i believe|i(?:'ve| have) (?:read|heard)|i know|note|it is (?:true"
    r"|stated|said|mentioned|reported|noted|known)|it (?:says|states)|(?:it )?(?:seems|appears)) "
    r"that +",
    re.IGNORECASE,
)
_BACK = re.compile(
    rf",? (?:according to|based on|as (?:\w+ed|shown|written) (?:in|by)|as per|per) {_SOURCE}"
    rf"(?=[.!]?$)|, as {_SOURCE} {_SAYS}(?=[.!]?$)",
    re.IGNORECASE,
)
_MOST = 3  # frames one inside the other


_CLAUSE = r"[^,;:.!?\"“”()\d]"
_VERB = r" (?:would|will|is|was|are|were|can|could|has|had|does|did|just|makes?|stuff|'s)\b"
_LEAD = re.compile(
    rf"(?P<clause>{_CLAUSE}{{3,70}}?)"
    r"(?:(?P<that> that)(?=\s)(?!{_VERB})|(?P<colon>:)|(?P<comma>,)(?=\s)|(?P<and> and)(?=\s))\s+"
)
_TRAIL = re.compile(rf",(?: |(?= ))(?P<clause>{_CLAUSE}{{3,70}})[.!]?$")
_SPEAKER = frozenset(("i", "me", "my", "mine", "we", "us", "our", "you", "your"))
_POINTER = frozenset(("it", "what", "here", "there", "all", "one", "everything"))
_ABOUT = frozenset(("that", "this", "so", "as", "at"))  # what a trailing clause opens with
_VIEW = frozenset(("from", "as", "in", "to", "by"))  # what a leading one before a comma opens with
_DENIES_TEXT = """no not never n't none nobody nothing neither nor cannot without hardly doubt
    doubts doubtful false wrong untrue deny denies denied myth unlikely unclear if whether would
    could might"""
_DENIES = frozenset(_DENIES_TEXT.split())  # such a clause changes what the statement says
_RELATIVE = re.compile(r"\b(?:an?|the|his|her|its|their|some|any|every) (?:\w+ ){1,3}$")
_LONGEST = 14  # words of such a clause
_LEAST = 4  # words of the statement that is left


def _empty(clause: str, held: AbstractSet[str]) -> bool:
    """Whether a clause denies nothing, has no name, and no word but the commonest that a document
    holds."""
    said = words(clause)
    if _DENIES & frozenset(said):
        return False
    named = any(w[:1].isupper() and w != "I" and not w.startswith("I'") for w in clause.split()[1:])
    content = [stem(w) for w in said if w not in STOP]
    return 2 <= len(said) <= _LONGEST and not named and not any(w in held for w in content)


def _leads(text: str, held: AbstractSet[str]) -> int:
    """Where the statement begins behind a clause known by its form; 0 where there is none."""
    found = _LEAD.match(text)
    if not found or not _empty(found["clause"], held) or len(text[found.end() :].split()) < _LEAST:
        return 0
    said = frozenset(words(found["clause"]))
    speaks = bool(said & _SPEAKER)
    if found["and"]:  # 'I looked it up for you and ...': it must speak to the reader too
        return found.end() if {"i", "you"} <= said or {"we", "you"} <= said else 0
    if found["comma"]:  # 'As far as I can tell, ...'
        return found.end() if speaks and words(found["clause"])[0] in _VIEW else 0
    # 'the boy that ...' says something of the boy: that clause is no frame
    if found["that"] and _RELATIVE.search(found["clause"] + " "):
        return 0
    return found.end() if said & _POINTER and not speaks else 0


def _trails(text: str, held: AbstractSet[str]) -> int:
    """Where the statement ends before a clause known by its form; its length if there is none."""
    found = _TRAIL.search(text)
    if not found or not _empty(found["clause"], held):
        return len(text)
    if len(text[: found.start()].split()) < _LEAST:
        return len(text)
    said = words(found["clause"])
    about = said[0] in _ABOUT and bool(frozenset(said) & (_SPEAKER | _POINTER | {"that", "this"}))
    return found.start() if about else len(text)


def unframed(text: str, held: AbstractSet[str] = frozenset(), by_form: bool = True) -> str:
    """The text without such words in front of it or behind it; unchanged where nothing is left.

    `held` are the stems of the documents: a clause with one of them is kept, since it may state
    something that they bear out.
    """
    out = text.strip()
    for _ in range(_MOST):
        found = _FRONT.match(out)
        start = found.end() if found else (_leads(out, held) if by_form else 0)
        rest = _BACK.sub("", out[start:])
        rest = (rest[: _trails(rest, held)] if by_form else rest).strip()
        if rest == out or not any(c.isalnum() for c in rest):
            break
        out = rest[:1].upper() + rest[1:] if start and out[:1].isupper() else rest
    return out
