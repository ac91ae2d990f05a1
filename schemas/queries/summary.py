"""One honest number: what an evaluator says of a project's window, and all that it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import nan
from typing import Any

import numpy as np

from schemas.clickhouse import Store
from schemas.estimates.means import Mean, Sums, of_moments, weighted, worst
from schemas.hours.rolled import Period
from schemas.queries.canary import doubtful_since
from schemas.queries.spans import SEGMENT_COLUMNS
from schemas.queries.traffic import traffic
from schemas.queries.verdicts import of_sessions, of_version, verdicts

REASONS = 20  # reasons named; the others are added up
HOUR, DAY = 3600 * 10**9, 86400 * 10**9  # how long a trace, and a session, are taken to last
MANY = 5000  # scores from which sums over groups of sessions are read, not the sessions
_SHARED = ("project", "start", "end", "earlier")
_NOUNS = {"trace": "traces", "span": "spans", "session": "sessions"}
_ITEM = {"trace": "trace_id", "span": "(trace_id, span_id)", "session": "session_id"}
_WINDOW = """project = {project:String} AND evaluator = {evaluator:String}
              AND evaluator_version = {version:String}
              AND span_start >= fromUnixTimestamp64Nano({start:Int64})
              AND span_start < fromUnixTimestamp64Nano({end:Int64})"""
_TRAFFIC = """project = {project:String}
              AND start_time >= fromUnixTimestamp64Nano({start:Int64})
              AND start_time < fromUnixTimestamp64Nano({end:Int64})"""


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """A mean with its 95% interval (NaN, 0, 1 without scores), each score weighted by the inverse
    of the probability with which it was drawn, clustered by session.

    `effective`: independent items that would tell as much. `reasons`: (status, reason, items),
    the most frequent first, of what has no score. `traffic`: items that began in the window;
    `seen` of them have a row of any status; `stands_for`: the share of the traffic that the scored
    ones represent by their weights (what lacks a field or failed is not in the mean).
    `worst_low` and `worst_high`: the interval were every error a 0, or a 1; None up to 2% errors.
    """

    project: str
    evaluator: str
    version: str
    level: str
    start_ns: int
    end_ns: int
    segment: Mapping[str, str]
    mean: float = nan
    low: float = 0.0
    high: float = 1.0
    method: str = ""
    sessions: int = 0
    effective: float = 0.0
    scored: int = 0
    unscored: int = 0
    errors: int = 0
    not_sampled: int = 0
    waiting: int = 0  # errors that will be tried again
    reasons: tuple[tuple[str, str, int], ...] = ()
    traffic: int = 0
    stands_for: float = nan
    lowest_probability: float = 1.0
    worst_low: float | None = None
    worst_high: float | None = None
    rules: tuple[str, ...] = field(default=())
    doubtful: int = 0  # scored after the last good run of a judge whose canaries drifted

    @property
    def seen(self) -> int:
        return self.scored + self.unscored + self.errors + self.not_sampled

    @property
    def population(self) -> str:
        """Whom the mean is about, in words."""
        where = "".join(f", {name}={value}" for name, value in sorted(self.segment.items()))
        return f"{_NOUNS.get(self.level, self.level)} of {self.project}{where}"

    def sentence(self) -> str:
        """One line for people: the mean and its company."""
        noun = _NOUNS.get(self.level, self.level)
        counts = f"{self.scored} of {self.traffic} {noun} scored"
        rest = [
            f"{n} {what}" for n, what in (
                (self.not_sampled, "not sampled"), (self.unscored, "unscored"),
                (self.errors, "errors"),
            ) if n
        ]  # fmt: skip
        said = ", ".join([counts, *rest])
        if not self.scored:
            return f"no mean; {said}"
        line = (
            f"{self.mean:.3f} (95%: {self.low:.3f} to {self.high:.3f}, {self.sessions} sessions,"
            f" effective n {self.effective:.0f}); {said}"
        )
        if self.worst_low is not None and self.worst_high is not None:
            line += f"; were every error a 0 or a 1: {self.worst_low:.3f} to {self.worst_high:.3f}"
        if self.doubtful:
            line += f"; {self.doubtful} were scored since the judge's canaries drifted"
        return line


def summarise(
    store: Store, project: str, evaluator: str, version: str, start_ns: int, end_ns: int,
    segment: Mapping[str, str] | None = None, whole: Period | None = None,
) -> ScoreSummary:  # fmt: skip
    """The summary of one evaluator version over what began in [start, end), of the traces (for
    level session the sessions with such a trace) where `segment`, a value by column of
    SEGMENT_COLUMNS, holds. Of an item's several rows the newest counts. `whole`: a period of
    which this is one half, where the other is asked for, too. Raises ValueError on other
    columns."""
    chosen = dict(segment or {})
    if unknown := set(chosen) - set(SEGMENT_COLUMNS):
        raise ValueError(f"scores cannot be segmented by {', '.join(sorted(unknown))}")
    named: dict[str, Any] = {
        "project": project, "evaluator": evaluator, "version": version, "start": start_ns,
        "end": end_ns, "earlier": start_ns - HOUR, "later": end_ns + DAY,
        **{f"segment_{k}": v for k, v in chosen.items()},
    }  # fmt: skip
    window = (store, project, start_ns, end_ns)
    mine: list[dict[str, Any]] = []
    if chosen:
        level, rules = _level(store, named)
    else:  # what is asked for one evaluator is asked for all, so that a page asks it once
        level, mine = of_version(verdicts(*window, whole=whole), evaluator, version)
        rules = sorted({rule for row in mine for rule in row["rules"]})
    if level == "session":
        named["earlier"] = start_ns - DAY
    inside = _inside(chosen, level)
    if chosen:
        counted = store.rows(_by_reason(level, inside), **named)
        mean, weight, lowest = _mean(store, level, inside, named)
    else:
        counted = _shortened(mine)
        scored = next((row for row in mine if row["status"] == "scored"), None)
        many = scored is not None and int(scored["items"]) > MANY
        found = of_sessions(scored) if scored and many else None
        if scored and found and found.enough:  # so many that not every session is read
            mean, weight, lowest = of_moments(found), found.w, float(scored["lowest"])
        else:
            mean, weight, lowest = _mean(store, level, inside, named)
    items, stands = _all_traffic(store, level, inside, named, whole)
    since = doubtful_since(store, evaluator, version)
    doubtful = store.rows(_doubtful(level, inside), **named, since=since)[0]["n"] if since else 0
    counts: dict[str, int] = {}
    lost = 0.0
    for row in counted:
        kind = "not sampled" if row["reason"] == "not sampled" else row["status"]
        counts[kind] = counts.get(kind, 0) + int(row["items"])
        lost += float(row["weight"]) if row["status"] == "error" else 0.0
    case = worst(mean.low, mean.high, weight, lost) if mean.items else None
    return ScoreSummary(
        project, evaluator, version, level, start_ns, end_ns, chosen,
        mean.mean, mean.low, mean.high, mean.method, mean.units, mean.effective, mean.items,
        counts.get("unscored", 0), counts.get("error", 0), counts.get("not sampled", 0),
        sum(int(row["waiting"]) for row in counted), _reasons(counted),
        items, _share(weight, stands, mean),
        lowest,
        case[0] if case else None, case[1] if case else None,
        tuple(name for name in rules if name), int(doubtful),
    )  # fmt: skip


def _level(store: Store, named: dict[str, Any]) -> tuple[str, list[str]]:
    """(the level that most rows of a window are of, the rules that asked for them)."""
    rows = store.rows(
        f"""
        SELECT toString(level) AS level, count() AS n, arraySort(groupUniqArray(toString(rule)))
               AS rules
        FROM scores WHERE {_WINDOW} GROUP BY level ORDER BY n DESC, level LIMIT 1
        """,
        **named,
    )
    return (rows[0]["level"] if rows and rows[0]["level"] in _ITEM else "trace",
            rows[0]["rules"] if rows else [])  # fmt: skip


def _shortened(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What has no score by status and the beginning of its reason, as `_by_reason` has it."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in told:
        if row["status"] != "scored":
            reason = row["reason"].split(":", 1)[0][:80]
            of = found.setdefault(
                (row["status"], reason),
                {"status": row["status"], "reason": reason, "items": 0, "weight": 0.0,
                 "waiting": 0},
            )  # fmt: skip
            for name in ("items", "weight", "waiting"):
                of[name] += row[name]
    return sorted(found.values(), key=lambda row: (-row["items"], row["status"], row["reason"]))


def _mean(
    store: Store, level: str, inside: str, named: dict[str, Any]
) -> tuple[Mean, float, float]:
    """(the mean, the sum of the weights, the lowest probability), session by session."""
    units = store.rows(_per_unit(level, inside), **named)
    weight = sum(float(row["weight"]) for row in units)
    return weighted(_sums(units)), weight, min((float(r["lowest"]) for r in units), default=1.0)


def _all_traffic(
    store: Store, level: str, inside: str, named: dict[str, Any], whole: Period | None
) -> tuple[int, float]:
    """(items that began in the window, how many they stand for). What evaluators have in common is
    asked in the same words, so that a page asks it once."""
    if level == "trace" and not inside:
        found = traffic(store, named["project"], named["start"], named["end"], whole)
        return found.traces, found.kept
    shared = named if inside or level == "span" else {k: named[k] for k in _SHARED}
    row = store.rows(_traffic(level, inside), **shared)[0]
    return int(row["items"]), float(row["weight"])


def _share(weight: float, traffic: float, mean: Mean) -> float:
    return min(1.0, weight / traffic) if traffic and mean.items else nan


def _reasons(rows: list[dict[str, Any]]) -> tuple[tuple[str, str, int], ...]:
    every = [(str(row["status"]), str(row["reason"]), int(row["items"])) for row in rows
             if row["status"] != "scored"]  # fmt: skip
    rest = sum(n for _, _, n in every[REASONS:])
    return (*every[:REASONS], *([("", "other reasons", rest)] if rest else []))


def _inside(segment: Mapping[str, str], level: str) -> str:
    """A condition on the items of a level: those whose trace has each value in some span."""
    if not segment:
        return ""
    having = " AND ".join(f"anyIf(toString({n}), {n} != '') = {{segment_{n}:String}}"
                          for n in sorted(segment))  # fmt: skip
    traces = f"""SELECT trace_id FROM spans WHERE project = {{project:String}}
              AND start_time >= fromUnixTimestamp64Nano({{start:Int64}})
              AND start_time < fromUnixTimestamp64Nano({{later:Int64}})
              GROUP BY trace_id HAVING {having}"""
    if level != "session":
        return f" AND trace_id IN ({traces})"
    return f""" AND session_id IN (SELECT session_id FROM spans
              WHERE project = {{project:String}} AND trace_id IN ({traces}))"""


def _latest(level: str, inside: str) -> str:
    """The newest row of each item of the level. A root that came late gives a trace a second row,
    under another span: the first is then out of date."""
    return f"""
        SELECT {_ITEM[level]} AS item,
               argMax((toString(status), value, if(probability > 0, probability, 1), reason,
                       if(session_id = '', trace_id, session_id), retry_at), scored_at) AS row
        FROM scores WHERE {_WINDOW} AND level = '{level}'{inside} GROUP BY item"""


def _per_unit(level: str, inside: str) -> str:
    # Units in the order of a hash, so that neither time nor names matter to betting.
    return f"""
        SELECT row.5 AS unit, toFloat64(count()) AS items, sum(1 / row.3) AS weight,
               sum(row.2 / row.3) AS value, sum(row.2 * row.2 / row.3) AS square,
               max(row.2 >= 0.5) AS good, max(row.2 < 0.5) AS bad, min(row.3) AS lowest
        FROM ({_latest(level, inside)}) WHERE row.1 = 'scored'
        GROUP BY unit ORDER BY cityHash64(unit), unit"""


def _by_reason(level: str, inside: str) -> str:
    return f"""
        SELECT row.1 AS status, substring(substringIndex(row.4, ':', 1), 1, 80) AS reason,
               count() AS items, sum(1 / row.3) AS weight,
               countIf(row.6 > toDateTime64(0, 3, 'UTC')) AS waiting
        FROM ({_latest(level, inside)}) WHERE row.1 != 'scored'
        GROUP BY status, reason ORDER BY items DESC, status, reason"""


def _doubtful(level: str, inside: str) -> str:
    return f"""
        SELECT uniqExact({_ITEM[level]}) AS n FROM scores
        WHERE {_WINDOW} AND level = '{level}'{inside} AND status = 'scored'
          AND scored_at >= fromUnixTimestamp64Milli({{since:Int64}})"""


def _traffic(level: str, inside: str) -> str:
    """Items that began in the window, and how many they stand for by the clients' own sampling.
    Of spans those of the kinds that were looked at."""
    kept = "argMin(sampling_probability, (parent_span_id != '', start_time))"
    if level == "span":
        return f"""
        SELECT count() AS items, sum(1 / kept) AS weight FROM (
            SELECT trace_id, span_id, any(sampling_probability) AS kept FROM spans
            WHERE {_TRAFFIC}{inside} AND kind IN (
                SELECT kind FROM spans WHERE {_TRAFFIC} AND (trace_id, span_id) IN (
                    SELECT trace_id, span_id FROM scores WHERE {_WINDOW} AND level = 'span'))
            GROUP BY trace_id, span_id)"""
    item = "session_id" if level == "session" else "trace_id"
    some = " AND session_id != ''" if level == "session" else ""
    return f"""
        SELECT count() AS items, sum(1 / kept) AS weight FROM (
            SELECT {item}, {kept} AS kept FROM spans
            WHERE project = {{project:String}}
              AND start_time >= fromUnixTimestamp64Nano({{earlier:Int64}})
              AND start_time < fromUnixTimestamp64Nano({{end:Int64}}){some}{inside}
            GROUP BY {item} HAVING min(start_time) >= fromUnixTimestamp64Nano({{start:Int64}}))"""


def _sums(rows: list[dict[str, Any]]) -> Sums:
    names = ("items", "weight", "value", "square", "good", "bad")
    return Sums(*(np.array([float(row[name]) for row in rows], float) for name in names))
