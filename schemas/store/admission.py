"""Whether a restricted user's text is one SELECT over allowed names, read from the engine's tree.

Only the engine parses: `parseQueryToJSON` gives its syntax tree, every node of which has to be
known here, and `formatQueryFromJSON` writes the text that is run. That text is the same again when
it is parsed and written once more, so nothing can stand in it that the tree does not show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from schemas.store import vocabulary
from schemas.store.errors import EngineError, refusal

Node = dict[str, Any]
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_TEXT = 256 * 2**10  # bytes of a statement, as on a ClickHouse server
_ROUNDS = 4  # formatting settles after one or two


@dataclass(frozen=True, slots=True)
class Admitted:
    """A text that may run, without FORMAT; `shape` is the format it named, "" if none."""

    text: str
    shape: str


@dataclass(frozen=True, slots=True)
class Parser:
    """The engine's parser: text to tree in JSON and back. Both raise EngineError."""

    parse: Callable[[str], str]
    write: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be named; `hidden` are the database's other tables, `databases` all databases."""

    functions: vocabulary.Functions
    hidden: frozenset[str]
    databases: frozenset[str]


def admit(query: bytes, parser: Parser, rules: Rules) -> Admitted:
    """The text to run for a restricted user's query. Raises EngineError for what it may not."""
    if len(query) > MAX_TEXT:
        raise refusal(62, f"The text is over {MAX_TEXT} bytes. (SYNTAX_ERROR)")
    try:
        text = query.decode()
    except UnicodeDecodeError as error:
        raise _refused("a text that is not UTF-8") from error
    if "\0" in text:
        raise _refused("a zero byte in the text")
    try:
        tree = json.loads(parser.parse(text))
        shape = _take_format(tree)
        _substitute(tree)
        for _ in range(_ROUNDS):
            _Check(rules, tree).run()
            written = parser.write(json.dumps(tree))
            if written == text:
                return Admitted(text, shape)
            text, tree = written, json.loads(parser.parse(written))
    except (RecursionError, ValueError) as error:
        raise _refused("a text of this depth") from error
    raise _refused("a text that the engine writes in more than one way")


def _refused(what: str) -> EngineError:
    return refusal(497, f"A restricted user may not use {what}. (ACCESS_DENIED)")


def _take_format(tree: Node) -> str:
    """Remove and return the statement's FORMAT, which the store puts behind the text by itself."""
    if tree.get("type") not in {"SelectWithUnionQuery", "SelectIntersectExceptQuery"}:
        raise _refused("anything but SELECT")
    shape = tree.pop("format_ast", None)
    return str(shape["name"]) if shape else ""


def _nodes(node: Any) -> Iterator[Node]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)


def _literal(value: str | int) -> Node:
    kind = "String" if isinstance(value, str) else "UInt64"
    return {"type": "Literal", "value": {"field_type": kind, "value": value}}


def _call(name: str, arguments: list[Node]) -> Node:
    inside = {"type": "ExpressionList", "children": arguments}
    return {"type": "Function", "name": name, "arguments": inside}


def _substitute(tree: Node) -> None:
    """Put the settings that the user may change in the place of `system.settings`.

    Clients ask for that table when they sign in, and send only settings that it names.
    """
    rows = [
        _call("tuple", [_literal(name), _literal(""), _literal(0)])
        for name in sorted(vocabulary.SETTINGS)
    ]
    structure = _literal("name String, value String, readonly UInt8")
    for node in _nodes(tree):
        table = node.get("database_and_table_name")
        if (
            node.get("type") == "TableExpression"
            and isinstance(table, dict)
            and _path(table) == ["system", "settings"]
        ):
            del node["database_and_table_name"]
            node["table_function"] = _call("values", [structure, *rows])
            if "alias" in table:
                node["table_function"]["alias"] = table["alias"]


def _path(node: Node) -> list[str]:
    return [str(part) for part in node.get("name_parts") or [node.get("name", "")]]


class _Check:
    """One walk over a tree; raises at the first thing that is not allowed."""

    def __init__(self, rules: Rules, tree: Node) -> None:
        self._rules = rules
        self._tree = tree
        self._sources = {id(node.get("table_function")) for node in _nodes(tree)}
        self._named = {
            str(node["name"]) for node in _nodes(tree) if node.get("type") == "WithElement"
        }

    def run(self) -> None:
        for name in self._named:
            if not _PLAIN.fullmatch(name) or name in self._rules.hidden:
                raise _refused(f"the name {name!r} in WITH")
        for node in _nodes(self._tree):
            # Without a type it is a value inside a literal, or a change of a setting.
            if "type" in node:
                self._node(node)
            elif "field_type" not in node:
                raise _refused("a clause of this kind")

    def _node(self, node: Node) -> None:
        kind = node["type"]
        if kind == "SetQuery":
            raise _refused("SETTINGS")
        if kind not in vocabulary.NODES:
            raise _refused(f"{kind}")
        if node.get("out_file") is not None:
            raise _refused("INTO OUTFILE")
        if node.get("prewhere") is not None:
            # It runs before the filter on the project.
            raise _refused("PREWHERE; write WHERE")
        if kind == "TableIdentifier" and not self._table(_path(node)):
            raise _refused(f"the table {'.'.join(_path(node))!r}")
        if kind == "QueryParameter" and node.get("param_type") == "Identifier":
            raise _refused("parameters of type Identifier")
        if kind == "Identifier":
            self._identifier(_path(node))
        elif kind == "TableExpression":
            self._table_function(node.get("table_function"))
        elif kind == "Function":
            self._function(node)
        elif kind == "ColumnsApplyTransformer" and "func_name" in node:
            self._apply(str(node["func_name"]))

    def _table(self, path: list[str]) -> bool:
        if len(path) == 2:
            return path[0] == vocabulary.DATABASE and path[1] in vocabulary.TABLES
        return len(path) == 1 and (path[0] in vocabulary.TABLES or path[0] in self._named)

    def _identifier(self, path: list[str]) -> None:
        """A name anywhere: an alias of it may stand behind IN, where it is a table."""
        if vocabulary.VIRTUAL.match(path[-1]):
            raise _refused(f"the column {path[-1]!r}")
        if path == [path[0]]:
            reaches = path[0] in self._rules.hidden
        else:
            reaches = len(path) == 2 and path[0] in self._rules.databases
        if reaches and not self._table(path):
            raise _refused(f"the table {'.'.join(path)!r}")

    def _table_function(self, node: Any) -> None:
        if node is None:
            return
        name = str(node.get("name", ""))
        if name.lower() not in vocabulary.TABLE_FUNCTIONS:
            raise _refused(f"the table function {name!r}")

    def _function(self, node: Node) -> None:
        name = str(node.get("name", ""))
        if id(node) in self._sources:  # judged where it stands, as a table function
            return
        if not self._rules.functions.allow(name):
            raise _refused(f"the function {name!r}")
        if vocabulary.is_membership(name):
            for side in (node.get("arguments") or {}).get("children", [])[1:]:
                path = _path(side)
                if side.get("type") == "Identifier" and len(path) > 1 and not self._table(path):
                    raise _refused(f"the table {'.'.join(path)!r}")

    def _apply(self, name: str) -> None:
        if vocabulary.is_membership(name) or not self._rules.functions.allow(name):
            raise _refused(f"the function {name!r}")
