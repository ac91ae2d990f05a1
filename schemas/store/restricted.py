"""Calls of restricted users: their text is admitted, their connection sees one project.

Three locks, each of which holds by itself what it can: only admitted text runs (admission), every
table of the database is filtered by project, and the connection is read-only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from schemas.store import vocabulary
from schemas.store.admission import Admitted, Parser, Rules, admit
from schemas.store.call import Call, Progress, additive
from schemas.store.connection import Connection, quoted
from schemas.store.engine import Engine
from schemas.store.errors import EngineError, refusal

_PIECE = 2**20
_SECONDS = 60  # how long one statement may run
# The planner may run a query's own conditions and join keys before the filter on the project; an
# error in one then shows the value at which it failed, which may be another project's. So nothing
# may move past that filter. The condition cache is shared and would remember whose rows matched.
_ORDER = {
    "query_plan_enable_optimizations": "0",
    "query_plan_merge_filters": "0",
    "query_plan_filter_push_down": "0",
    "query_plan_optimize_prewhere": "0",
    "optimize_move_to_prewhere": "0",
    "enable_join_runtime_filters": "0",
    "use_query_condition_cache": "0",
    "use_query_cache": "0",
    "optimize_use_projections": "0",
    "optimize_use_implicit_projections": "0",
}
_LIMITS = {"max_execution_time": str(_SECONDS), "max_result_bytes": str(2 * 2**30)}
# A tree in JSON is many times as long as its text, whose own length is held by `admit`.
_ROOM = {"max_query_size": str(64 * 2**20)}
# JSON and XML would say how many rows of all projects were read.
_SILENT = {"output_format_write_statistics": "0"}
# Errors about the text, its types and the limits. All others may quote a row, so they only say
# their name: a second lock, should a condition ever meet another project's row.
_ABOUT_TEXT = frozenset(
    {8, 10, 16, 20, 35, 42, 43, 44, 46, 47, 48, 62, 63, 73, 80, 115, 125, 131, 141, 158, 159}
    | {164, 167, 168, 179, 181, 184, 190, 206, 207, 215, 241, 258, 307, 352, 386, 394, 396}
    | {403, 456, 457, 476, 497, 628}
)
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)\s*$")
_SCOPE = re.compile(
    r": In scope SELECT (parseQueryToJSON|formatQueryFromJSON)\(.*\)(?=\. \()", re.S
)
_WITHOUT_ROWS = frozenset({"read_rows", "read_bytes", "written_rows", "written_bytes"})


def filters(project: str) -> str:
    """The value of `additional_table_filters` that leaves one project's rows in every table."""
    rule = quoted(f"project = {quoted(project)}")
    tables = sorted(vocabulary.TABLES)
    pairs = ", ".join(f"{quoted(f'{vocabulary.DATABASE}.{table}')}: {rule}" for table in tables)
    return "{" + pairs + "}"


def without_values(error: EngineError) -> EngineError:
    """The error as a restricted user may see it: whole if it is about the text, else its name."""
    if error.code in _ABOUT_TEXT:
        return error
    found = _NAME.search(str(error).split(" (version")[0])
    name = found[1] if found else "ERROR"
    return refusal(error.code, f"Its text may quote a value and is not shown. ({name})")


class Restricted:
    """Runs calls of restricted users, each on a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._functions: vocabulary.Functions | None = None

    def run(self, call: Call, progress: Progress) -> Iterator[bytes]:
        """The result in pieces. Raises EngineError, also after the first piece."""
        self._plain(call)
        progress.hidden = _WITHOUT_ROWS
        connection = self._engine.connect()
        try:
            with _masked():
                connection.use(vocabulary.DATABASE)
                connection.set(_ROOM)
            admitted = self._admit(connection, call.query)
            shape = admitted.shape or call.shape
            if not vocabulary.FORMATS.fullmatch(shape):
                raise refusal(73, f"Unknown format {shape}. (UNKNOWN_FORMAT)")
            with _masked():
                self._enclose(connection, call)
                progress.shape = shape
                yield from self._result(connection, admitted.text, shape, progress)
        finally:
            connection.close()

    @staticmethod
    def _plain(call: Call) -> None:
        """Refuse what is beside the text: other databases, tables, settings. A session is none."""
        if call.database not in {"", "default", vocabulary.DATABASE}:
            raise refusal(497, f"A restricted user reads database {vocabulary.DATABASE} only")
        if call.external:
            raise refusal(497, "A restricted user may not send tables. (ACCESS_DENIED)")
        for name in call.settings:
            if name != "readonly" and not vocabulary.setting_allowed(name):
                raise refusal(
                    164, f"A restricted user may not change the setting {name!r}. (READONLY)"
                )

    def _admit(self, connection: Connection, query: bytes) -> Admitted:
        if not query.strip():
            raise refusal(62, "Empty query. (SYNTAX_ERROR)")
        if self._functions is None:
            self._functions = vocabulary.functions(lambda text: _rows(connection, text))
        tables = _names(connection, f"system.tables WHERE database = {quoted(vocabulary.DATABASE)}")
        databases = _names(connection, "system.databases")
        rules = Rules(self._functions, tables - vocabulary.TABLES, databases)
        return admit(query, _parser(connection), rules)

    @staticmethod
    def _enclose(connection: Connection, call: Call) -> None:
        """Filters, order, limits, and last `readonly`, after which no setting can change."""
        connection.bind(call.parameters)
        chosen = {name: value for name, value in call.settings.items() if name != "readonly"}
        own: Mapping[str, str] = {
            "additional_table_filters": filters(call.project or ""),
            "log_comment": call.query_id,
        }
        connection.set({**chosen, **_LIMITS, **_SILENT, **_ORDER, **own})
        connection.set({"readonly": "1"})

    def _result(
        self, connection: Connection, text: str, shape: str, progress: Progress
    ) -> Iterator[bytes]:
        if additive(shape) and not connection.has(frozenset({"extremes"})) and "TOTALS" not in text:
            for block in connection.stream(text, shape):
                progress.add(block)
                yield bytes(block.bytes())
            return
        # The text is the engine's own and ends with the statement, so a clause may follow.
        with self._engine.scratch() as path:
            progress.add(connection.query(f"{text} INTO OUTFILE '{path}' TRUNCATE FORMAT {shape}"))
            progress.counts["result_bytes"] = path.stat().st_size
            with path.open("rb") as file:
                yield from iter(lambda: file.read(_PIECE), b"")


@contextmanager
def _masked() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise without_values(error) from None


def _rows(connection: Connection, text: str) -> list[list[str]]:
    result = connection.query(text, "TSVRaw")
    lines = bytes(result.bytes()).decode().splitlines() if result.size() else []
    return [line.split("\t") for line in lines]


def _names(connection: Connection, source: str) -> frozenset[str]:
    return frozenset(row[0] for row in _rows(connection, f"SELECT name FROM {source}"))


def _value(connection: Connection, text: str) -> str:
    try:
        result = connection.query(text, "RawBLOB")
    except EngineError as error:
        raise EngineError(_SCOPE.sub("", str(error))) from None
    return bytes(result.bytes()).decode() if result.size() else ""


def _parser(connection: Connection) -> Parser:
    return Parser(
        parse=lambda text: _value(connection, f"SELECT parseQueryToJSON({quoted(text)})"),
        write=lambda tree: _value(connection, f"SELECT formatQueryFromJSON({quoted(tree)})"),
    )
