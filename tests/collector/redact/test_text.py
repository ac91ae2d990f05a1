"""What each rule takes out, what it leaves, and that JSON stays JSON."""

from __future__ import annotations

import base64
import json
from functools import cache
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.redact.likely import Likely
from collector.redact.rules import custom, rules
from collector.redact.text import Redactor
from schemas.redaction import RULES

# Put together at run time, so that no scanner takes them for real ones.
KEYS = [
    "sk-" + "proj-abcDEF1234567890abcdEF", "sk-" + "ant-api03-Abc123Def456Ghi789Jkl",
    "AK" + "IAIOSFODNN7EXAMPLE", "gh" + "p_" + "a1B2" * 9, "github" + "_pat_" + "A1b2" * 8,
    "AI" + "za" + "Sy1" * 11 + "ab", "xo" + "xb-123456789012-abcdef", "sk" + "_live_" + "aB3d" * 6,
    "h" + "f_" + "aBcD1" * 7, "ey" + "JhbGciOiJI.ey" + "JzdWIiOiIx.c2lnbmF0dXJl",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
]  # fmt: skip


@cache
def compiled(*names: str) -> Likely:
    return Likely([rule for name, rule in rules().items() if name in names])


def redactor(*names: str, salt: bytes = b"") -> Redactor:
    chosen = [rule for name, rule in rules().items() if name in (names or RULES)]
    return Redactor(chosen, salt, compiled=compiled(*(rule.name for rule in chosen)))


def test_the_rules_are_those_that_a_policy_can_name() -> None:
    assert set(rules()) == set(RULES)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:6])
def test_a_key_is_taken_out_by_its_form(key: str) -> None:
    assert redactor("secrets").text(f"use {key} here") == "use [SECRET] here"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("write to bob.o'x+y@mail.example.com.", "write to bob.o'[EMAIL]."),
        ("paid 4111 1111 1111 1111, thanks", "paid [CARD], thanks"),
        ("from GB82 WEST 1234 5698 7654 32", "from [IBAN]"),
        ("from gb82west12345698765432 and then", "from [IBAN] and then"),
        ("host 10.2.3.4 and fe80::1ff:fe23:4567:890a.", "host [IP] and [IP]."),
        ("call (978)645-9740 or +49 30 1234567", "call [PHONE] or [PHONE]"),
        ("password=hunter2", "password=[SECRET]"),
        ("postgres://u:s3cret@h/db", "postgres://u:[SECRET]@h/db"),
        ("Bearer abcdef1234567890abc", "Bearer [SECRET]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nab+/\nc=\n-----END RSA PRIVATE KEY-----!", "[SECRET]!"),
    ],
)
def test_what_is_personal_or_secret_becomes_a_marker(text: str, left: str) -> None:
    assert redactor().text(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "the password: must be long", "password=${PASSWORD}", "sk-learn-is-a-long-kebab-case-name",
        "id 550e8400-e29b-41d4-a716-446655440000", "sha256 " + "d2e4f6a8" * 8,
        "chatcmpl-9aBcDeF1gHiJkL2mNoPqR3sTuVwXyZ4", "4111 1111 1111 1112", "1763900000000000000",
        "at 12:30:45 on 2024-01-15", "std::vector<int>", "me @ home", "years 2019 2020 2021",
        "GB82WEST12345698765433", "version 1.2.3", "mac aa:bb:cc:dd:ee:ff", "task-basic token",
        "/usr/Lib/python3/site-packages/Some/Module/Path",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_stays(text: str) -> None:
    found = redactor().text(text)
    assert found is text


def test_a_hash_keeps_equality_and_differs_by_salt() -> None:
    one, other = redactor(salt=b"a"), redactor(salt=b"b")
    first, second = one.text("bob@example.com and BOB@example.com").split(" and ")
    assert first == second
    assert first.startswith("[EMAIL:")
    assert other.text("bob@example.com") != first
    assert one.counts == {"email": 2}


def test_json_is_redacted_behind_its_escapes_by_key_and_as_a_number() -> None:
    inner = json.dumps({"to": "x\nbob@example.com"})
    text = '{"a": "\\u0062ob\\u0040example.com", "n": 4111111111111111, "password": "swordfish"}'
    found = json.loads(redactor().text(text))
    assert found == {"a": "[EMAIL]", "n": "[CARD]", "password": "[SECRET]"}
    twice = json.loads(json.loads(redactor().text(json.dumps({"in": inner})))["in"])
    assert twice == {"to": "x\n[EMAIL]"}


_LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(),
    st.sampled_from(["\n\\bob@example.com\"", "é4111111111111111", *KEYS, 4111111111111111]),
)  # fmt: skip


@given(
    st.recursive(
        _LEAF, lambda s: st.lists(s) | st.dictionaries(st.text() | st.just("password"), s)
    ),
    st.booleans(),
)
def test_json_stays_json_and_loses_what_was_planted(value: object, ascii_only: bool) -> None:
    planted = ['\n\\"bob@example.com"', "é 4111111111111111", 4111111111111111]
    found = redactor().text(json.dumps([value, *planted], ensure_ascii=ascii_only))
    assert json.loads(found)[1:] == ['\n\\"[EMAIL]"', "é [CARD]", "[CARD]"]


def test_a_policys_own_pattern_has_its_own_marker() -> None:
    assert Redactor([custom("TICKET", r"T-\d+")]).text("see T-123") == "see [TICKET]"


def test_what_encodings_hide_is_as_the_docs_say() -> None:
    key, card = "sk-" + "proj-Ab3dEf6hIj9kLmN0pQrS7uVwXyZ1aBcD2eFg", "4111 1111 1111 1111"
    use = redactor()
    for half in (key[:20], key[20:]):
        assert use.text(half) == half  # split over two attributes
    assert use.text(base64.b64encode(key.encode()).decode()) == "[SECRET]"
    short = base64.b64encode(card.encode()).decode()
    assert use.text(short) == short
    assert "[SECRET]" in use.text(quote(f"token {key}"))
    assert use.text(quote("bob@example.com")) == "[EMAIL]"
    assert use.text(quote(card)) == quote(card)
