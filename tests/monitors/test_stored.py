"""Stored traces are searched by whatever their spans hold: attributes, numbers, tools, topics."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from monitors.rootcause.explain import explain
from monitors.rootcause.leaves import LeavesError
from monitors.rootcause.stored import Asked, Gathered, gather
from schemas.clickhouse import Store
from schemas.models import EmbeddingRow, ScoreRow, SpanRow
from schemas.queries import causes, dimensions, scores, spans
from schemas.queries.mixes import NO_TOPIC, Frozen
from schemas.queries.questions import METRICS

HOUR = 3600 * 10**9
SPLIT = time.time_ns() // HOUR * HOUR - 24 * HOUR
START, END = SPLIT - 20 * HOUR, SPLIT + 10 * HOUR
QUOTE = 'it\'s {x:String} \\ "quoted" -- ;'
N = 2400


@pytest.fixture(scope="module")
def project() -> str:
    return f"dims-{uuid.uuid4()}"


@pytest.fixture
def stored(store: Store, project: str) -> str:
    """2,400 traces of a root and a call; after the split those of one plan, of large inputs, with
    the tool `sql` and about topic b fail; each has a twin in another project."""
    if spans.time_range(store, project)[1]:
        return project
    draw = np.random.default_rng(5)
    rows, vectors, judged = [], [], []
    for n in range(N):
        at = int(draw.integers(START, END))
        size, plan = int(draw.integers(1, 1000)), str(draw.choice(["free", "pro", "team"]))
        tools = sorted({str(t) for t in draw.choice(["sql", "web", "mail"], 2)})
        topic = int(draw.integers(3))
        late = at >= SPLIT
        bad = {"plan": plan == "pro", "size": size >= 875, "tool": "sql" in tools,
               "topic": topic == 1}  # fmt: skip
        cost = {key: 1.0 if late and value else 0.1 for key, value in bad.items()}
        trace = f"{n + 1:032x}"
        for name in (project, f"{project}-other"):
            rows.append(SpanRow(
                name, trace, f"{n + 1:016x}", at, name="ask", kind="CHAIN", input="where is it?",
                duration_ns=int(1e9 * cost["plan"]), resource={"zone": "a" if n % 2 else "b"},
                attributes={QUOTE: plan, "size": str(size), "id": f"r{n}"},
                cost_usd=cost["size"], input_tokens=int(100 * cost["topic"]),
            ))  # fmt: skip
            rows.append(SpanRow(
                name, trace, f"{n + 1:015x}f", at + 1, f"{n + 1:016x}", name="call", kind="LLM",
                tool_names=tools, output_tokens=size, status="ERROR" if cost["tool"] == 1 else "OK",
            ))  # fmt: skip
        vectors.append(EmbeddingRow(project, "input", "m", trace, "s", at,
                                    [float(topic == k) for k in range(3)], 1))  # fmt: skip
        judged.append(ScoreRow(project, "ok", "1", trace, "s", at, "scored", 1 - cost["plan"], 1))
    spans.insert_spans(store, rows, project)
    scores.insert_embeddings(store, vectors)
    scores.insert_scores(store, judged)
    return project


def read(store: Store, project: str, metric: str, *columns: str) -> Gathered:
    topics = Frozen([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], ["a", "b"], 0.5)
    return gather(store, project, Asked(metric, START, SPLIT, END, HOUR, columns), topics)


@pytest.mark.parametrize(
    ("metric", "columns", "segment"),
    [
        ("latency_ms", (f"attributes.{QUOTE}", "resource.zone"), {f"attributes.{QUOTE}": ["pro"]}),
        ("ok", (f"attributes.{QUOTE}", "name", "model"), {f"attributes.{QUOTE}": ["pro"]}),
        ("errors", ("tool.sql", "tool.web", "language"), {"tool.sql": ["yes"]}),
        ("input_tokens", ("topic", "kind"), {"topic": ["b"]}),
    ],
)
def test_a_fault_is_found_by_any_column(
    store: Store, stored: str, metric: str, columns: tuple[str, ...], segment: dict[str, list[str]]
) -> None:
    held = read(store, stored, metric, *columns)
    assert held.before + held.after == N
    found = explain(held.rows, held.current)
    assert found.causes[0].segment == segment and found.causes[0].p_value <= 0.05


@pytest.mark.parametrize("column", ["attributes.size", "output_tokens"])
def test_numbers_are_cut_at_their_quantiles(store: Store, stored: str, column: str) -> None:
    held = read(store, stored, "cost", column)
    assert len(held.rows.values[0]) == 8
    (cause, *_) = explain(held.rows, held.current).causes
    low, high = cause.segment[column][0][1:-1].split(", ")
    assert 850 < float(low) < 900 and float(high) >= 995


def test_values_are_named_as_they_stand(store: Store, stored: str) -> None:
    columns = ("tool", "topic", "language", "name", "resource.zone")
    held = dict(zip(columns, read(store, stored, "cost", *columns).rows.values, strict=False))
    assert set(held["tool"]) == {"sql", "web", "mail", "mail + sql", "mail + web", "sql + web"}
    assert set(held["topic"]) == {"a", "b", NO_TOPIC}
    found = read(store, stored, "cost", "name", "resource.zone").rows
    assert found.columns == ("resource.zone",) and set(found.values[0]) == {"a", "b"}


def test_an_identifier_and_what_no_trace_has_are_refused(store: Store, stored: str) -> None:
    with pytest.raises(LeavesError, match="identifier"):
        read(store, stored, "cost", "attributes.id")
    with pytest.raises(LeavesError, match=r"there are attributes\.id, .*resource\.zone"):
        read(store, stored, "cost", "attributes.nothing")
    with pytest.raises(LeavesError, match=r"no metric 'beauty'.* there are ok, errors"):
        read(store, stored, "beauty", "model")
    with pytest.raises(LeavesError, match="0 traces before and 0 after"):
        read(store, "nobody", "cost", "model")


def test_names_are_of_the_project_alone(store: Store, project: str, stored: str) -> None:
    other = f"{project}-other"
    mine = read(store, stored, "cost", "attributes.size", "tool")
    theirs = gather(store, other, Asked("cost", START, SPLIT, END, HOUR, ("tool",)))
    assert mine.before + mine.after == theirs.before + theirs.after == N
    extra = SpanRow(other, "f" * 32, "f" * 16, SPLIT, attributes={"secret": "s3"}, model="theirs")
    spans.insert_spans(store, [extra], f"{other}-more")
    assert "attributes.secret" in dimensions.keys(store, other, START, END)
    assert "attributes.secret" not in dimensions.keys(store, stored, START, END)
    with pytest.raises(LeavesError, match="no trace of"):
        read(store, stored, "cost", "attributes.secret")


def test_too_many_traces_are_drawn_by_the_hash_of_their_ids(store: Store, stored: str) -> None:
    found = causes.sums(store, stored, "cost", "", START, END, SPLIT, HOUR, ("kind",), most=800)
    assert found.one_in == 3 and 600 < found.traces.sum() < 1000


def test_traces_that_are_all_different_are_not_added_up_first(
    store: Store, stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = ("output_tokens", f"attributes.{QUOTE}", "tool")
    added, rows = read(store, stored, "cost", *columns), {}
    for probed in (10**9, 500):
        monkeypatch.setattr(causes, "PROBED", probed)
        rows[probed] = causes.sums(store, stored, "cost", "", START, END, SPLIT, HOUR, columns)
    assert len(rows[500].block) == N > len(rows[10**9].block) > 0.9 * N
    alone = read(store, stored, "cost", *columns)
    assert (alone.before, alone.after) == (added.before, added.after)
    for each in ("total", "weight"):
        one, other = (
            np.bincount(held.rows.block, getattr(held.rows, each)) for held in (alone, added)
        )
        assert one == pytest.approx(other)
    said = [explain(held.rows, held.current) for held in (alone, added)]
    # Quantiles are those of rows, so that edges of numbers may differ by a little.
    assert set(said[0].causes[0].segment) == set(said[1].causes[0].segment)
    few = causes.sums(store, stored, "cost", "", START, END, SPLIT, HOUR, ("model", "kind"))
    assert len(few.block) == 30, "alike traces are added up"


def test_any_column_can_be_probed(
    store: Store, stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(causes, "PROBED", 500)
    columns = (*(c for c in dimensions.NAMED if c != "topic"), "tool.sql", "resource.zone")
    for metric in (*causes.TRAFFIC, *METRICS):
        found = causes.sums(store, stored, metric, "", START, END, SPLIT, HOUR, columns)
        assert found.traces.sum() == N


def test_names_that_the_first_spans_lack_are_found_in_the_others(
    store: Store, stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dimensions, "SAMPLE", 3)
    held = read(store, stored, "cost", "tool.web", f"attributes.{QUOTE}").rows
    assert [set(v) for v in held.values] == [{"yes", "no"}, {"free", "pro", "team"}]


def test_columns_come_once_and_in_one_order() -> None:
    asked = ["attributes.b", "kind", "model", "kind", "attributes.a"]
    assert dimensions.checked(asked) == ("model", "kind", "attributes.a", "attributes.b")
    for bad in ([], ["colour"], ["attributes."], ["attributes." + "x" * 200], ["input"]):
        with pytest.raises(dimensions.UnknownColumn, match=r"attributes\.KEY"):
            dimensions.checked(bad)


def test_the_expressions_name_nothing_that_a_user_wrote() -> None:
    of = dimensions.selected([f"attributes.{QUOTE}", f"tool.{QUOTE}", f"tag.{QUOTE}"])
    assert QUOTE not in of.inner + " ".join(of.outer) and list(of.named.values()) == [QUOTE] * 3


def test_a_file_of_topics_is_read_for_a_question_on_them(tmp_path: Path) -> None:
    from monitors.questions import frozen_topics

    assert frozen_topics(tmp_path, "p", ("topic",)) is None
    assert frozen_topics(None, "p", ("topic",)) is None
