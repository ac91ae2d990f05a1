"""kill -9 of the monitors at every step between a finding and its delivery."""

from __future__ import annotations

import os
import signal
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from monitors.alerts.compose import finding_events
from monitors.alerts.journal import Journal
from monitors.alerts.mirror import adopt, mirror
from monitors.alerts.outbox import drain
from monitors.alerts.routes import Routes
from monitors.alerts.sinks import webhook
from monitors.findings import known
from monitors.watch import known_findings, now_ms
from schemas import clickhouse
from schemas.alerting import AlertPolicy
from schemas.clickhouse import Store
from schemas.models import FindingRow
from schemas.queries.findings import list_deliveries, list_findings
from schemas.settings import Settings
from tests.monitors.alerts.receivers import Target, destination, http_target

# What a process does to the world: each such step is a place to die at. Of files only those of
# the outbox count.
FILES = frozenset({"open", "os.rename", "os.remove"})
HOUR_MS = 3600 * 1000


def finding(project: str, shift_ms: int) -> FindingRow:
    """What a look finds; a later look has more scores, so onset and id may come out otherwise."""
    return FindingRow(
        project, f"id{shift_ms}", "groundedness", "mean_shift", '{"model": "a"}', "confirmed",
        1_800_000_000_000 + shift_ms, 0, 1, 300, 300, 0.8, 0.6, -0.2, -0.3, -0.1, 0.001, 0.9, "{}",
        1,
    )  # fmt: skip


def one_pass(
    settings: Settings, folder: Path, project: str, target: Target, found: FindingRow
) -> None:
    """What the loop does between two waits."""
    to = destination("webhook", target.url)
    routes = Routes({"on-call": AlertPolicy()}, {"on-call": to})
    journal, store = Journal(folder), clickhouse.connect(settings)
    adopt(journal, store, [project])
    if not known(found, known_findings(store, project, journal.findings(project))):
        for event in finding_events([found], routes.policies, {}, "http://ui", now_ms()):
            journal.put(event)
    drain(journal, routes, {"webhook": webhook.deliver}, now_ms)
    mirror(journal, store)
    store.close()
    journal.close()


def in_a_child(work: Callable[[], None], folder: Path, die_at: int) -> bool:
    """Run in a process of its own that is killed at its n-th step; True if it lived to the end."""
    child = os.fork()
    if child == 0:
        left = die_at

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            mine = event in FILES and str(folder) in str(arguments[0])
            if mine or event == "socket.connect":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(count)
            work()
        except BaseException as error:
            os.write(2, f"child: {error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return not os.WIFSIGNALED(status)


def test_a_kill_at_any_step_loses_no_firing_and_sends_none_under_a_new_id(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    step, lived = 0, False
    while not lived:
        step += 1
        project, folder = f"kill-{uuid.uuid4()}", tmp_path / str(step)
        with http_target() as target:

            def work(
                shift: int, project: str = project, folder: Path = folder, to: Target = target
            ) -> None:
                one_pass(settings, folder, project, to, finding(project, shift))

            lived = in_a_child(lambda work=work: work(0), folder, step)
            assert in_a_child(lambda work=work: work(HOUR_MS), folder, 10**9)
            ids = {r.headers["webhook-id"] for r in target.requests}
            assert len(ids) == 1, f"killed at step {step}: {ids}"
        (delivered,) = list_deliveries(store, project)
        assert delivered["status"] == "delivered"
        assert len(list_findings(store, project)) == 1
        assert not list(folder.glob("*.event"))
    assert step > 10  # the steps are seen at all


def test_a_firing_is_delivered_while_clickhouse_is_away_and_told_to_it_later(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    project = f"away-{uuid.uuid4()}"
    journal = Journal(tmp_path)
    with http_target() as target:
        routes = Routes({"a": AlertPolicy()}, {"a": destination("webhook", target.url)})
        for event in finding_events([finding(project, 0)], routes.policies, {}, "", now_ms()):
            journal.put(event)
        journal.close()
        journal = Journal(tmp_path)
        assert drain(journal, routes, {"webhook": webhook.deliver}, now_ms) == 1
    assert list_deliveries(store, project) == []
    mirror(journal, store)
    assert [d["status"] for d in list_deliveries(store, project)] == ["delivered"]
    assert journal.events() == []


def test_a_disk_that_was_lost_is_made_up_for_from_clickhouse(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    project = f"lost-{uuid.uuid4()}"
    first = Journal(tmp_path / "a")
    (event,) = finding_events([finding(project, 0)], {"on-call": AlertPolicy()}, {}, "", now_ms())
    first.put(event)
    mirror(first, store)
    second = Journal(tmp_path / "b")
    assert adopt(second, store, [project]) == 1
    assert adopt(second, store, [project]) == 0
    with http_target() as target:
        routes = Routes({"on-call": AlertPolicy()}, {"on-call": destination("w", target.url)})
        assert drain(second, routes, {"w": webhook.deliver}, now_ms) == 1
        assert target.requests[0].headers["webhook-id"] == event.pending[0].row.delivery_id
    mirror(second, store)
    (row,) = list_deliveries(store, project)
    assert row["status"] == "delivered"
    assert replace(event.pending[0].row).body == row["body"]
