"""`python -m bench.naming`: is the segment that fell the one that a finding names?

Traffic of 400 sessions a day by topic, document source and model (shares .1 to .7, independent of
each other), scores with sd .3; with `days` all sessions of a day share an effect (sd .02,
coefficient .5). Behind 24 days the score of one segment, or of all traffic, falls; the 9 streams
are watched by four hours and by day at the default budget and margin until ten days later. A
change begins on each day of the week in turn. What rang is named by `monitors.naming.order`, and
beside it by the greatest e-value over its threshold, and by the greatest effect; the search for
causes (`assay rootcause`) is asked about the same sessions, split at the onset that the finding
has. Cases in which nothing rang are counted apart. Intervals: Wilson, 95%; the unit is the case.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitors.drift.e_detector import BUDGET, Days
from monitors.drift.hours import Hours
from monitors.drift.together import Run, thresholds, together
from monitors.naming import Moved, order
from monitors.rootcause.explain import explain
from monitors.rootcause.leaves import leaves
from monitors.series import Stream, table
from monitors.windows import Floats, Integers
from schemas.estimates.shares import wilson

SHARES = {"topic": (0.1, 0.2, 0.3, 0.4), "document_source": (0.3, 0.7), "model": (0.5, 0.5)}
TRUTHS = (("", ""), ("topic", "0"), ("topic", "3"), ("document_source", "0"),
          ("document_source", "1"), ("model", "0"))  # fmt: skip
HISTORY, AFTER, SESSIONS, LENGTHS = 24, 10, 400, (4, 24)
SPREAD, MARGIN = 0.3, 0.02
FIRST = 20_002  # days since 1970 of the first, a Tuesday
RULES = ("apart from the rest", "greatest e-value", "greatest effect", "search for causes")
Segment = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Sessions (sessions,) with their columns, and streams by length of block."""

    of: Mapping[str, Any]
    day: Integers
    value: Floats
    streams: dict[int, list[Stream]]


def made(draw: np.random.Generator, truth: Segment, fall: float, begin: int, shared: bool
         ) -> Traffic:  # fmt: skip
    """What fell does so from day `begin` on."""
    days = HISTORY + AFTER
    day = np.repeat(np.arange(days), SESSIONS)
    value = draw.normal(0.7, SPREAD, len(day))
    if shared:
        effect = np.zeros(days)
        for each in range(1, days):
            effect[each] = 0.5 * effect[each - 1] + draw.normal(0, 0.02 * 0.75**0.5)
        value += effect[day]
    of = {c: draw.choice(len(p), len(day), p=p).astype(str) for c, p in SHARES.items()}
    hit = day >= begin
    if truth[0]:
        hit = hit & (of[truth[0]] == truth[1])
    value -= fall * hit
    segments = [("", ""), *((c, str(n)) for c, p in SHARES.items() for n in range(len(p)))]
    found: dict[int, list[Stream]] = {}
    for hours in LENGTHS:
        a_day = 24 // hours
        block = day * a_day + np.tile(np.arange(SESSIONS) * a_day // SESSIONS, days)
        for column, name in segments:
            inside = of[column] == name if column else np.ones(len(day), bool)
            n = np.bincount(block[inside], minlength=days * a_day)
            total = np.bincount(block[inside], value[inside], days * a_day)
            if hours < 24 and np.median(n) < 20:
                continue
            kept = np.flatnonzero(n >= 5).tolist()
            means = {FIRST * a_day + b: float(total[b] / n[b]) for b in kept}
            count = {FIRST * a_day + b: int(n[b]) for b in kept}
            found.setdefault(hours, []).append(
                Stream("score", "1", column, name, means, count, hours)
            )
    return Traffic(of, day, value, found)


def rang(streams: dict[int, list[Stream]]) -> list[Moved]:
    """What rang, as monitors.streams runs them."""
    c, runs = thresholds({h: len(s) for h, s in streams.items()}, BUDGET), []
    days = HISTORY + AFTER
    weekday = (FIRST + np.arange(days) + 3) % 7
    for hours, held in streams.items():
        a_day = 24 // hours
        y, margin = table(held, FIRST * a_day, days * a_day), np.full(len(held), MARGIN)
        run: Days | Hours = Hours(y, weekday, a_day, margin)
        if hours == 24:
            none = np.zeros(len(held), np.int64)
            run = Days(y, (weekday >= 5).astype(np.int64), none, margin)
        runs.append(Run(run, days * a_day, hours, c[hours]))
    lengths = list(streams)
    return [
        Moved(streams[lengths[r.run]][r.alarm.stream], r.alarm.onset, r.alarm.block,
              r.alarm.after > r.alarm.before, r.alarm.e_value / runs[r.run].c)
        for r in together(runs)
    ]  # fmt: skip


def searched(traffic: Traffic, onset: int) -> Segment:
    """What the search for causes names first, days from `onset` on being current."""
    rows = leaves(traffic.of, traffic.day, traffic.value, np.ones(len(traffic.value)))
    found = explain(rows, np.arange(rows.blocks) >= onset)
    if found.kind == "everywhere" or not found.causes:
        return "", ""
    segment = found.causes[0].segment
    return (",".join(segment), ",".join(v for values in segment.values() for v in values))


def names(moved: list[Moved], traffic: Traffic, begin: int) -> dict[str, Segment]:
    """The segment that each rule names."""
    every = [s for held in traffic.streams.values() for s in held]
    by_day = {(s.column, s.value): s for s in traffic.streams[24]}

    def effect(each: Moved) -> float:
        means = by_day[each.stream.column, each.stream.value].means
        sides = [[m for d, m in means.items() if (d >= FIRST + begin) == k] for k in (False, True)]
        return abs(float(np.mean(sides[1]) - np.mean(sides[0])))

    first = order(moved, every, FIRST * 24)[0]
    rules = (first, max(moved, key=lambda m: m.strength), max(moved, key=effect))
    said = [(m.stream.column, m.stream.value) for m in rules]
    onset = first.onset * first.stream.hours // 24
    return dict(zip(RULES, [*said, searched(traffic, onset)], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=28, help="cases a row: weekdays by turns")
    parser.add_argument("--falls", type=float, nargs="+", default=[0.1, 0.2])
    parser.add_argument("--seed", type=int, default=1)
    asked, begun = parser.parse_args(), time.monotonic()
    print("| what fell | by | days | rang | " + " | ".join(f"right: {r}" for r in RULES) + " |\n"
          + "|---" * 8 + "|")  # fmt: skip
    total = dict.fromkeys(RULES, 0)
    cases = agree = 0
    for number, truth in enumerate(TRUTHS):
        for fall in asked.falls:
            for shared in (False, True):
                right, n = dict.fromkeys(RULES, 0), 0
                for run in range(asked.runs):
                    draw = np.random.default_rng([asked.seed, number, round(fall * 100), run])
                    begin = HISTORY - run % 7
                    traffic = made(draw, truth, fall, begin, shared)
                    moved = rang(traffic.streams)
                    if not moved:
                        continue
                    n += 1
                    named = names(moved, traffic, begin)
                    agree += named[RULES[0]] == named[RULES[-1]]
                    for rule, said in named.items():
                        right[rule] += said == truth
                cases += n
                cells = []
                for rule in RULES:
                    total[rule] += right[rule]
                    low, high = wilson(right[rule] / n, n) if n else (0.0, 1.0)
                    cells.append(f"{right[rule] / max(n, 1):.2f} ({low:.2f} to {high:.2f})")
                name = "=".join(truth) if truth[0] else "all traffic"
                print(f"| {name} | {fall:g} | {'differ' if shared else 'alike'} |"
                      f" {n} of {asked.runs} | {' | '.join(cells)} |", flush=True)  # fmt: skip
    shares = ", ".join(f"{r} {total[r] / max(cases, 1):.3f}" for r in RULES)
    print(
        f"\nof {cases} that rang: {shares}; finding and search name the same in"
        f" {agree / max(cases, 1):.3f}; seed {asked.seed}, {time.monotonic() - begun:.0f} s"
    )


if __name__ == "__main__":
    main()
