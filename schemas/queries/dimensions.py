"""Columns by which a search for causes tells traces apart, as SQL over the spans of one trace.

Texts leave ClickHouse as 64-bit hashes, which aggregate and travel at a fraction of the cost of the
texts; the names of the hashes that matter are asked for afterwards. What a user names is never part
of the SQL: keys and names of tools are parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.clickhouse import Store
from schemas.filters import NUMBERS as SPAN_NUMBERS
from schemas.filters import TEXTS
from schemas.queries.mixes import Frozen
from schemas.queries.segments import EXTRA_SQL
from schemas.queries.traces import SEGMENT_COLUMNS

MOST = 40  # columns of one search
SAMPLE = 100_000  # spans among which names are looked for first: most values are common
LONGEST = 200  # characters of a column's name
KEYED = {"attributes.": "s.attributes", "resource.": "s.resource"}
_TOOLS = "arrayStringConcat(arraySort(arrayMap(t -> toString(t), segment_tools)), ' + ')"
_ROOT = """argMin(cityHash64(s.{0}), (s.parent_span_id != '') * 4611686018427387904
           + toUnixTimestamp64Nano(s.start_time))"""
# Column -> the hash of its text for one trace, where not any span's that has one will do.
_HASH = {
    "name": _ROOT.format("name"),
    "kind": _ROOT.format("kind"),
    "status": "if(max(s.status = 'ERROR'), cityHash64('ERROR'), any(cityHash64(s.status)))",
}
# Column -> its text for one trace, where that is not the text of any one span.
_TRACE = {
    "language": "segment_language",
    "user_group": "segment_user_group",
    "tool": _TOOLS,
    "tag": "arrayStringConcat(arraySort(arrayMap(t -> toString(t), groupUniqArrayArray(s.tags))),"
           " ' + ')",
    "topic": "any(t.topic)",
}  # fmt: skip
_EXTRA = ("language", "user_group", "tool")  # which stand on EXTRA_SQL
# `prefix.NAME` -> whether some span of the trace has it.
_HAS = {
    "tool.": "has(s.tool_names, {}) OR (s.kind = 'TOOL' AND s.name = {})",
    "tag.": "has(s.tags, {})",
}
_FIRST = "argMinIf(toFloat64(s.{0}), (s.parent_span_id != '', s.start_time), s.{0} > 0)"
# Column -> its number for one trace; 0 is no value where none is possible.
_NUMBER = {
    "duration_ms": "maxIf(s.duration_ns, s.parent_span_id = '') / 1e6",
    "first_token_ms": "if(max(s.first_token_ns) = 0, nan, max(s.first_token_ns) / 1e6)",
    "input_tokens": "sum(s.input_tokens)",
    "output_tokens": "sum(s.output_tokens)",
    "cost_usd": "sum(s.cost_usd)",
    "input_length": _FIRST.format("input_length"),
    "output_length": _FIRST.format("output_length"),
}
assert set(_NUMBER) == set(SPAN_NUMBERS)
NAMED = (*SEGMENT_COLUMNS, *(t for t in TEXTS if t not in SEGMENT_COLUMNS), "language",
         "user_group", "topic", "tool", "tag", *_NUMBER)  # fmt: skip
OPEN = ("tool.NAME", "tag.NAME", "attributes.KEY", "resource.KEY")


class UnknownColumn(ValueError):
    """A column that traces do not have; the message says which there are."""


def checked(columns: Sequence[str]) -> tuple[str, ...]:
    """The columns, each once and in an order that is always the same. Raises UnknownColumn."""
    unknown = [name for name in columns if not _known(name)]
    if unknown:
        raise UnknownColumn(
            f"traces have no column {', '.join(map(repr, unknown))}; there are"
            f" {', '.join((*NAMED, *OPEN))}"
        )
    if not 0 < len(set(columns)) <= MOST:
        raise UnknownColumn(f"name 1 to {MOST} of {', '.join((*NAMED, *OPEN))}")
    place = {name: number for number, name in enumerate(NAMED)}
    return tuple(sorted(set(columns), key=lambda name: (place.get(name, len(place)), name)))


def _known(name: str) -> bool:
    if name in NAMED:
        return True
    prefix, point, rest = name.partition(".")
    return bool(rest) and prefix + point in {*KEYED, *_HAS} and len(name) <= LONGEST


@dataclass(frozen=True, slots=True)
class Selected:
    """SQL of columns. `inner`: expressions of a SELECT from `spans AS s` (and `join`) grouped by
    trace; `outer`: expressions over these, (column, kind) of each in `given`: kind `text` is a
    UInt64 hash (0: no text), `number` a Float64 (NaN: none). An attribute has one of each."""

    inner: str
    outer: tuple[str, ...]
    given: tuple[tuple[str, str], ...]
    join: str
    named: Mapping[str, Any]


def selected(columns: Sequence[str], topics: Frozen | None = None) -> Selected:
    """The SQL; it uses the parameters project, start and end. Raises UnknownColumn."""
    inner, outer, given, named = [], [], [], dict[str, Any]()
    for n, name in enumerate(checked(columns)):
        made = f"c{n}"
        if name in _NUMBER:
            inner.append(f"toFloat64({_NUMBER[name]}) AS {made}")
        elif name in _TRACE:
            inner.append(f"{_TRACE[name]} AS t{n}")
            made = f"if(t{n} = '', 0, cityHash64(t{n}))"
        else:
            text, more = _span(name, n)
            named |= more
            usual = f"anyIf(cityHash64({text}), {text} != '')"
            inner.append(f"{_HASH.get(name, usual)} AS {made}")
            if name.startswith(tuple(KEYED)):
                number = f"ifNull(toFloat64OrNull({text}), nan)"
                inner.append(f"anyIf({number}, {text} != '') AS n{n}")
                outer.append(f"if(c{n} = 0, nan, n{n})")
                given.append((name, "number"))
        outer.append(made)
        given.append((name, "number" if name in _NUMBER else "text"))
    join = ""
    if set(columns) & set(_EXTRA):
        inner.insert(0, EXTRA_SQL)
    if "topic" in columns:
        if topics is None:
            raise UnknownColumn("no topics are frozen: `assay topics --watch` freezes them")
        query, more = topics.sql()
        join, named = f"LEFT JOIN ({query}) AS t ON t.trace = s.trace_id", {**named, **more}
    return Selected(", ".join(inner), tuple(outer), tuple(given), join, named)


def _span(name: str, n: int) -> tuple[str, dict[str, Any]]:
    """(text of a column for one span, parameters)."""
    if name in TEXTS:
        return f"s.{name}", {}
    prefix, _, rest = name.partition(".")
    value = f"{{k{n}:String}}"
    if (held := KEYED.get(prefix + ".")) is not None:
        return f"{held}[{value}]", {f"k{n}": rest}
    return f"if({_HAS[prefix + '.'].replace('{}', value)}, 'yes', '')", {f"k{n}": rest}


_RANGE = """s.project = {project:String}
              AND s.start_time >= fromUnixTimestamp64Nano({start:Int64})
              AND s.start_time < fromUnixTimestamp64Nano({end:Int64})"""


def names(
    store: Store, project: str, hashes: Mapping[str, Sequence[int]], start_ns: int, end_ns: int,
    topics: Frozen | None = None,
) -> dict[str, dict[int, str]]:  # fmt: skip
    """By column the texts of its `hashes` in spans that began in [start, end)."""
    if not hashes:
        return {}
    order = checked(list(hashes))
    of = selected(order, topics)
    found: dict[str, dict[int, str]] = {
        name: {0: "no" if name.startswith(tuple(_HAS)) else ""} for name in order
    }

    def read(parts: Sequence[str]) -> None:
        asked = {"project": project, "start": start_ns, "end": end_ns, **of.named}
        for row in store.rows(" UNION ALL ".join(parts), **asked) if parts else ():
            found[order[row["which"]]][int(row["hash"])] = row["name"]

    def texts(limit: str) -> list[str]:
        parts = []
        for n, name in enumerate(order):
            wanted = ", ".join(str(int(h)) for h in hashes[name] if int(h) not in found[name])
            if wanted and name not in _TRACE:
                parts.append(
                    f"""SELECT {n} AS which, cityHash64(text) AS hash, toString(any(text)) AS name
                    FROM (SELECT {_span(name, n)[0]} AS text FROM spans AS s WHERE {_RANGE} {limit})
                    WHERE hash IN ({wanted}) GROUP BY hash"""
                )
        return parts

    parts = texts(f"LIMIT {SAMPLE}")
    whole = [n for n, name in enumerate(order) if name in _TRACE]
    if whole:
        pairs = ", ".join(f"({n}, t{n})" for n in whole)
        wanted = ", ".join(str(int(h)) for n in whole for h in hashes[order[n]]) or "0"
        parts.append(
            f"""SELECT DISTINCT pair.1 AS which, cityHash64(pair.2) AS hash, pair.2 AS name
            FROM (SELECT {of.inner} FROM spans AS s FINAL {of.join} WHERE {_RANGE}
                  GROUP BY s.trace_id)
            ARRAY JOIN [{pairs}] AS pair WHERE hash IN ({wanted})"""
        )
    read(parts)
    read(texts(""))
    return found


def keys(
    store: Store, project: str, start_ns: int, end_ns: int, spans: int = 20_000, most: int = 200
) -> list[str]:
    """`attributes.KEY` and `resource.KEY` of the newest `spans` in [start, end), the commonest
    first."""
    rows = store.rows(
        f"""
        SELECT key, count() AS n FROM (
            SELECT arrayConcat(
                arrayMap(k -> concat('attributes.', toString(k)), mapKeys(s.attributes)),
                arrayMap(k -> concat('resource.', toString(k)), mapKeys(s.resource))) AS held
            FROM spans AS s WHERE {_RANGE}
            ORDER BY toStartOfFiveMinutes(s.start_time) DESC LIMIT {{spans:UInt32}}
        ) ARRAY JOIN held AS key
        WHERE length(key) <= {LONGEST} GROUP BY key ORDER BY n DESC, key LIMIT {{most:UInt32}}
        """,
        project=project, start=start_ns, end=end_ns, spans=spans, most=most,
    )  # fmt: skip
    return [row["key"] for row in rows]
