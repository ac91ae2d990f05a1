"""No project reads or writes another's rows: every query, page and endpoint there is, as found.

Two projects hold rows with the same ids in every table. What is asked for the first must be the
same whether the second is there or not, and must not name anything of it.
"""

from __future__ import annotations

import base64
import importlib
import inspect
import pkgutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import GeneratorType, ModuleType
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from collector.access import Access, Rules
from collector.intake import Intake
from collector.lanes import Lane, open_lane
from collector.quotas import Meter
from collector.receivers import otlp_grpc, otlp_http
from collector.signals.base import projects, singles
from collector.signals.standard import standard
from schemas import clickhouse, keys, queries
from schemas.clickhouse import Store
from schemas.keys import ApiKey
from schemas.queries import deletion, retention
from schemas.queries.mixes import Frozen
from schemas.queries.scope import MARK
from schemas.settings import Settings, from_environment
from tests.conftest import environment, free_port, start_store
from ui import views

OWN, OTHER, SECRET = "own", "other", "SECRET7f3a"
TRACE, SPAN = "ab" * 16, "cd" * 8
NOW = f"fromUnixTimestamp({int(time.time()) - 60})"
SAME = {  # columns that are the same in both projects, so that a join by them alone would leak
    "trace_id": TRACE, "span_id": SPAN, "evaluator": "same", "evaluator_version": "same",
    "version": "same", "name": "same", "field": "input", "status": "scored", "kind": "LLM",
    "session_id": "same", "user_id": "same", "parent_span_id": "", "level": "trace",
    "event_name": "gen_ai.client.inference.operation.details", "segment": '{"a": "same"}',
    "signal": "traces", "service": "same", "cost_source": "same", "finding_id": "same",
    "delivery_id": "same", "question_id": "same", "dataset": "same", "draft": "same",
    "item": "same",
}  # fmt: skip
ARGUMENTS: dict[str, Any] = {
    "cut_ns": 2**61, "inside": "{}", "from_ns": 0, "block_ns": 3600 * 10**9,
    "trace_id": TRACE, "traces": [TRACE], "start_ns": 0, "end_ns": 2**62, "evaluator": "same",
    "version": "same", "field": "input", "name": "same", "kind": "session", "limit": 100,
    "quiet_seconds": 0, "since_ms": 0, "source": "", "search": "", "where": None, "days": 30,
    "ids": [("trace", TRACE), ("session", "same"), ("user", "same")],
    "names": deletion.Names(), "old": [30], "new": 90, "token": "isolation",
    "service": "same", "column": "model", "metric": "latency_p95", "session_id": "same",
    "since": date(2020, 1, 1), "keys": [(TRACE, SPAN, "same")], "pairs": [(TRACE, SPAN)],
    "sessions": ["same"],
    "question_id": "same", "since_ns": 0, "split_ns": 0, "share": 0.5, "seconds": 3600,
    "signal": "latency",
    "users": ["same"], "other": "same", "first": "same", "second": "same", "draft": "same",
    "one": retention.Move("spans", "", 3), "named": [("trace", TRACE)], "until_ns": 1, "now_ms": 1,
    "least": 1, "frozen": Frozen([[1.0]], ["same"], 2.0), "topic": "same",
    "edges": [0.5], "hashes": {"model": [1]},
}  # fmt: skip
# Pages of counts and names, which are the same in both projects.
SILENT = ("settings", "drift", "review", "quality", "experiments")
CHANGES = ("erase", "move", "update", "bury")


@dataclass(frozen=True)
class Query:
    """A function of `schemas.queries` that takes a store."""

    module: ModuleType
    name: str
    call: Callable[..., Any]

    def run(self, store: Store, project: str) -> Any:
        """What it returns for a project, with ids that both projects have."""
        given = {"project": project, **ARGUMENTS}
        wanted = [
            name for name, each in inspect.signature(self.call).parameters.items()
            if name != "store" and (name in given or each.default is inspect.Parameter.empty)
        ]  # fmt: skip
        missing = [name for name in wanted if name not in given]
        assert not missing, f"{self.name}: say in ARGUMENTS what {missing} is"
        found = self.call(store, **{name: given[name] for name in wanted})
        return list(found) if isinstance(found, GeneratorType) else found


def _functions() -> Iterator[Query]:
    for info in pkgutil.iter_modules(queries.__path__):
        module = importlib.import_module(f"schemas.queries.{info.name}")
        for name, call in vars(module).items():
            mine = getattr(call, "__module__", "") == module.__name__
            if callable(call) and mine and not name.startswith("_") and not isinstance(call, type):
                names = list(inspect.signature(call).parameters)
                if names[:1] == ["store"]:
                    yield Query(module, name, call)


def _takes_rows(query: Query) -> bool:
    """An INSERT of rows that each name their project."""
    found = inspect.signature(query.call).parameters.get("rows")
    return found is not None and str(found.annotation).startswith("Sequence[")


FOUND = [query for query in _functions() if not hasattr(query.call, MARK)]
SCOPED = [query for query in FOUND if not _takes_rows(query)]
READS = [query for query in SCOPED if query.name not in CHANGES]


@pytest.mark.parametrize("query", SCOPED, ids=lambda q: f"{q.module.__name__}.{q.name}")
def test_a_query_takes_a_project_or_says_why_not(query: Query) -> None:
    assert list(inspect.signature(query.call).parameters)[:2] == ["store", "project"], (
        f"{query.name} must take a project, or be marked with across_projects and a reason"
    )


def _literal(name: str, kind: str, project: str) -> str:
    """SQL of a value of a column: the same in both projects, or telling whose it is."""
    text = SECRET if project == OTHER else OWN
    if kind.startswith("Array(") and "String" in kind:
        return f"['{text}']"
    if kind.startswith("Map("):
        return f"map('planted', '{text}')"
    if name == "details":
        return f"""'{{"sentence": "{text}", "onset": "", "examples": {{}}}}'"""
    if "String" in kind:
        return f"'{SAME.get(name, text)}'"
    if "Date" in kind:
        return NOW
    if kind.startswith("Array("):
        return "[1]"
    return "30" if name == "retention_days" else "1"


def _plant(store: Store, project: str, rows: int) -> None:
    for table, columns in deletion.tables(store).items():
        typed = store.rows(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND"
            " table = {t:String} AND default_kind IN ('', 'DEFAULT')", t=table,
        )  # fmt: skip
        values = {
            row["name"]: _literal(row["name"], row["type"], project)
            for row in typed if row["name"] != "project" and not row["type"].startswith("Aggregate")
        }  # fmt: skip
        assert set(values) <= columns
        several = []
        for number in range(rows):  # the last but one character tells the rows of a trace apart
            mine = dict(values)
            if "span_id" in mine and number:
                mine["span_id"] = f"'{SPAN[:-1]}{number}'"
            several.append(f"SELECT '{project}', {', '.join(mine.values())}")
        store.command(
            f"INSERT INTO {table} (project, {', '.join(values)})"
            f" SETTINGS optimize_on_insert = 0 {' UNION ALL '.join(several)}"
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("isolation")
    environ = environment(home)
    child = start_store(environ, home)
    yield from_environment(environ)
    child.terminate()
    child.wait(20)


@pytest.fixture(scope="module")
def alone_and_beside(site: Settings) -> tuple[Store, dict[str, str], dict[str, str]]:
    """The store, and what every query says for OWN before and after OTHER came."""
    store = clickhouse.connect(site)
    _plant(store, OWN, 1)
    alone = {f"{q.module.__name__}.{q.name}": repr(q.run(store, OWN)) for q in READS}
    _plant(store, OTHER, 3)
    return store, alone, {f"{q.module.__name__}.{q.name}": repr(q.run(store, OWN)) for q in READS}


@pytest.mark.parametrize("query", READS, ids=lambda q: f"{q.module.__name__}.{q.name}")
def test_a_query_sees_nothing_of_another_project(
    query: Query, alone_and_beside: tuple[Store, dict[str, str], dict[str, str]]
) -> None:
    _, alone, beside = alone_and_beside
    name = f"{query.module.__name__}.{query.name}"
    assert SECRET not in beside[name]
    assert beside[name] == alone[name]


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_the_queries_do_see_what_is_their_own(
    alone_and_beside: tuple[Store, dict[str, str], dict[str, str]], every: int
) -> None:
    """The test above can fail: for the other project most of them show its rows."""
    store, asked = alone_and_beside[0], READS[::every]
    shown = [q.name for q in asked if repr(q.run(store, OTHER)) != repr(q.run(store, "nobody"))]
    assert len(shown) > 0.7 * len(asked), shown


@pytest.mark.parametrize("page", [info.name for info in pkgutil.iter_modules(views.__path__)])
def test_a_page_shows_nothing_of_another_project(
    page: str, site: Settings, alone_and_beside: object
) -> None:
    def show(page: str, project: str, home: str, port: str) -> None:
        import importlib

        from schemas import clickhouse
        from schemas.settings import from_environment

        settings = from_environment({"ASSAY_HOME": home, "ASSAY_STORE_PORT": port})
        importlib.import_module(f"ui.views.{page}").render(clickhouse.connect(settings), project)

    def words(project: str) -> str:
        given = {"page": page, "project": project, "home": str(site.home),
                 "port": str(site.store_port)}  # fmt: skip
        test = AppTest.from_function(show, kwargs=given)
        test.query_params["trace"] = TRACE
        test.run(timeout=60)
        assert not test.exception, test.exception
        return " ".join(repr(element.proto) for element in test.main)

    assert SECRET not in words(OWN)
    assert SECRET in words(OTHER) or page in SILENT


def _rows_of(store: Store, project: str) -> dict[str, Any]:
    return {
        table: store.rows(
            f"SELECT count() AS n, sum(cityHash64(*)) AS h FROM {table}"
            " WHERE project = {p:String}", p=project,
        )
        for table in deletion.tables(store)
    }  # fmt: skip


def test_a_change_leaves_another_project_as_it_is(
    alone_and_beside: tuple[Store, dict[str, str], dict[str, str]],
) -> None:
    store = alone_and_beside[0]
    before, mine = _rows_of(store, OTHER), _rows_of(store, OWN)
    changes = [query for query in SCOPED if query.name in CHANGES]
    assert {query.name for query in changes} == set(CHANGES)
    day = next(iter(retention.moves(store, OWN, [30]))).day
    ARGUMENTS["one"] = retention.Move("spans", day, 1)
    for query in sorted(changes, key=lambda query: query.name == "erase"):
        query.run(store, OWN)
    assert _rows_of(store, OTHER) == before
    assert _rows_of(store, OWN) != mine


# Endpoints: a key's project wins over what the data says, on every path and method there is.


def _requests() -> dict[str, Any]:
    """A request of each signal that claims OTHER."""
    traces, logs, metrics = (
        ExportTraceServiceRequest(), ExportLogsServiceRequest(), ExportMetricsServiceRequest(),
    )  # fmt: skip
    now = time.time_ns()
    spans = traces.resource_spans.add()
    spans.scope_spans.add().spans.add(
        trace_id=bytes.fromhex(TRACE), span_id=bytes.fromhex(SPAN), name="n",
        start_time_unix_nano=now, end_time_unix_nano=now,
    )  # fmt: skip
    records = logs.resource_logs.add()
    records.scope_logs.add().log_records.add(time_unix_nano=now).body.string_value = "b"
    points = metrics.resource_metrics.add()
    point = points.scope_metrics.add().metrics.add(name="m").gauge.data_points.add(as_int=1)
    point.time_unix_nano = now
    for group in (spans, records, points):
        for name in ("openinference.project.name", "service.name"):
            group.resource.attributes.add(key=name).value.string_value = OTHER
    return {"traces": traces, "logs": logs, "metrics": metrics}


class _NoRedaction:
    quick = True

    def apply(self, request: Any) -> bool:
        return False


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[tuple[Intake, dict[str, Lane]]]:
    lanes = {n: open_lane(tmp_path / n, signal) for n, signal in standard().items()}
    made = [
        ApiKey(name, project, scopes, keys.digest(f"ak_{name}"), "", 1, until)
        for name, project, scopes, until in (
            ("own", OWN, ("ingest",), 0), ("reader", OWN, ("read",), 0),
            ("old", OWN, ("ingest",), 2), ("any", "*", ("ingest",), 0),
        )
    ]  # fmt: skip
    rules = Rules({key.digest: key for key in made})
    access = Access(tmp_path, lambda: rules, "", True, Meter())
    access.refresh()
    yield Intake(lanes, _NoRedaction(), access), lanes
    for lane in lanes.values():
        lane.spool.close()
        lane.spool.release()


def _received(lanes: dict[str, Lane], name: str) -> dict[str, int]:
    return {p: c["received"] for p, c in lanes[name].ledger.totals().items() if c.get("received")}


def _paths(app: Any) -> list[str]:
    return [r.path for r in app.routes if isinstance(r, Route) and "POST" in (r.methods or ())]


def test_every_path_that_takes_data_puts_it_into_the_keys_project(
    intake: tuple[Intake, dict[str, Lane]],
) -> None:
    taker, lanes = intake
    app = otlp_http.build(taker, lambda: "")
    client, kind = TestClient(app), {"content-type": "application/x-protobuf"}
    paths = _paths(app)
    assert len(paths) == 6
    for number, path in enumerate(paths):
        name = path.rpartition("/")[2]
        body = _requests()[name].SerializeToString()
        basic = base64.b64encode(b"pk-anything:ak_own").decode()
        for text in ("Bearer ak_own", f"Basic {basic}"):
            sent = client.post(path, content=body, headers={**kind, "authorization": text})
            assert sent.status_code == 200, sent.text
        assert _received(lanes, name) == {OWN: 2 * (1 + number // 3)}
        for text, status in (("Bearer ak_wrong", 401), ("", 401), ("Bearer ak_old", 401),
                             ("Bearer ak_reader", 403), ("Basic ???", 401)):  # fmt: skip
            answer = client.post(path, content=body, headers={**kind, "authorization": text})
            assert answer.status_code == status, text
        assert _received(lanes, name) == {OWN: 2 * (1 + number // 3)}
    assert taker.access.totals(Path("/nowhere"), Path()).get(f"mismatch {OWN}") == 2 * len(paths)


def test_every_method_of_grpc_puts_data_into_the_keys_project(
    intake: tuple[Intake, dict[str, Lane]], tmp_path: Path
) -> None:
    taker, lanes = intake
    port = free_port()
    settings = from_environment({"ASSAY_HOME": str(tmp_path), "ASSAY_OTLP_GRPC_PORT": str(port)})
    server = otlp_grpc.serve(taker, settings, False)
    refusals = (
        ("Bearer ak_wrong", grpc.StatusCode.UNAUTHENTICATED),
        ("Bearer ak_reader", grpc.StatusCode.PERMISSION_DENIED),
    )
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            for name, service in otlp_grpc._SERVICES.items():
                path = f"/opentelemetry.proto.collector.{service}/Export"
                call, body = channel.unary_unary(path), _requests()[name].SerializeToString()
                call(body, metadata=[("authorization", "Bearer ak_own")], timeout=20)
                assert _received(lanes, name) == {OWN: 1}
                for text, code in refusals:
                    with pytest.raises(grpc.RpcError) as refused:
                        call(body, metadata=[("authorization", text)], timeout=20)
                    assert refused.value.code() is code
    finally:
        server.stop(0).wait()


def test_a_key_for_any_project_lets_the_data_say_it(
    intake: tuple[Intake, dict[str, Lane]],
) -> None:
    taker, lanes = intake
    client = TestClient(otlp_http.build(taker, lambda: ""))
    headers = {"content-type": "application/x-protobuf", "authorization": "Bearer ak_any"}
    body = _requests()["traces"].SerializeToString()
    assert client.post("/v1/traces", content=body, headers=headers).status_code == 200
    assert _received(lanes, "traces") == {OTHER: 1}


def test_what_a_key_overruled_is_kept_on_the_resource(
    intake: tuple[Intake, dict[str, Lane]],
) -> None:
    request = _requests()["traces"]
    grant = intake[0].admit("Bearer ak_own")
    assert intake[0].access.bind(request, grant)  # type: ignore[arg-type]
    (one,) = singles(request)
    said = {a.key: a.value.string_value for a in one.resource_spans[0].resource.attributes}
    assert said["assay.sent_project"] == OTHER and projects(request) == {OWN: 1}
