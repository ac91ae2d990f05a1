"""Deletion of a user, a session and a project: out of rows, files and whatever comes later."""

from __future__ import annotations

import subprocess
import time
import uuid
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from assay import delete
from schemas import clickhouse
from schemas.queries import deletion
from tests.conftest import wait_until
from tests.durability.harness import PROJECT, Site

PLANTED = "zebra-quartz-4711"


def trace(
    user: str = "", session: str = "", text: str = "plain", project: str = PROJECT
) -> ExportTraceServiceRequest:
    """A request of one trace; only its first span names user and session."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = project
    scope = group.scope_spans.add()
    ident, now = uuid.uuid4().bytes, time.time_ns()
    for number in range(2):
        span = scope.spans.add(
            trace_id=ident, span_id=uuid.uuid4().bytes[:8], name=f"step {text}",
            start_time_unix_nano=now, end_time_unix_nano=now + 10**6,
        )  # fmt: skip
        for key, value in {"input.value": text, "user.id": user, "session.id": session}.items():
            if value and (number == 0 or key == "input.value"):
                span.attributes.add(key=key).value.string_value = value
    return request


def send(site: Site, *requests: ExportTraceServiceRequest) -> None:
    for request in requests:
        assert site.post(request).status_code == 200


def drained(site: Site) -> None:
    wait_until(lambda: site.metrics()["waiting"] == 0 and not site.segments(), "all is stored")


def planted(home: Path) -> list[str]:
    """Files that hold the planted text, compressed columns included where they keep it raw."""
    found = subprocess.run(["grep", "-rl", PLANTED, str(home)], capture_output=True, text=True)
    return found.stdout.split()


def names(request: ExportTraceServiceRequest) -> str:
    return str(request.resource_spans[0].scope_spans[0].spans[0].trace_id.hex())


def run(site: Site, kind: str, name: str) -> int:
    return delete.run(site.settings, kind, name, PROJECT, False, True)


def test_a_user_goes_with_every_trace_and_session_that_names_them(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        theirs = trace(user=PLANTED, session="s1", text=f"I am {PLANTED}")
        beside = trace(session="s1", text=f"more of {PLANTED}")
        other = trace(user="somebody else", session="s2")
        send(site, theirs, beside, other)
        drained(site)
        assert len(site.stored()) == 6
        assert planted(tmp_path)
        assert run(site, "user", PLANTED) == 0
        assert {ident for ident, _ in site.stored()} == {names(other)}
        store = clickhouse.connect(site.settings)
        ids = [("user", PLANTED), ("session", "s1"), ("trace", names(theirs))]
        assert not sum(deletion.count(store, PROJECT, ids, deletion.Names()).values())
        old = "SELECT count() AS n FROM system.parts WHERE NOT active AND table LIKE '%span%'"
        assert store.rows(old) == [{"n": 0}]
        assert planted(tmp_path) == []

        # What was sent before is refused when it comes again; what is new is not.
        send(site, theirs, beside)
        fresh = trace(user=PLANTED, session="s3", text="after the deletion")
        send(site, fresh)
        drained(site)
        assert {ident for ident, _ in site.stored()} == {names(other), names(fresh)}
        metrics = site.metrics()
        assert metrics["rejected"] >= 4


def test_what_waits_while_clickhouse_is_away_never_arrives(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        early = trace(session="gone", text="stored")
        send(site, early)
        drained(site)
        site.kill_store()
        late = trace(session="gone", text=f"waits {PLANTED}")
        other = trace(session="stays", text="waits, too")
        send(site, late, other)
        site.kill_collector()
        site.start_store()
        assert planted(site.settings.spool)
        assert run(site, "session", "gone") == 0
        assert planted(tmp_path) == []
        site.start_collector()
        drained(site)
        assert {ident for ident, _ in site.stored()} == {names(other)}


def test_a_project_goes_whole_and_can_begin_anew(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        send(site, trace(text=PLANTED), trace(text="other project", project="neighbour"))
        drained(site)
        assert delete.run(site.settings, "project", PROJECT, "", False, True) == 0
        assert site.stored() == []
        assert len(site.stored("neighbour")) == 2
        assert planted(tmp_path) == []
        again = trace(text="new")
        send(site, again)
        drained(site)
        assert {ident for ident, _ in site.stored()} == {names(again)}


def test_a_span_that_names_a_deleted_user_late_takes_its_trace_along(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        whole = trace(user="erased", text="late")
        first, second = ExportTraceServiceRequest(), ExportTraceServiceRequest()
        for part, at in ((first, 1), (second, 0)):
            part.CopyFrom(whole)
            spans = part.resource_spans[0].scope_spans[0].spans
            kept = spans[at]
            del spans[:]
            spans.append(kept)
        send(site, first)  # names nobody
        drained(site)
        assert run(site, "user", "erased") == 0
        assert len(site.stored()) == 1
        send(site, second)
        wait_until(lambda: site.stored() == [], "the rest of the trace is deleted", 60)


def test_a_dry_run_and_an_unsure_user_delete_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Site(tmp_path) as site:
        send(site, trace(session="s"))
        drained(site)
        assert delete.run(site.settings, "session", "s", PROJECT, True, False) == 0
        assert "2 rows" in capsys.readouterr().out
        assert delete.run(site.settings, "session", "s", PROJECT, False, False) == 2
        assert "--yes" in capsys.readouterr().err
        assert delete.run(site.settings, "session", "s", "", False, True) == 2
        assert len(site.stored()) == 2
