"""What one statement is, read from its text: its verb, its FORMAT, and where its rows begin.

Only the engine parses SQL; this scanner knows strings, comments and brackets (ClickHouse docs,
"Syntax"), which is enough to find the two clauses that the HTTP interface itself has to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    rb"""
    (?P<blank>(?:\s|\xc2\xa0)+|--[^\n]*|\#[!\ ][^\n]*|/\*.*?(?:\*/|\Z))
  | (?P<quoted>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*`
      | (?P<tag>\$\w*\$).*?(?P=tag))
  | (?P<word>[A-Za-z_]\w*)
  | (?P<sign>.)
    """,
    re.X | re.S,
)
_AFTER_FORMAT = re.compile(rb"[ \t]*;?[ \t]*(?:\r?\n)?")
_INPUT = re.compile(rb"\binput\s*\(\s*('(?:[^'\\]|\\.)*')?\s*\)", re.I)
_QUERY_ID = re.compile(rb"\bquery_id\b", re.I)
# Words after which FORMAT or VALUES is the name of a table.
_NAMING = frozenset({"INTO", "TABLE", "FUNCTION", "."})
_SELECTS = frozenset({"SELECT", "WITH", "FROM", "("})
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `rows` is the offset of an INSERT's data in the bytes, -1 where it has none.

    `head` is the text before FORMAT or VALUES if there are rows, else the whole text: bytes, for
    a string in SQL may hold any.
    """

    head: bytes
    verb: str
    shape: str
    rows: int
    words: frozenset[str]
    end: int = 0  # where FORMAT stands or, without one, the last token ends

    @property
    def selects(self) -> bool:
        """True for SELECT in all its spellings, the one kind that the engine can stream."""
        return self.verb in _SELECTS


@dataclass(frozen=True, slots=True)
class _Token:
    text: str  # words in capitals
    start: int
    end: int


def _tokens(query: bytes) -> Iterator[_Token]:
    """The tokens outside brackets, and `INPUT(` wherever it stands."""
    depth, previous = 0, ""
    for found in _TOKEN.finditer(query):
        if found.lastgroup == "blank":
            continue
        text = found.group().decode("latin-1")
        text = text.upper() if found["word"] else text
        if text in _CLOSING:
            depth -= 1
        if text == "(" and previous == "INPUT":
            yield _Token("INPUT(", found.start(), found.end())
        elif depth == 0:
            yield _Token(text, found.start(), found.end())
        if text in _OPENING:
            depth += 1
        previous = text


def parse(query: bytes) -> Statement:
    """Scan a statement, up to its rows."""
    seen: list[_Token] = []
    inserts = False
    for token in _tokens(query):
        seen.append(token)
        before = seen[-2].text if len(seen) > 1 else ""
        inserts = inserts or (token.text == "INSERT" and not before)
        inserts = inserts or (before, token.text) == ("INSERT", "INTO")
        if inserts and (rows := _rows(query, seen)) is not None:
            return rows
    words = frozenset(token.text for token in seen)
    verb = "INSERT" if inserts else seen[0].text if seen else ""
    shape, end = _shape(query, seen)
    return Statement(query, verb, shape, -1, words, end)


def _rows(query: bytes, seen: list[_Token]) -> Statement | None:
    """The INSERT whose last scanned token is VALUES or the name after FORMAT, None before that."""
    last = seen[-1]
    before, keyword = (["", "", *(t.text for t in seen[-3:-1])])[-2:]
    words = frozenset(token.text for token in seen)
    if "SELECT" in words and "INPUT(" not in words:
        return None
    if keyword == "FORMAT" and before not in _NAMING and last.text.isidentifier():
        after = _AFTER_FORMAT.match(query, last.end)
        shape = query[last.start : last.end].decode("latin-1")
        head = query[: seen[-2].start]
        return Statement(head, "INSERT", shape, after.end() if after else last.end, words)
    if last.text == "VALUES" and keyword not in _NAMING:
        return Statement(query[: last.start], "INSERT", "Values", last.end, words)
    return None


def _shape(query: bytes, seen: list[_Token]) -> tuple[str, int]:
    """The name after the FORMAT that ends the statement, and where the statement ends before it.

    `format` may also be a column.
    """
    for keyword, name, after in zip(seen, seen[1:], [*seen[2:], None], strict=False):
        closes = after is None or after.text in {";", "SETTINGS", "INTO"}
        if keyword.text == "FORMAT" and closes and name.text.isidentifier():
            return query[name.start : name.end].decode("latin-1"), keyword.start
    return "", max((token.end for token in seen if token.text != ";"), default=0)


def into_file(statement: Statement, path: str, shape: str) -> bytes:
    """A SELECT that writes its result to a file, in the format that it names or in `shape`."""
    head, tail = statement.head[: statement.end], statement.head[statement.end :]
    wanted = tail if statement.shape else f"FORMAT {shape}".encode()
    return head + f" INTO OUTFILE '{path}' TRUNCATE ".encode() + wanted


def from_file(head: bytes, path: str, shape: str) -> bytes:
    """An INSERT that takes its rows from a file; its SETTINGS stand behind the file's name."""
    last = next((t for t in reversed(list(_tokens(head))) if t.text == "SETTINGS"), None)
    at = len(head) if last is None else last.start
    return head[:at] + f" FROM INFILE '{path}' ".encode() + head[at:] + f" FORMAT {shape}".encode()


def reading(head: bytes, path: str, shape: str) -> bytes:
    """An INSERT ... SELECT whose `input()` reads a file instead of the rows behind the text."""

    def table(found: re.Match[bytes]) -> bytes:
        structure = b", " + found[1] if found[1] else b""
        return f"file('{path}', '{shape}'".encode() + structure + b")"

    return _INPUT.sub(table, head)


def killing(head: bytes) -> bytes:
    """A KILL QUERY that finds queries by the id that the client chose.

    The engine numbers its queries itself; the store keeps the client's id in `log_comment`.
    """
    return _QUERY_ID.sub(b"Settings['log_comment']", head)
