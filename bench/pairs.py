"""Labelled pairs made from real text without a language model, for training the groundedness
encoder. The idea of breaking a supported claim by rule is MiniCheck's (arXiv 2404.10774).

Every fact is broken on both sides: (c, x) and (c', x') are supported, (c, x') and (c', x) are not,
so neither the claim nor the context alone tells the label.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from dataclasses import dataclass

from bench.data import Row, overlap
from evaluators.evidence import split
from evaluators.grounding import statement

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
CLASSES = [
    text.split("|")
    for text in (
        "American|British|German|French|Italian|Canadian|Australian|Japanese|Indian|Spanish|Irish"
        "|Russian|Chinese|Swedish|Mexican|Scottish|Welsh|Brazilian|Korean|Norwegian|Dutch",
        "film|novel|album|song|play|television series|video game|magazine|poem|book|opera",
        "actor|singer|director|producer|writer|politician|footballer|lawyer|painter|composer"
        "|journalist|engineer|soldier|scientist|comedian|guitarist|drummer|coach",
        "drama|comedy|thriller|horror|romance|western|fantasy|documentary|science fiction|musical",
        "rock|jazz|pop|country|folk|hip hop|classical|metal|punk|blues",
        "north|south|east|west",
        "northern|southern|eastern|western",
        "first|second|third|fourth|fifth|last",
        "two|three|four|five|six|seven|eight|nine|ten|twelve",
        "red|blue|green|black|white|yellow|brown",
        "father|mother|brother|sister|son|daughter|uncle|cousin|wife|husband",
        "written|directed|produced|edited|narrated|reviewed",
        "city|village|county|river|lake|island|mountain|district",
        "university|school|hospital|museum|church|airport|library|stadium",
        "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday",
        "million|billion|thousand",
        "football|baseball|basketball|hockey|tennis|cricket|rugby|golf",
        "England|France|Germany|Italy|Canada|Australia|Japan|India|Spain|Ireland|Russia|China|Mexico",
        "London|Paris|Chicago|Boston|Los Angeles|New York|Berlin|Toronto|Sydney|Dallas|Seattle",
        "before|after",
        "won|lost",
        "increased|decreased",
        "largest|smallest",
        "oldest|youngest",
        "best|worst",
        "opened|closed",
        "higher|lower",
        "more than|less than",
        "began|ended",
        "joined|left",
        "man|woman",
        "boy|girl",
        "early|late",
        "bought|sold",
        "always|never",
        "all|none|some",
        "confirmed|denied",
        "accepted|rejected",
        "old|new",
        "large|small",
        "public|private",
        "male|female",
        "married|divorced",
        "north-east|south-west",
        "daily|weekly|monthly|annual",
        "alive|dead",
    )
]
KIND = {word: row for row in CLASSES for word in row}
SAME = [
    (a.replace("_", " "), b.replace("_", " "))
    for a, b in (
        pair.split("|")
        for pair in [
            "film|movie",
            "located_in|situated_in",
            "founded|established",
            "began|started",
            "wrote|authored",
            "starring|featuring",
            "automobile|car",
            "approximately|about",
            "purchased|bought",
            "television|TV",
            "company|firm",
            "died|passed_away",
            "married|wed",
            "United_States|US",
            "well_known|famous",
            "large|big",
            "created|made",
            "such_as|like",
            "also_known_as|called",
            "many|numerous",
            "released|put_out",
            "received|got",
            "in_order_to|to",
            "children|kids",
            "attorney|lawyer",
            "physician|doctor",
            "occurred|took_place",
            "ended|finished",
            "primarily|mainly",
            "assist|help",
            "killed|slain",
            "demolished|torn_down",
            "largest|biggest",
            "headquartered|based",
            "previously|formerly",
            "several|a_number_of",
            "residents|inhabitants",
        ]
    )
]
_PEOPLE = r"([A-Z][\w.'-]+(?: [A-Z][\w.'-]+)+)"
_WORKS = "film|novel|album|actor|actress|singer|politician|footballer|band|writer"
FACTS = (  # what a sentence says of its subject, and other words for it
    (r"born (?:on )?((?:\w+ \d+, |\d+ \w+ )\d{4})", ("{who} was born on {}.",)),
    (rf"directed by {_PEOPLE}", ("{} directed {who}.", "The director of {who} is {}.")),
    (rf"written by {_PEOPLE}", ("{} wrote {who}.", "{who} was authored by {}.")),
    (rf"starring {_PEOPLE}", ("{} stars in {who}.", "{who} features {}.")),
    (
        r"located in ([A-Z][\w.'-]+(?: [A-Z][\w.'-]+)*)",
        ("{who} can be found in {}.", "{who} is in {}."),
    ),
    (
        r"(?:released|founded|established|opened) (?:in|on) ([A-Z]?\w* ?\d*,? ?\d{4})",
        ("{who} dates from {}.",),
    ),
    (
        rf"(?:is|was) an? ([\w-]+ (?:{_WORKS}|television series|company|player))\b",
        ("{who} {verb} a {}.", "There {verb} a {} called {who}."),
    ),
)
_SUBJECT = re.compile(
    r"((?:The |An? )?[A-Z][\w'’.-]*(?: [A-Z\d][\w'’.-]*| of| the| and| in){0,5}) (is|was|are|were) "
)
_NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][\w'-]+(?: (?:of |the |de |van )?[A-Z][\w'-]+)*")
_NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b")
_KINDS = re.compile(r"\b(" + "|".join(sorted(map(re.escape, KIND), key=len, reverse=True)) + r")\b")
_MONTH = re.compile(r"\b(" + "|".join(MONTHS) + r")\b")
_COPULA = re.compile(r"\b(is|was|are|were|has|had|will|can|could|would)\b")


@dataclass(frozen=True, slots=True)
class Pair:
    """A context, a claim, its label and the family that made it; `spoiled` is the claim's wrong
    span ('' where unknown or none)."""

    context: str
    claim: str
    label: int
    family: str
    spoiled: str = ""


def other_number(text: str, draw: random.Random) -> str:
    """A number of the same form: a year stays a year, decimals and commas stay."""
    if re.fullmatch(r"1[5-9]\d\d|20[0-4]\d", text):
        return str(
            int(text) + draw.choice([-31, -20, -10, -7, -4, -3, -2, -1, 1, 2, 3, 4, 6, 10, 13])
        )
    digits = [i for i, c in enumerate(text) if c.isdigit()]
    at = draw.choice(digits)
    new = draw.choice([d for d in "123456789" if d != text[at]])
    return text[:at] + new + text[at + 1 :]


def swap(claim: str, context: str, names: list[str], draw: random.Random) -> tuple[str, str] | None:
    """A span that claim and context share, and a wrong one of its kind; None if there is none."""
    options: list[tuple[str, str]] = []
    for raw in _NUMBER.findall(claim):
        held = [
            n for n in _NUMBER.findall(context) if n != raw and (len(n) == 4) == (len(raw) == 4)
        ]
        options.append(
            (raw, draw.choice(held) if held and draw.random() < 0.5 else other_number(raw, draw))
        )
    for raw in _MONTH.findall(claim):
        options.append((raw, draw.choice([m for m in MONTHS if m != raw])))
    for raw in _NAME.findall(claim):
        if raw in KIND or raw in MONTHS:
            continue
        held = [
            n for n in _NAME.findall(context) if n not in raw and raw not in n and n not in MONTHS
        ]
        options.append((raw, draw.choice(held if held and draw.random() < 0.6 else names)))
    for raw in _KINDS.findall(claim):
        options.append((raw, draw.choice([w for w in KIND[raw] if w != raw])))
    options = [o for o in options if o[0] != o[1] and re.search(rf"\b{re.escape(o[0])}\b", context)]
    return draw.choice(options) if options else None


def put(text: str, old: str, new: str) -> str:
    return re.sub(rf"\b{re.escape(old)}\b", lambda _: new, text)


def negate(claim: str, draw: random.Random) -> str | None:
    found = _COPULA.search(claim)
    if not found:
        return None
    word = draw.choice([" not", " never", " not"])
    return claim[: found.end()] + word + claim[found.end() :]


def reworded(claim: str, draw: random.Random, chance: float = 0.7) -> str:
    """Synonyms from a short list, and a leading or trailing phrase of time moved."""
    for a, b in SAME if draw.random() < chance else []:
        old, new = (a, b) if draw.random() < 0.5 else (b, a)
        claim = put(claim, old, new)
    front = re.fullmatch(r"((?:In|On|At|During|After|Since) [^,]{2,40}), (.*?)([.!]?)", claim)
    if front and draw.random() < 0.6:
        lead, rest, end = front.groups()
        return f"{rest[0].upper()}{rest[1:]} {lead[0].lower()}{lead[1:]}{end}"
    back = re.fullmatch(r"(.{15,}) ((?:in|on|during) [^,]{3,25}?)([.!]?)", claim)
    if back and draw.random() < 0.3:
        rest, lead, end = back.groups()
        return f"{lead[0].upper()}{lead[1:]}, {rest}{end}"
    return claim


def shortened(sentence: str, draw: random.Random) -> list[str]:
    """True claims of one sentence: brackets and clauses dropped, facts taken out by pattern."""
    flat = re.sub(r"\s*[(\[][^()\[\]]*[)\]]", "", sentence).strip()
    out = [flat]
    clauses = re.split(r",? (?:which|who|where|while|although|because|but|and) |[,;] ", flat)
    if len(clauses) > 1 and len(clauses[0].split()) >= 5:
        out.append(clauses[0].rstrip(" ,;") + ".")
    subject = _SUBJECT.match(flat)
    if subject:
        who, verb = subject.groups()
        for pattern, forms in FACTS:
            form = draw.choice(forms) if len(forms) > 1 else forms[0]
            found = re.search(pattern, sentence)
            if found:
                out.append(form.format(found[1], who=who, verb=verb))
    return [c for c in dict.fromkeys(out) if 4 <= len(c.split()) <= 40]


def made(contexts: list[str], seed: int, wanted: int) -> list[Pair]:
    """About `wanted` pairs of the families swap, negate, remove, other and merge."""
    draw = random.Random(seed)
    names = sorted({n for c in contexts[:3000] for n in _NAME.findall(c)})
    out: list[Pair] = []
    pool = [c for c in contexts if 12 <= len(c.split()) <= 130]
    index: dict[str, list[int]] = defaultdict(list)
    for i, c in enumerate(pool):
        for name in set(_NAME.findall(c)):
            index[name].append(i)
    while len(out) < wanted:
        at = draw.randrange(len(pool))
        context = pool[at]
        parts = split(context)
        sentence = draw.choice(parts)
        claims = shortened(sentence, draw)
        if not claims:
            continue
        claim = draw.choice(claims)
        shown = reworded(claim, draw)
        kind = draw.random()
        found = swap(shown, context, names, draw)
        if kind < 0.6 and found:
            old, new = found
            c2, x2 = put(context, old, new), put(shown, old, new)
            if c2 == context or x2 == shown:
                continue
            out += [Pair(context, shown, 1, "swap"), Pair(c2, x2, 1, "swap")]
            out += [Pair(context, x2, 0, "swap", new), Pair(c2, shown, 0, "swap", old)]
        elif kind < 0.72:
            no = negate(shown, draw)
            no_context = no and negate(sentence, draw)
            if no and no_context and len(claims[0]) and claim == claims[0]:
                c2 = context.replace(sentence, no_context)
                out += [Pair(context, shown, 1, "negate"), Pair(context, no, 0, "negate", "not")]
                if c2 != context:
                    out += [Pair(c2, no, 1, "negate"), Pair(c2, shown, 0, "negate")]
        elif kind < 0.84 and len(parts) >= 3:
            rest = " ".join(p for p in parts if p != sentence)
            out += [Pair(context, shown, 1, "remove"), Pair(rest, shown, 0, "remove")]
        elif kind < 0.92:
            shared = [j for n in _NAME.findall(shown) for j in index.get(n, []) if j != at]
            other = pool[draw.choice(shared) if shared else draw.randrange(len(pool))]
            if shown not in other:
                out += [Pair(context, shown, 1, "other"), Pair(other, shown, 0, "other")]
        elif len(parts) >= 2:
            second = draw.choice([p for p in parts if p != sentence] or parts)
            more = draw.choice(shortened(second, draw) or [""])
            alien = draw.choice(
                shortened(draw.choice(split(pool[draw.randrange(len(pool))])), draw) or [""]
            )
            if more and alien and len(claim.split()) + len(more.split()) < 40:
                a, b = (claim, more) if draw.random() < 0.5 else (more, claim)
                u, v = (claim, alien) if draw.random() < 0.5 else (alien, claim)
                out.append(Pair(context, f"{a.rstrip('.')} and {b}", 1, "merge"))
                out.append(Pair(context, f"{u.rstrip('.')} and {v}", 0, "merge", alien.rstrip(".")))
    return out


def balanced(pairs: list[Pair], seed: int, bins: int = 10) -> list[Pair]:
    """As many supported as unsupported pairs in every cell of family, overlap and length, so that
    overlap and length alone tell nothing."""
    cells: dict[tuple[str, int, int], tuple[list[Pair], list[Pair]]] = defaultdict(lambda: ([], []))
    for pair in pairs:
        share = overlap(pair.claim, pair.context)
        key = (pair.family, int(share * bins), min(8, len(pair.claim.split()) // 4))
        cells[key][pair.label].append(pair)
    draw = random.Random(seed)
    out: list[Pair] = []
    for key in sorted(cells):
        n = min(map(len, cells[key]))
        for side in cells[key]:
            out += draw.sample(side, n)
    draw.shuffle(out)
    return out


def of_rows(found: list[Row], family: str) -> list[Pair]:
    """Labelled rows as pairs; a fragment of an answer is read after its question."""
    return [
        Pair(r["context"], statement(r["question"], r["claim"]), r["label"], family) for r in found
    ]
