"""One look at one project: findings of what is fully judged, alerts, deliveries."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from opentelemetry import trace

from monitors.alerts.compose import finding_events
from monitors.alerts.destination import Sink
from monitors.alerts.groups import flush
from monitors.alerts.journal import Journal
from monitors.alerts.mirror import adopt, forget, mirror
from monitors.alerts.moment import told
from monitors.alerts.outbox import drain
from monitors.alerts.routes import Routes, recall, recall_rules, remember, routes, spool_rules
from monitors.alerts.rules import apply_rules, apply_spool_rules
from monitors.alerts.spool import spool_numbers
from monitors.alerts.trying import tried
from monitors.ending import finish, open_alerts
from monitors.fields import field_findings, level_of
from monitors.findings import WINDOW_NS, Scored, embedding_finding, known, score_findings
from monitors.questions import answer_waiting
from monitors.series import DAY_NS, LENGTHS, Held
from monitors.stages import with_stages
from monitors.streams import FRESH, finished, is_news, stream_findings
from monitors.topic_finding import find_topics
from monitors.topic_streams import watch_topics
from monitors.values import value_findings
from monitors.versions import unknown, version_findings
from schemas import clickhouse, control
from schemas.clickhouse import Store
from schemas.control import Control, ControlError, MonitorPolicy
from schemas.errors import Permanent, Retryable
from schemas.models import FindingRow
from schemas.queries import findings, monitoring, scores, spans
from schemas.settings import Settings

log = logging.getLogger("assay.monitors")
SCORES = ("groundedness", "answer_relevance", "refusal")
FIELDS = ("input", "output")
COVERED = 0.98
EVERY_MS = 15_000  # between two looks at the alert rules
ADOPT_MS = 60_000  # between two looks at what was requeued
HOLD_MS = 600_000  # that a finding waits for evaluators which lag: one change is one alert
AGAIN_MS = 30_000  # between two looks at what waits so


def look(
    store: Store, project: str, policy: MonitorPolicy, waiting: Sequence[FindingRow] = ()
) -> tuple[list[FindingRow], bool]:
    """New findings of the last 48 hours of traffic, and whether all of it is judged; of scores and
    texts nothing on half-judged data. The policy's level is divided by the number of signals
    (Bonferroni); missing fields have a part of the budget of false alarms. `waiting` are findings
    that the store may lack, and are not new either."""
    _, last = spans.time_range(store, project)
    window = (last - WINDOW_NS - 3600 * 10**9, last + 1)
    level = policy.alpha / (len(SCORES) + len(FIELDS))
    missed = field_findings(store, project, *window, level_of(policy.false_alarms))
    result: list[FindingRow | None] = [*missed]
    judged, given = True, []
    for judge in scores.evaluators(store, project):
        if judge["evaluator"] not in SCORES:
            continue
        name, version = judge["evaluator"], judge["version"]
        traces, done = monitoring.coverage(store, project, name, version, *window)
        if not traces or done < COVERED * traces:
            judged = False
            continue
        seen = scores.observations(store, project, name, version, *window)
        given.append(Scored(name, version, seen))
    result += score_findings(project, given, level, policy.margin, policy.page_uncalibrated)
    for field in FIELDS if judged else ():
        rows = scores.embeddings(store, project, field, *window)
        result.append(embedding_finding(project, field, rows, level))
    earlier = known_findings(store, project, waiting)
    return [f for f in result if f is not None and not known(f, earlier)], judged


def blocks_over(now_ns: int, policy: MonitorPolicy) -> int:
    """Changes when a block of the shortest length, or a day, is over, and with the policy."""
    return hash((finished(now_ns, LENGTHS[0]), finished(now_ns, 24), policy))


def look_at_streams(
    store: Store, project: str, policy: MonitorPolicy, waiting: Sequence[FindingRow], held: Held
) -> list[FindingRow]:
    """New findings of the project's streams, up to the last block that is over."""
    found = stream_findings(store, project, time.time_ns(), policy, held)
    earlier = known_findings(store, project, waiting)
    end = time.time_ns()
    start, cut = end - FRESH * DAY_NS, end - DAY_NS
    observed = version_findings(store, project, start, end)
    observed += value_findings(store, project, start, cut, end)
    return [each for each in found if is_news(each, earlier)] + unknown(observed, earlier)


def known_findings(
    store: Store, project: str, waiting: Sequence[FindingRow]
) -> list[dict[str, Any]]:
    """What was found, in ClickHouse or only on disk yet."""
    mine = [{**asdict(f), "onset_ms": f.onset} for f in waiting]
    return findings.list_findings(store, project) + mine


def observe(
    store: Store, state: Control, journal: Journal, where: Routes, explorer: str,
    last: dict[str, int], held: dict[str, Held], home: Path,
) -> None:  # fmt: skip
    """Look at every project whose scores changed since `last`; confirmed findings go into the
    journal, and are known from then on. Raises Retryable, Permanent, OSError."""
    for project in spans.projects(store):
        minute = spans.time_range(store, project)[1] // (60 * 10**9)
        over = blocks_over(time.time_ns(), state.monitor)
        seen = hash(str((scores.evaluators(store, project), state.monitor, minute)))
        again = last.get(f"{project} again", 0)
        if (last.get(project) == seen and last.get(f"{project} streams") == over
                and not 0 < again <= now_ms()):  # fmt: skip
            continue
        with trace.get_tracer("assay").start_as_current_span("look") as span:
            span.set_attribute("project", project)
            waiting = journal.findings(project)
            fresh, judged = look(store, project, state.monitor, waiting)
            if held_back(last, project, fresh, judged, now_ms()):
                fresh = []
            mine = None
            if last.get(f"{project} streams") != over:
                mine, known_so_far = held.setdefault(project, Held()), [*waiting, *fresh]
                find_topics(store, home, project, time.time_ns(), state.monitor.topics)
                watch_topics(mine, home, project)
                fresh += look_at_streams(store, project, state.monitor, known_so_far, mine)
                last[f"{project} streams"] = over
        topics = held[project].topics if project in held else None
        fresh = [with_stages(store, project, found, topics) for found in fresh]
        for found in fresh:
            log.info("finding in %s: %s", project, found.details)
        now, heard = now_ms(), []
        if any(f.status == "confirmed" for f in fresh):
            alive = open_alerts(store, project, journal)
            heard = told(alive, known_findings(store, project, journal.findings(project)))
        for event in finding_events(fresh, where.policies, where.targets, explorer, now, heard):
            journal.put(event)
        findings.insert_findings(store, [f for f in fresh if f.status != "confirmed"])
        earlier = known_findings(store, project, journal.findings(project))
        finish(store, project, state.monitor, journal, earlier, mine)
        last[project] = seen


def held_back(
    last: dict[str, int], project: str, fresh: Sequence[FindingRow], judged: bool, now: int
) -> bool:
    """True while findings that would be sent wait for evaluators that lag, HOLD_MS at most: what
    is judged first need not be what matters most."""
    since, again = f"{project} held", f"{project} again"
    if judged or not any(f.status == "confirmed" for f in fresh):
        last.pop(since, None)
    elif now - last.setdefault(since, now) < HOLD_MS:
        last[again] = now + AGAIN_MS
        return True
    last.pop(again, None)
    return False


class Watch:
    """The loop's state between two passes."""

    def __init__(
        self, settings: Settings, environ: Mapping[str, str], journal: Journal,
        sinks: Mapping[str, Sink],
    ) -> None:  # fmt: skip
        self._settings, self._environ = settings, environ
        self._journal, self._sinks = journal, sinks
        self._kept = clickhouse.Kept(settings)
        self._last: dict[str, int] = {}
        self._held: dict[str, Held] = {}
        self._adopt_at = 0
        self._rules_at = 0
        self._spool_at = 0
        self._spool_rules = recall_rules(journal)
        self._routes = routes(*recall(journal), settings, environ)

    def once(self) -> bool:
        """Look, send what is due, tell ClickHouse. What is in the journal is sent even while
        ClickHouse is away. True if all of it worked."""
        away = whole = False
        try:
            with self._kept.store() as store:
                self._look(store)
            whole = True
        except Retryable as error:
            away = True
            log.warning("ClickHouse is away: %s", error)
        except ControlError as error:
            log.error("control state cannot be used: %s", error)
        except Permanent:
            log.exception("a query failed")
        except OSError:
            log.exception("the outbox cannot be written")
        try:
            self._look_at_spool()
            flush(self._journal, self._routes, now_ms())
            drain(self._journal, self._routes, self._sinks, now_ms)
            if not away:
                with self._kept.store() as store:
                    mirror(self._journal, store)
        except (Retryable, Permanent, OSError) as error:
            log.warning("the outbox: %s", error)
            whole = False
        return whole

    def _look(self, store: Store) -> None:
        state = control.read(store)
        self._routes = routes(state.alerts, state.silences, self._settings, self._environ)
        remember(self._journal, state.alerts, state.silences, state.rules)
        self._spool_rules = spool_rules(state.rules)
        now = now_ms()
        if now >= self._adopt_at:
            adopt(self._journal, store, [*spans.projects(store), ""])
            self._adopt_at = now + ADOPT_MS
        forget(self._journal, store)
        if now >= self._rules_at:
            self._rules_at = now + EVERY_MS
            where, explorer = self._routes, self._settings.explorer
            apply_rules(store, state.rules, self._journal, where, explorer, now)
        attempt = partial(tried, self._routes, self._settings, self._sinks)
        answer_waiting(store, attempt, self._settings.home)
        observe(
            store, state, self._journal, self._routes, self._settings.explorer, self._last,
            self._held, self._settings.home,
        )  # fmt: skip

    def _look_at_spool(self) -> None:
        """With the last known rules, whether ClickHouse answers or not. Raises OSError."""
        now = now_ms()
        if now < self._spool_at:
            return
        self._spool_at = now + EVERY_MS
        rules = self._spool_rules
        found = spool_numbers(self._settings) if rules else {}
        explorer = self._settings.explorer
        apply_spool_rules(found, rules, self._journal, self._routes, explorer, now)


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 10**6
