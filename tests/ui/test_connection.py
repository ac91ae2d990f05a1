"""What pages are answered is kept for a while, by project; a page that was left ends its query."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.clickhouse import Store
from schemas.errors import Retryable
from schemas.models import LabelRow
from schemas.queries import labels
from schemas.settings import Settings
from tests.conftest import wait_until
from ui import connection
from ui.connection import Answers, PageStore


class Left(BaseException):
    """As Streamlit's own signal: no Exception."""


@pytest.fixture
def leave() -> threading.Event:
    return threading.Event()


@pytest.fixture
def paged(settings: Settings, leave: threading.Event) -> Iterator[PageStore]:
    def go_on() -> None:
        if leave.is_set():
            raise Left

    store = connection.connect(settings, go_on)
    yield store
    store.close()


def _running(store: Store) -> list[str]:
    rows = store.rows(
        "SELECT query FROM system.processes WHERE query LIKE '%sum(cityHash64(number, 7))%'"
        " AND query NOT LIKE '%processes%'"
    )
    return [row["query"] for row in rows]


def test_a_page_that_is_left_kills_its_query(
    paged: PageStore, store: Store, leave: threading.Event
) -> None:
    ended: list[BaseException] = []

    def look() -> None:
        try:
            paged.rows("SELECT sum(cityHash64(number, 7)) AS n FROM numbers(1000000000000)")
        except BaseException as error:
            ended.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    wait_until(lambda: bool(_running(store)), "the query runs")
    leave.set()
    reader.join(20)
    assert isinstance(ended[0], Left)
    wait_until(lambda: not _running(store), "the query is killed")


def _label(project: str) -> LabelRow:
    return LabelRow(project, "e", "t1", "", "ada", 1.0, "yes", "convenience", 0.0, "", 1)


def test_answers_are_kept_by_project_until_something_is_written(
    paged: PageStore, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SHORTEST", 60.0)
    assert labels.labels(paged, "kept-1", "e") == []
    labels.insert_labels(store, [_label("kept-1"), _label("kept-2")])
    assert labels.labels(paged, "kept-1", "e") == []
    assert [r["trace_id"] for r in labels.labels(paged, "kept-2", "e")] == ["t1"]
    labels.insert_labels(paged, [_label("kept-3")])
    assert len(labels.labels(paged, "kept-1", "e")) == 1


def test_what_a_page_changes_in_its_rows_is_not_kept(paged: PageStore) -> None:
    (row,) = paged.rows("SELECT 1 AS n")
    row["n"] = 2
    assert paged.rows("SELECT 1 AS n") == [{"n": 1}]


def test_the_oldest_answers_go_when_there_are_too_many() -> None:
    answers = Answers(entries=2, rows=12)
    for name in ("a", "b", "c"):
        answers.put(name, [{"n": name}], 10.0)
    assert answers.get("a", 0.0) is None and len(answers) == 2
    answers.put("d", [{}] * 4, 10.0)
    assert answers.get("d", 0.0) is None, "one answer may not take up most of the room"
    answers.put("e", [{}] * 3, 10.0)
    assert answers.get("e", 0.0) is not None and answers.get("e", 11.0) is None


def test_what_is_asked_at_once_ends_together_when_the_page_is_left(
    paged: PageStore, store: Store, leave: threading.Event
) -> None:
    ended: list[BaseException] = []
    slow = "SELECT sum(cityHash64(number, 7)) AS n, {x:UInt8} FROM numbers(1000000000000)"

    def look() -> None:
        try:
            paged.together(*(lambda x=x: paged.rows(slow, x=x) for x in range(6)))
        except BaseException as error:
            ended.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    wait_until(lambda: len(_running(store)) == connection.AT_ONCE, "some run, the others wait")
    leave.set()
    reader.join(20)
    assert isinstance(ended[0], Left)
    wait_until(lambda: not _running(store), "all are killed, and none began after them")


def test_a_question_that_several_calls_ask_is_asked_once(
    paged: PageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = Store.rows_as

    def counted(self: Store, sql: str, *rest: Any) -> list[dict[str, Any]]:
        asked.append(sql)
        return real(self, sql, *rest)

    monkeypatch.setattr(Store, "rows_as", counted)
    calls = [lambda: paged.rows("SELECT 1 AS n, sleep(0.1) AS s")[0]["n"]] * 5
    assert paged.together(*calls, lambda: paged.together(lambda: 7)) == [1, 1, 1, 1, 1, [7]]
    assert paged.rows("SELECT 1 AS n, sleep(0.1) AS s") == [{"n": 1, "s": 0}]
    assert len(asked) == 1


def test_an_error_of_one_call_ends_the_others(paged: PageStore, store: Store) -> None:
    slow = "SELECT sum(cityHash64(number, 7)) AS n FROM numbers(1000000000000)"
    with pytest.raises(Retryable, match="UNKNOWN_TABLE"):
        paged.together(
            lambda: paged.rows(slow), lambda: paged.rows("SELECT * FROM no_such_table"),
            lambda: paged.rows("SELECT * FROM no_such_table"),
        )  # fmt: skip
    wait_until(lambda: not _running(store), "the other is killed")
