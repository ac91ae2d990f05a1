"""Reading a verdict: from probabilities of labels, from JSON, from text.

Never from what a judge repeats of the judged text: probabilities are those of the reply's own
tokens, and in text only a line that carries the question's tag, or one that the judged text does
not hold, counts.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evaluators.base import Result, failed, scored

SMALLEST = 1e-4  # a label that is never preferred must not win by a division by nothing
MASS_FLOOR = 0.10  # below it the model did not answer the question that was put
_TRIM = " \t\r\n\"'`*_.:,;!()[]{}Ġ▁Ċ"
Labels = Sequence[tuple[str, float]]


def weighed(
    chances: Mapping[str, float], labels: Labels, note: str = "", prior: Sequence[float] = ()
) -> Result:
    """The expected value of the labels. The explanation has the mass that lies on them and the
    entropy among them (0 certain, 1 none is preferred); too little mass is `off_label`.

    `prior`, in the order of the labels, is divided out (batch calibration, arXiv 2309.17249, eq. 4,
    with the mean taken over a frozen set: a score must not depend on its neighbours).
    """
    mass = sum(chances.values())
    if not mass >= MASS_FLOOR:
        names = ", ".join(name for name, _ in labels)
        return failed(f"off_label: mass {mass:.3f} on {names}")
    shares = {name: chance / mass for name, chance in chances.items()}
    if prior:
        freed = {
            name: shares[name] / max(p, SMALLEST)
            for (name, _), p in zip(labels, prior, strict=True)
        }
        whole = sum(freed.values())
        shares = {name: each / whole for name, each in freed.items()}
    value = sum(shares[name] * worth for name, worth in labels)
    spread = -sum(p * math.log(p) for p in shares.values() if p > 0) / math.log(len(labels))
    said = f"label mass {min(mass, 1):.3f}, entropy {abs(spread):.3f}"
    if prior:
        said += f", prior {' '.join(f'{p:.3f}' for p in prior)} removed"
    return scored(round(value, 4), "; ".join(part for part in (said, note) if part))


def _plain(token: str) -> str:
    return token.strip(_TRIM).casefold()


def chances(content: Sequence[Mapping[str, Any]], labels: Labels) -> dict[str, float]:
    """Probability of each label, from the `logprobs.content` of a chat completion.

    All spellings of a label are summed. Where labels begin alike ('1' and '10') the reply's own
    path is followed to the token that tells them apart; what another path would have said there
    is unknown, and its mass is on no label.
    """
    names = {_plain(name): name for name, _ in labels}
    found = dict.fromkeys((name for name, _ in labels), 0.0)

    def walk(at: int, before: str, weight: float) -> None:
        if at >= len(content):
            if (whole := _plain(before)) in names:
                found[names[whole]] += weight
            return
        said = str(content[at].get("token", ""))
        others = content[at].get("top_logprobs") or []
        seen = {str(other.get("token", "")): other.get("logprob") for other in others}
        for token, logprob in {**seen, said: content[at].get("logprob", seen.get(said))}.items():
            if logprob is None:
                continue
            chance, text = weight * math.exp(min(0.0, float(logprob))), _plain(before + token)
            fitting = [name for name in names if text and name.startswith(text)]
            over = not token[:1].isalnum() and (text == _plain(before) or not fitting)
            if over and _plain(before) in names:
                found[names[_plain(before)]] += chance
            elif len(fitting) == 1:
                found[names[fitting[0]]] += chance
            elif token == said and (fitting or not text):
                walk(at + 1, before + token, chance)

    walk(0, "", 1.0)
    return found


def from_json(text: str, names: Sequence[str]) -> tuple[str, str] | None:
    """(label, reason) of a reply like {"reason": ..., "verdict": ...}; None where it is none."""
    start, end = text.find("{"), text.rfind("}")
    try:
        given = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return None
    if not isinstance(given, dict):
        return None
    label = _named(str(given.get("verdict", "")), names)
    return (label, str(given.get("reason", ""))) if label else None


def from_text(text: str, names: Sequence[str], mark: str, judged: str) -> str | None:
    """The label of a free reply: of the last line with the tag, else of a last line that says
    nothing else, else of the last 'verdict: LABEL' in a line that the judged text does not hold."""
    any_label = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    told = re.compile(rf"(?<!\w)({any_label})(?!\w)", re.IGNORECASE)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in reversed(lines):
        _, tagged, tail = line.rpartition(mark)
        if tagged and (found := told.search(tail)):
            return _named(found[1], names)
    if lines and (label := _named(lines[-1], names)):
        return label
    spoken = re.compile(
        rf"(?:verdict|score|rating|answer|label)\W{{1,6}}(?:is\W{{1,4}})?({any_label})(?!\w)", re.I
    )
    for line in reversed(lines):
        said = spoken.findall(line)
        if said and line not in judged:
            return _named(said[-1], names)
    return None


def _named(text: str, names: Sequence[str]) -> str | None:
    plain = _plain(text)
    return next((name for name in names if _plain(name) == plain), None)
