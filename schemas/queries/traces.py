"""Lists of traces: the newest of a time range, by words and by columns, without reading it all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.clickhouse import Store
from schemas.filters import NUMBERS, SCORE, TEXTS, Condition

# Columns that monitors and pages may segment by, as trace-level aggregates over `spans`.
SEGMENT_COLUMNS = (
    "model",
    "prompt_version",
    "service_version",
    "environment",
    "document_source",
    "service",
)
SEGMENT_SQL = ", ".join(
    f"anyIf(toString({name}), {name} != '') AS segment_{name}" for name in SEGMENT_COLUMNS
)
FILTERS = (*SEGMENT_COLUMNS, "status", "session_id", "user_id", "kind", "name", "prompt_name",
           "error_type")  # fmt: skip
MINUTE = 60 * 10**9
BUCKETS = 3000  # of five minutes, that a list names one by one
# How far before `end` a list looks, until its page is full.
WINDOWS = (5 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE, 24 * 60 * MINUTE, 7 * 24 * 60 * MINUTE)

# The expression of the text index `words` (0008), to the letter: another is not looked up in it.
_WORDS = "lowerUTF8(concat(input, '\\n', output, '\\n', arrayStringConcat(documents, '\\n')))"
_ID = re.compile("[0-9a-fA-F]{32}")
_RANGE = """project = {project:String}
          AND start_time >= fromUnixTimestamp64Nano({start:Int64})
          AND start_time < fromUnixTimestamp64Nano({end:Int64})"""

# Verdicts of traces that have a span in the range: a trace is taken to last a day at most.
_NEAR = """span_start >= fromUnixTimestamp64Nano(greatest({start:Int64} - 86400000000000, 0))
                      AND span_start <= fromUnixTimestamp64Nano({end:Int64})"""


def list_traces(
    store: Store,
    project: str,
    start_ns: int,
    end_ns: int,
    limit: int = 100,
    search: str = "",
    where: Mapping[str, str] | None = None,
    conditions: Sequence[Condition] = (),
    after: tuple[int, str] | None = None,
) -> list[dict[str, Any]]:
    """Newest traces of a time range: trace_id, start_ns, duration_ms, name, input, output, spans,
    errors, input_tokens, output_tokens, cost_usd, session_id, user_id, kind, tags, at, and a
    segment_* column per segment column.

    The newest are those whose latest span (latest matching span, `at`) is newest: that can be told
    from the end of the range alone, so a window that ends there widens until the page is full.
    `search`: every word of it stands in the texts of one span (input, output and documents, in
    full, in any case), or it is part of a span's name, or the trace's id. `where`: for each
    column of FILTERS the value that some span of the trace has; `conditions`: as `schemas.filters`
    reads them. `after`: (at, trace_id) of the last trace of the page before; nothing that was
    on it or before it is given again. Raises ValueError on columns that are not known.
    """
    wanted = dict(where or {})
    if unknown := set(wanted) - set(FILTERS):
        raise ValueError(f"traces cannot be filtered by {', '.join(sorted(unknown))}")
    if _ID.fullmatch(search):
        return _listed(store, project, start_ns, end_ns, {search.lower(): 0})
    of = Matching(search, [*(Condition(k, "=", v) for k, v in wanted.items()), *conditions], after)
    end = min(end_ns, after[0] + 1) if after else end_ns
    found: dict[str, int] = {}
    for begin in [*(end - w for w in WINDOWS if end - w > start_ns), start_ns]:
        found = _latest(store, project, begin, end, limit, of)
        if len(found) == limit:
            break
    if after and found:
        found = _not_before(store, project, found, end, end_ns, of)
    return _listed(store, project, start_ns, end_ns, found)


def _not_before(
    store: Store, project: str, found: dict[str, int], begin: int, end: int, of: Matching
) -> dict[str, int]:
    """Without those that an earlier page had, by a matching span of theirs in [begin, end)."""
    times = trace_times(store, project, list(found))
    late = [name for name in found if name in times and times[name][1] >= begin]
    if not late:
        return found
    until = min(end, max(times[name][1] for name in late) + 1)
    of = Matching(of.search, of.conditions, None, late)
    seen = _latest(store, project, begin, until, len(late), of)
    return {name: at for name, at in found.items() if name not in seen}


def trace_times(store: Store, project: str, traces: Sequence[str]) -> dict[str, tuple[int, int]]:
    """(first, last) span start in ns by trace id. An INSERT fills one table after the other, so
    for a moment a span can be in `spans` while its trace is not here, or not with that span. Asked
    in one order, so that a page that asks twice for the same traces is answered once."""
    rows = store.rows(
        """
        SELECT trace_id, toUnixTimestamp64Nano(min(first)) AS a,
               toUnixTimestamp64Nano(max(last)) AS b
        FROM trace_times
        WHERE project = {project:String} AND trace_id IN {traces:Array(String)} GROUP BY trace_id
        """,
        project=project,
        traces=sorted(set(traces)),
    )
    return {row["trace_id"]: (int(row["a"]), int(row["b"])) for row in rows}


def _latest(
    store: Store, project: str, start: int, end: int, limit: int, of: Matching
) -> dict[str, int]:
    """Ids of the traces whose latest matching span in the range is newest, with its start."""
    source, every, named = of.source()
    older = "(at, trace_id) < ({after_at:Int64}, {after_id:String})" if of.after else "1"
    if of.after:
        named |= {"after_at": of.after[0], "after_id": of.after[1]}
    rows = store.rows(
        f"""
        SELECT trace_id, toUnixTimestamp64Nano(max(start_time)) AS at
        {source} GROUP BY trace_id HAVING {every} AND {older}
        ORDER BY at DESC, trace_id DESC LIMIT {{limit:UInt32}}
        """,
        project=project, start=start, end=end, limit=limit, **named,
    )  # fmt: skip
    return {row["trace_id"]: int(row["at"]) for row in rows}


@dataclass(frozen=True, slots=True)
class Matching:
    """Which spans make a trace count. `only`: of these traces, where any is named."""

    search: str = ""
    conditions: Sequence[Condition] = ()
    after: tuple[int, str] | None = None
    only: Sequence[str] = ()

    def source(self) -> tuple[str, str, dict[str, Any]]:
        """(FROM matching spans of the range, what must hold of a trace's, parameters)."""
        positive, every, judged, named = compiled(self.conditions)
        mine = f" AND {judged}" if judged else ""
        if self.only:
            named["only"] = list(self.only)
            mine += " AND trace_id IN {only:Array(String)}"
        filtered = f"FROM spans WHERE {_RANGE}{mine} AND ({positive})"
        if not self.search:
            return filtered, every, named
        of_spans = (positive, every) != ("1", "1")
        groups = f"{filtered} GROUP BY trace_id HAVING {every}" if of_spans else ""
        # The index splits words of other alphabets into letters: those are looked at as they stand.
        words = [word for word in re.findall(r"\w+", self.search) if not word.isascii()]
        also = f"WHERE trace_id IN (SELECT trace_id {groups})" if groups else ""
        named |= {"search": self.search, **{f"word_{n}": word for n, word in enumerate(words)}}
        return (
            f"""
            FROM (
                SELECT trace_id, start_time FROM span_texts
                WHERE {_RANGE}{mine} AND ({_holds(words)})
                UNION ALL
                SELECT trace_id, start_time FROM spans
                WHERE {_RANGE}{mine} AND positionCaseInsensitiveUTF8(name, {{search:String}}) > 0
            ) {also}""",
            "1",
            named,
        )

    def chosen(self) -> tuple[str, dict[str, Any]]:
        """(what holds of the `trace_id` of a span of the range whose trace counts, parameters)."""
        if not self.search and all(one.is_score for one in self.conditions):
            _, _, judged, named = compiled(self.conditions)
            return judged or "1", named
        source, every, named = self.source()
        grouped = f"GROUP BY trace_id HAVING {every}" if every != "1" else ""
        if self.search:  # often few: the index of ids tells where they are
            return f"trace_id IN (SELECT trace_id {source} {grouped})", named
        return f"cityHash64(trace_id) IN (SELECT cityHash64(trace_id) {source} {grouped})", named


def compiled(conditions: Sequence[Condition]) -> tuple[str, str, str, dict[str, Any]]:
    """(spans worth reading, what must hold of the spans of a trace, what must hold of its id or
    "", parameters). A trace is `=` where some span is, and `!=` where none is; scores are those of
    the newest verdict, which is asked for once and not of the spans of each trace. Sets of traces
    are of hashes: one of names that are in the sorting key is looked up for each granule first."""
    either, every, judged, named = [], [], [], {}
    for n, one in enumerate(conditions):
        named[f"v{n}"] = one.number if one.field in NUMBERS or one.is_score else one.value
        if one.is_score:
            named[f"k{n}"] = one.field.removeprefix(SCORE)
            judged.append(
                f"""cityHash64(trace_id) IN (
                    SELECT cityHash64(trace_id) AS trace FROM scores
                    WHERE project = {{project:String}}
                      AND evaluator = {{k{n}:String}} AND status = 'scored' AND {_NEAR}
                    GROUP BY trace
                    HAVING argMax(value, scored_at) {one.operator} {{v{n}:Float64}})"""
            )
            continue
        same = one.operator == "!="
        if one.field in NUMBERS:
            test = f"{NUMBERS[one.field]} {'=' if same else one.operator} {{v{n}:Float64}}"
        elif one.field in TEXTS:
            test = f"{one.field} = {{v{n}:String}}"
        else:
            named[f"k{n}"] = one.field
            value = f"attributes[{{k{n}:String}}]"
            if one.operator in {"=", "!="}:
                test = f"(mapContains(attributes, {{k{n}:String}}) AND {value} = {{v{n}:String}})"
            else:
                test = (
                    f"ifNull(toFloat64OrNull({value}) {one.operator} toFloat64({{v{n}:String}}), 0)"
                )
        if same or sum(not each.is_score for each in conditions) > 1:  # else each span read holds
            every.append(f"countIf({test}) {'= 0' if same else '> 0'}")
        either.append("1" if same else test)
    whole = " OR ".join(either) if either and "1" not in either else "1"
    return whole, " AND ".join(every) or "1", " AND ".join(judged), named


def _holds(words: Sequence[str]) -> str:
    """The condition that the texts of a span together have every word of the search."""
    exact = "".join(
        f" AND position({_WORDS}, lowerUTF8({{word_{n}:String}})) > 0" for n in range(len(words))
    )
    return f"hasAllTokens({_WORDS}, lowerUTF8({{search:String}})){exact}"


def _listed(
    store: Store, project: str, start: int, end: int, found: Mapping[str, int]
) -> list[dict[str, Any]]:
    """The traces with all their spans of the range, newest first."""
    traces = list(found)
    stored = trace_times(store, project, traces) if traces else {}
    late = [(at - 5 * MINUTE, at) for trace, at in found.items() if at and trace not in stored]
    times = [(a, max(b, found[trace])) for trace, (a, b) in stored.items()] + late
    if not times:
        return []
    buckets = {n for a, b in times for n in range(a // (5 * MINUTE), b // (5 * MINUTE) + 1)}
    # The primary key is of buckets: a few of them where the traces lie days apart, a range of time
    # where there are so many (a trace that ran for days) that the list would cost more.
    scattered = len(buckets) <= BUCKETS
    near = "AND toStartOfFiveMinutes(start_time) IN {buckets:Array(DateTime('UTC'))}"
    rows = store.rows(
        f"""
        SELECT trace_id, min(toUnixTimestamp64Nano(start_time)) AS start_ns,
               (max(toUnixTimestamp64Nano(start_time) + duration_ns) - start_ns) / 1e6
                   AS duration_ms,
               anyIf(toString(s.name), parent_span_id = '') AS name,
               anyIf(input_preview, parent_span_id = '') AS input,
               anyIf(output_preview, parent_span_id = '') AS output,
               anyIf(s.session_id, s.session_id != '') AS session_id,
               anyIf(s.user_id, s.user_id != '') AS user_id,
               anyIf(toString(s.kind), parent_span_id = '') AS kind,
               arraySort(groupUniqArrayArray(arrayMap(t -> toString(t), s.tags))) AS tags,
               count() AS spans,
               countIf(s.status = 'ERROR') AS errors, sum(s.input_tokens) AS input_tokens,
               sum(s.output_tokens) AS output_tokens, sum(s.cost_usd) AS cost_usd, {SEGMENT_SQL}
        FROM spans AS s FINAL PREWHERE trace_id IN {{traces:Array(String)}}
        WHERE {_RANGE} {near if scattered else ""}
        GROUP BY trace_id ORDER BY start_ns DESC
        """,
        project=project,
        start=max(start, min(a for a, _ in times)),
        end=min(end, max(b for _, b in times) + 1),
        traces=traces,
        buckets=[n * 300 for n in sorted(buckets)] if scattered else [],
    )
    for row in rows:
        row["at"] = found[row["trace_id"]] or row["start_ns"]
    return rows
