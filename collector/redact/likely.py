"""Which rules of a policy may find something in a text or a message: one pass for all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from collector.redact.rules import Rule
from collector.redact.secrets import NAMED
from collector.redact.triggers import ESCAPED, IN_MESSAGE, LARGE, START, Triggers

Found = tuple[Rule, re.Pattern[str], Callable[[str], bool]]


class Likely:
    """The steps of `rules`, each behind its trigger. Thread-safe."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        steps = [(rule, step) for rule in rules for step in rule.steps]
        self.all: list[Found] = [(rule, pattern, keep) for rule, (_, pattern, keep) in steps]
        self.cards = frozenset(i for i, (rule, _) in enumerate(steps) if rule.name == "card")
        self._secrets = any(rule.name == "secrets" for rule in rules)
        self._always = frozenset(i for i, (_, (trigger, _, _)) in enumerate(steps) if not trigger)
        self._asked = [i for i, (_, (trigger, _, _)) in enumerate(steps) if trigger]
        asked = [steps[i][1][0] for i in self._asked]
        self._in_text = Triggers([ESCAPED, NAMED, *asked])
        named = [NAMED] if self._secrets else []
        inside = [
            IN_MESSAGE + trigger.removeprefix(START) if trigger.startswith(START) else trigger
            for trigger in asked
        ]
        bare = [trigger.removeprefix(START) for trigger in asked]
        # To look for what must stand before costs twice as much: only where the rest is there.
        self._maybe = Triggers([ESCAPED, LARGE, *named, *bare])
        self._in_message = Triggers([ESCAPED, LARGE, *named, *inside])

    def message(self, data: bytes) -> bool:
        """False where no rule finds anything in a message that serialises to `data`."""
        if self._always:
            return True
        return bool(self._maybe.match(data)) and bool(self._in_message.match(data))

    def text(self, text: str) -> tuple[frozenset[int], bool, bool]:
        """(indexes of the steps that may match, whether escapes may hide some more, whether a key
        of JSON in it may be telling)."""
        found = self._in_text.match(text.encode("utf-8", "surrogatepass"))
        if not found:
            return self._always, False, False
        steps = self._always | {self._asked[i - 2] for i in found if i > 1}
        return steps, 0 in found, self._secrets and 1 in found
