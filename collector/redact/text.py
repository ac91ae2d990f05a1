"""One text without what the rules find in it; JSON text stays JSON."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import partial

from google.protobuf.message import Message

from collector.redact.likely import Likely
from collector.redact.presidio import Find
from collector.redact.rules import Rule
from collector.redact.secrets import TELLING

_MARKER = re.compile(r"(\[[A-Z][A-Z0-9_]*(?::[0-9a-f]{8})?\])")
_PIECE = re.compile(
    r'"((?:[^"\\]|\\.)*)"(\s*:)?|(-?[0-9][0-9.eE+-]*)|null|true|false|[\[{]', re.DOTALL
)
DEEPEST = 8  # JSON in JSON
REMEMBERED = 10_000
SHORT = 100  # characters of a text that is worth remembering as clean


@dataclass(slots=True)
class Redactor:
    """The rules of one policy. `salt` makes markers carry a hash; empty: they carry none.

    `find` gives what no pattern can tell, (start, end, label) each. `counts` are of this use;
    `clean` (texts) and `names` (attributes) are found to hold nothing, and `use` shares them.
    `compiled` is of the same rules: to compile them takes a fifth of a second.
    """

    rules: Sequence[Rule]
    salt: bytes = b""
    counts: Counter[str] = field(default_factory=Counter)
    clean: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    find: Find | None = None
    compiled: Likely | None = None
    likely: Likely = field(init=False)

    def __post_init__(self) -> None:
        self.likely = self.compiled or Likely(self.rules)

    def use(self) -> Redactor:
        """The same with counts of its own, for one request."""
        used = copy(self)
        used.counts = Counter()
        return used

    def passes(self, message: Message) -> bool:
        """True where a message surely holds nothing that is looked for."""
        return self.find is None and not self.likely.message(message.SerializeToString())

    @property
    def secrets(self) -> bool:
        """True where telling names hide their values."""
        return any(rule.name == "secrets" for rule in self.rules)

    def text(self, text: str, depth: int = 0) -> str:
        """The text without what the rules find; the very same object where they find nothing."""
        if not text or text in self.clean:
            return text
        nested = depth < DEEPEST and text.lstrip()[:1] in {"{", "[", '"'}
        likely, escaped, telling = self.likely.text(text)
        if likely or (nested and (escaped or telling)) or self.find is not None:
            inside = nested and _is_json(text)
            found = self._json(text, depth) if inside else self._plain(text, likely)
            if found != text:
                return found
        if len(text) <= SHORT:
            if len(self.clean) >= REMEMBERED:
                self.clean.clear()
            self.clean.add(text)
        return text

    def marker(self, rule: Rule, value: str) -> str:
        """What stands for a value; counts it."""
        return self._marked(rule.name, rule.label, value)

    def _marked(self, name: str, label: str, value: str) -> str:
        self.counts[name] += 1
        if not self.salt:
            return f"[{label}]"
        same = value.lower()
        if name in {"card", "phone", "iban"}:
            same = re.sub(r"[^0-9a-z]", "", same)
        said = f"{label}:{same}".encode("utf-8", "replace")
        return f"[{label}:{hmac.new(self.salt, said, hashlib.sha256).hexdigest()[:8]}]"

    def whole(self, value: str) -> str:
        """A value whose name says that it is a secret."""
        if not value or _MARKER.fullmatch(value):
            return value
        return self.marker(next(r for r in self.rules if r.name == "secrets"), value)

    def _plain(self, text: str, steps: frozenset[int]) -> str:
        changed = False
        for i, (rule, pattern, keep) in enumerate(self.likely.all):
            if i not in steps and not changed:
                continue
            before = text
            put = partial(self._put, rule, keep)
            parts = _MARKER.split(text) if "[" in text else [text]
            # Odd parts are markers, which no later rule may read as data.
            parts[::2] = [pattern.sub(put, part) for part in parts[::2]]
            text = "".join(parts)
            # A marker ends words: what a trigger saw as part of one may stand alone now.
            changed = changed or text != before
        if self.find is not None and any(c.isalnum() for c in text):
            parts = _MARKER.split(text) if "[" in text else [text]
            parts[::2] = [self._found(self.find, part) for part in parts[::2]]
            text = "".join(parts)
        return text

    def _found(self, find: Find, text: str) -> str:
        made, at = [], 0
        for start, end, label in find(text) if text.strip() else ():
            made += [text[at:start], self._marked("presidio", label, text[start:end])]
            at = end
        return "".join([*made, text[at:]])

    def _put(self, rule: Rule, keep: Callable[[str], bool], match: re.Match[str]) -> str:
        group = "value" if "value" in match.re.groupindex else 0
        value = match[group]
        if not value or not keep(value):
            return match[0]
        start, end = match.start(group) - match.start(), match.end(group) - match.start()
        return match[0][:start] + self.marker(rule, value) + match[0][end:]

    def _json(self, text: str, depth: int) -> str:
        """Strings are read, redacted and written again; a number becomes a string."""
        hidden = False

        def put(match: re.Match[str]) -> str:
            nonlocal hidden
            inner, colon, number = match.groups()
            if inner is None and number is None:
                hidden = False
                return match[0]
            if number is not None:
                secret, hidden = hidden, False
                numeric = self.likely.cards if number.isdigit() else frozenset()
                found = self.whole(number) if secret else self._plain(number, numeric)
                return match[0] if found == number else json.dumps(found)
            value = str(json.loads(f'"{inner}"', strict=False)) if "\\" in inner else inner
            secret, hidden = hidden, False
            found = self.whole(value) if secret and not colon else self.text(value, depth + 1)
            if colon:
                hidden = self.secrets and TELLING.search(value) is not None
            if found == value:
                return match[0]
            return json.dumps(found, ensure_ascii="\\" in inner) + (colon or "")

        return _PIECE.sub(put, text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True
