"""The one pass never spares what the patterns would have found: all of them are the oracle."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from collector.redact.likely import Likely
from collector.redact.request import redact
from collector.redact.rules import rules
from collector.redact.text import Redactor
from schemas.redaction import RULES
from tests.collector.redact.test_text import KEYS

PLANTED = [
    *KEYS, "4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "bob@example.com",
    "bob%40example.com", "GB82 WEST 1234 5698 7654 32", "gb82west12345698765432", "10.2.3.4",
    "fe80::1ff:fe23:4567:890a", "::1", "+49 30 1234567", "(978)645-9740", "978.645.9740 x12",
    "password=hunter2", 'x_api_key" :\t"k3y-value"', "Secret_Access_Key: s3cret/x1",
    "access-token='abc1'", "postgres://u:s3cret@h/db", "https://u:p@h", "Bearer\t abcdef1234567890",
    "BASIC dXNlcjpwYXNzd29yZDE=", "-----BEGIN PRIVATE KEY-----\nab+/\n-----END PRIVATE KEY-----",
]  # fmt: skip
AROUND = st.text(st.sampled_from(" \n\t\"'\\/.,:;=-_@[]{}()+0a1Zé\u00a0\u2028\x12"), max_size=4)
TEXTS = st.lists(st.one_of(AROUND, st.sampled_from(PLANTED)), max_size=5).map("".join)
WRAPS: tuple[Callable[[str], str], ...] = (
    str, json.dumps, lambda t: json.dumps({"in": [t]}, ensure_ascii=False),
    lambda t: json.dumps({"in": json.dumps({"password": t})}),
    lambda t: json.dumps([json.dumps(json.dumps([t]))]), lambda t: json.dumps({t: "value-1"}),
)  # fmt: skip
NAMES = ["input.value", "password", "x.api_key", "proxy-authorization", "metadata.Secret"]


class All(Likely):
    """Every step, every time."""

    def __init__(self, likely: Likely) -> None:
        self.all, self.cards = likely.all, likely.cards

    def message(self, data: bytes) -> bool:
        return True

    def text(self, text: str) -> tuple[frozenset[int], bool, bool]:
        return frozenset(range(len(self.all))), True, True


@cache
def compiled() -> tuple[Redactor, Redactor]:
    """With the triggers, and without; once, and not before a test asks: it takes a second."""
    chosen = [rules()[name] for name in RULES]
    triggers = Likely(chosen)
    with_them, without = Redactor(chosen, compiled=triggers), Redactor(chosen, compiled=triggers)
    without.likely = All(triggers)
    return with_them, without


def both() -> tuple[Redactor, Redactor]:
    """With the triggers, and without; neither remembers anything."""
    one, other = (each.use() for each in compiled())
    for use in (one, other):
        use.clean, use.names = set(), set()
    return one, other


@given(TEXTS, st.sampled_from(WRAPS))
@example(json.dumps({"a": "\n4111111111111111"}), json.dumps)
@example("\u20284111111111111111", json.dumps)
@example(KEYS[5] + "4111111111111111", str)
@settings(max_examples=600, deadline=None)
def test_the_triggers_spare_no_text_that_a_pattern_changes(
    text: str, wrap: Callable[[str], str]
) -> None:
    one, other = both()
    assert one.text(wrap(text)) == other.text(wrap(text))


@given(
    st.sampled_from(NAMES), TEXTS, st.sampled_from(WRAPS),
    st.sampled_from([4111111111111111, 5, -4111111111111111, 10**11, 378282246310005]),
    st.integers(0, 60),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_the_triggers_pass_no_span_that_a_pattern_changes(
    name: str, text: str, wrap: Callable[[str], str], number: int, padding: int
) -> None:
    group = ResourceSpans()
    span = group.scope_spans.add().spans.add(name=text[:40], trace_id=b"\x01" * 16)
    span.attributes.add(key=name).value.string_value = wrap(text) + " " * padding
    span.attributes.add(key="n").value.int_value = number
    span.attributes.add(key="b").value.bytes_value = text.encode()
    listed = span.events.add(name="e").attributes.add(key="l").value.array_value
    listed.values.add(string_value=text)
    same = ResourceSpans()
    same.CopyFrom(group)
    one, other = both()
    redact(group, one)
    redact(same, other)
    assert group == same
    assert one.counts == other.counts
