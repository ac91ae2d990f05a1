"""From a request to the bytes of its answer: session, settings, external tables, statement."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress

from schemas.store.call import Call, Progress, additive
from schemas.store.connection import Connection, current_database, named
from schemas.store.engine import Engine
from schemas.store.errors import EngineError, refusal
from schemas.store.restricted import Restricted
from schemas.store.session import Session, Sessions
from schemas.store.statement import Statement, from_file, into_file, killing, parse, reading

# Settings by which a result has an end or brackets, which blocks sent one by one would lose.
_WHOLE = frozenset({"extremes", "output_format_json_array_of_rows"})
_WHOLE_WORDS = frozenset({"TOTALS", *map(str.upper, _WHOLE)})
_PIECE = 2**20
_IN_SESSION = frozenset({"SET", "USE"})


class Executor:
    """Runs calls on connections of their own or of their session."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions = Sessions(engine)
        self._restricted = Restricted(engine)
        self._running: set[str] = set()
        self._guard = threading.Lock()

    def run(self, call: Call, progress: Progress) -> Generator[bytes, None, None]:
        """The result in pieces. Raises EngineError, also after the first piece."""
        if call.project is not None:
            with self._alone(call.query_id):
                yield from self._restricted.run(call, progress)
            return
        statement = parse(call.query)
        if not statement.verb:
            raise refusal(62, "Empty query. (SYNTAX_ERROR)")
        with ExitStack() as stack:
            stack.enter_context(self._alone(call.query_id))
            connection = stack.enter_context(self._connection(call, statement))
            kind = self._prepare(connection, call, statement, stack)
            if statement.rows >= 0:
                self._insert(connection, call.query, statement, progress)
            else:
                shape = statement.shape or call.shape
                progress.shape = shape if kind == "READ_ONLY" else ""
                yield from self._result(connection, statement, shape, progress)

    @contextmanager
    def _alone(self, query_id: str) -> Iterator[None]:
        """Refuse an id that is running: a client that goes away must not stop another's query."""
        with self._guard:
            if query_id in self._running:
                raise refusal(
                    216,
                    f"Query with id = {query_id} is already running."
                    " (QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING)",
                )
            self._running.add(query_id)
        try:
            yield
        finally:
            self._running.discard(query_id)

    @contextmanager
    def _connection(self, call: Call, statement: Statement) -> Iterator[Connection]:
        if not call.session:
            connection = self._engine.connect()
            try:
                yield connection
            finally:
                connection.close()
            return
        timeout, check = call.session_timeout, call.session_check
        with self._sessions.held(call.session, timeout, check) as session:
            try:
                yield session.connection
            finally:
                self._restore(session, statement)

    def _restore(self, session: Session, statement: Statement) -> None:
        try:
            session.connection.reset(altered=statement.verb == "SET")
            if statement.verb == "USE":
                session.database = current_database(session.connection)
                session.connection.database = session.database
            else:
                session.connection.use(session.database)
        except EngineError:
            self._sessions.drop(session)

    def _prepare(
        self, connection: Connection, call: Call, statement: Statement, stack: ExitStack
    ) -> str:
        """Database, settings, parameters, external tables and the lock on writing; the kind."""
        if {"INTO", "OUTFILE"} <= statement.words and statement.rows < 0:
            raise refusal(358, "INTO OUTFILE is not allowed. (INTO_OUTFILE_NOT_ALLOWED)")
        if call.database:
            connection.use(call.database)
        settings = dict(call.settings)
        readonly = settings.pop("readonly", "0")
        if call.reads_only and readonly == "0":
            readonly = "2"
        connection.set({**settings, "log_comment": call.query_id})
        connection.bind(call.parameters)
        for table in call.external:
            connection.query(f"CREATE TEMPORARY TABLE {named(table.name)} ({table.structure})")
            stack.callback(self._forget, connection, table.name)
            head = f"INSERT INTO {named(table.name)}".encode()
            with self._engine.scratch(table.data) as path:
                connection.query(from_file(head, str(path), table.shape))
        kind = connection.kind(statement.head) if statement.rows < 0 else "MUTATING"
        if readonly == "0":
            return kind
        if kind.startswith("MUTATING") or (
            call.session and kind == "CONTROL" and statement.verb not in _IN_SESSION
        ):
            raise refusal(164, "Cannot execute query in readonly mode. (READONLY)")
        if not call.session:
            # It cannot be taken back, so a session only gets the check above.
            connection.set({"readonly": readonly})
        return kind

    @staticmethod
    def _forget(connection: Connection, name: str) -> None:
        with suppress(EngineError):
            connection.query(f"DROP TEMPORARY TABLE IF EXISTS {named(name)}")

    def _insert(
        self, connection: Connection, query: bytes, statement: Statement, progress: Progress
    ) -> None:
        rows = memoryview(query)[statement.rows :]
        if statement.shape == "Values" and "SELECT" not in statement.words:
            progress.add(connection.query(query))
            return
        # From a file: the engine drops the rows behind an INSERT ... SELECT, and chDB's streamed
        # insert says that all is well where a constraint, a view or the disk refused the rows.
        with self._engine.scratch(rows) as path:
            made = reading if "SELECT" in statement.words else from_file
            progress.add(connection.query(made(statement.head, str(path), statement.shape)))

    def _result(
        self, connection: Connection, statement: Statement, shape: str, progress: Progress
    ) -> Iterator[bytes]:
        """Blocks as they come, a file where blocks do not add up, or a few rows in one piece."""
        if not statement.selects:
            text = killing(statement.head) if statement.verb == "KILL" else statement.head
            result = connection.query(text, shape)
            progress.add(result)
            if result.size():
                progress.shape = shape
                yield bytes(result.bytes())
        elif _adds_up(connection, statement, shape):
            for block in connection.stream(statement.head, shape):
                progress.add(block)
                yield bytes(block.bytes())
        else:
            # chDB holds a whole result in memory that no limit counts.
            with self._engine.scratch() as path:
                progress.add(connection.query(into_file(statement, str(path), shape)))
                progress.counts["result_bytes"] = path.stat().st_size
                with path.open("rb") as file:
                    yield from iter(lambda: file.read(_PIECE), b"")


def _adds_up(connection: Connection, statement: Statement, shape: str) -> bool:
    return additive(shape) and not _WHOLE_WORDS & statement.words and not connection.has(_WHOLE)
