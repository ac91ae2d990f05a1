"""What an answer says about its source, not about the world: 'According to the text, ...'.

Such words stand in no document and say nothing that a document could bear out, so they are taken
off before an answer is read: how it is put must not change whether it is supported.
"""

from __future__ import annotations

import re

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


def unframed(text: str) -> str:
    """The text without such words in front of it or behind it; unchanged where nothing is left."""
    out = text.strip()
    for _ in range(_MOST):
        found = _FRONT.match(out)
        rest = _BACK.sub("", out[found.end() :] if found else out).strip()
        if rest == out or not any(c.isalnum() for c in rest):
            break
        out = rest[:1].upper() + rest[1:] if found and out[:1].isupper() else rest
    return out
