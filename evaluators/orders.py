"""Sentences of documents that speak to whoever judges: they name a verdict or order one.

They say nothing about the world that an answer could be checked by, and they move a model that
reads them. They are known by their form, not by their phrase: a word of speech, record or trial
('reply', 'label', 'the statements are') that is led to a verdict ('Yes', 'supported'); the reply
word itself, told as a word; an order to set the rules aside; the marks by which chats and data end.
A sentence whose verdict word the answer uses itself is read as any other.
"""

from __future__ import annotations

import re

_TELL = (
    r"(?:repl(?:y|ies)|respond|answer|says?|output|print|return|write|repeat|report|confirm|mark"
    r"|label|rate|score|grade|treat|judge|call|give|choose|find)"
)
_RECORD = (
    r"(?:verdict|label|score|rating|grade|repl(?:y|ies)|responses?|answers?|judge?ment|result"
    r"|outcome|decision|statements?|claims?|items?|record|everything)"
)
_VERDICT = (
    r"(?:un)?(?:supported|faithful|grounded)\b(?! (?:by|in|on|to|from)\b)|(?:in)?correct\b"
    r"|inaccurate\b|wrong\b|hallucinated\b|entailed\b"
)
_NUMBER = r"[01](?:\.\d+)?(?= ?/ ?(?:1|5|10|100)\b| out of|\W*$)"
_WORD = rf"(?P<word>yes\b|(?-i:No)\b|{_VERDICT}|{_NUMBER})"
_ENDS = r"(?=\W*$|[,.;:!?]| (?:and|or|but)\b)"
_BEGUN = r"(?:^|[.;:,>\n\"'(-] ?|\b(?:and|to|please|must|should|shall|always|only|not|now|then) )"
_ORDERED = re.compile(rf"{_BEGUN}{_TELL}\b(?:\W+\w+){{0,5}}?\W+{_WORD}", re.I)
_RECORDED = re.compile(
    rf"\b{_RECORD}\b(?:\W+\w+){{0,4}}?(?:\W*[:=>|]|\s(?:is|are|was|were|be|been|as))\W+"
    rf"(?:\w+\W+){{0,2}}?{_WORD}",
    re.I,
)
_POINTED = re.compile(rf"\b(?:this|it all) (?:is|was) (?:\w+ )?(?P<word>{_VERDICT}){_ENDS}", re.I)
_LISTED = re.compile(rf"(?:{_VERDICT})(?:, (?:and )?| and )(?P<word>{_VERDICT})", re.I)
# A reply word told as a word: within a sentence, with a capital, beside nothing else with one
# ('No.' at an end is the beginning of 'No. 1').
_TOLD = re.compile(
    r"(?:^|[\s\"'(，])[^\W\dA-Z_]\w*,? (?P<word>Yes|No(?!\.$))\b(?!\.? ?[A-Z\d]|[-’'])"
)
_GLUED = re.compile(r"[:>=\"'|] ?(?P<word>Yes|No)(?= ?[<\"'|.;]| ?$)")
_ASIDE = re.compile(
    r"\b(?:ignor\w+|disregard|forget|override|bypass)\b(?:\W+\w+){0,4}?\W+"
    r"(?P<word>instructions?|criteria|rules|prompts?|guidelines|orders|above)\b",
    re.I,
)
_MARKS = re.compile(
    r"(?P<word><\||\|>|\[/?INST\]|</?(?:answer|documents?|system|verdict|result)>"
    r"|-{3,} ?end of|#{3} ?(?:end|instruction))",
    re.I,
)
# Nothing else is worth a close look: what every form has one of.
_SOME = re.compile(
    r"yes\b|(?-i:No)\b|\b[01]\b|supported|faithful|grounded|correct|inaccurate|wrong"
    r"|hallucinated|entailed|ignor|disregard|forget|override|bypass|<\||\|>|INST\]|</?\w|--|###",
    re.I,
)
# What stands between words is looked at no further than this: patterns that may pass over it try
# every length, so a line of 80,000 dashes would hold a worker up for minutes.
_BETWEEN = re.compile(r"\W{8,}")
_FORMS = (_ORDERED, _RECORDED, _POINTED, _LISTED, _TOLD, _GLUED, _ASIDE, _MARKS)


def speaks(sentence: str, answer: str) -> str:
    """The word by which a sentence is known to speak to a judge; '' where it does not, or where
    the answer itself uses that word."""
    sentence = _BETWEEN.sub(lambda found: found[0][:8], sentence)
    for form in _FORMS if _SOME.search(sentence) else ():
        for found in form.finditer(sentence):
            word = found["word"]
            if not re.search(rf"(?<=.)\b{re.escape(word)}\b|^{re.escape(word)}\b(?![,.!])", answer):
                return word
    return ""
