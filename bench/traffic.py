"""LLM traffic with faults put into known segments: 12 columns, sessions, days that differ.

Nothing here looks at what the search assumes: scores are bounded, columns depend on each other,
effects of columns on quality interact, and days resemble the day before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitors.rootcause.leaves import Leaves, leaves
from monitors.windows import Bools, Floats, Integers

SIZES = {"model": 4, "prompt_version": 4, "source": 6, "tool": 6, "region": 5, "language": 8,
         "service_version": 3, "environment": 2, "channel": 3, "topic": 12,
         "user_group": 400}  # fmt: skip
BY_SESSION = ("prompt_version", "region", "language", "service_version", "environment", "channel",
              "user_group")  # fmt: skip
COLUMNS = (*SIZES, "input_length")
FAULTY = ("model", "prompt_version", "source", "tool", "region", "language", "service_version",
          "channel", "topic")  # fmt: skip
Segment = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """`effects`: what each fault takes off the score of its segment; `attributes` of each."""

    attributes: tuple[int, ...] = ()
    effect: float = 0.0
    mix: bool = False
    session: float = 0.1
    day: float = 0.02
    failures: bool = False  # 0 or 1 in place of a score


@dataclass(frozen=True, slots=True)
class Case:
    rows: Leaves
    current: Bools  # (blocks,)
    truth: tuple[Segment, ...]


def _shares(draw: np.random.Generator, size: int) -> Floats:
    share = 1 / np.arange(1, size + 1) ** (1.3 if size > 50 else 0.6)
    return np.asarray(draw.permutation(share / share.sum()) if size < 50 else share / share.sum())


def case(seed: int, kind: Kind, rows: int, days: int, last: int, weight: float = 0.02) -> Case:
    """`rows` calls over `days`, of which the `last` are current; each fault's segment is drawn
    until it holds `weight` of the rows or more."""
    draw = np.random.default_rng(seed)
    session = np.repeat(np.arange(rows), draw.geometric(1 / 3, rows))[:rows]
    count = int(session.max()) + 1
    day = draw.integers(0, days, count)[session]
    late = day >= days - last
    held: dict[str, Integers] = {}
    shifted = draw.choice(["model", "topic", "region", "source"], 2, replace=False)
    for name, size in SIZES.items():
        share, other = _shares(draw, size), _shares(draw, size)
        n = count if name in BY_SESSION else rows
        code = draw.choice(size, n, p=share)
        moved = draw.choice(size, n, p=(share + other) / 2)
        code, moved = (c[session] if name in BY_SESSION else c for c in (code, moved))
        held[name] = np.where(late, moved, code) if kind.mix and name in shifted else code
    # A language mostly goes with its region, a tool with its topic.
    for name, of, much in (("language", "region", 0.7), ("tool", "topic", 0.5)):
        follows = (draw.random(count)[session] if name == "language" else draw.random(rows)) < much
        held[name] = np.where(follows, held[of] % SIZES[name], held[name])
    length = draw.lognormal(5 + 0.3 * (held["source"] % 3), 0.8)
    quality = 0.78 - 0.04 * np.log10(length / 150) + draw.normal(0, kind.session, count)[session]
    for name in ("model", "source", "topic", "language", "user_group"):
        quality += draw.normal(0, 0.04, SIZES[name])[held[name]]
    quality += draw.normal(0, 0.03, (4, 12))[held["model"], held["topic"]]
    effect = np.zeros(days)
    for d in range(days):
        effect[d] = (0.5 * effect[d - 1] if d else 0) + draw.normal(0, kind.day * np.sqrt(0.75))
    quality += effect[day]
    truth: list[Segment] = []
    for size in kind.attributes:
        while True:
            names = sorted(draw.choice(FAULTY, size, replace=False))
            segment = {n: int(draw.integers(SIZES[n])) for n in names}
            inside = np.all([held[n] == v for n, v in segment.items()], axis=0)
            named = frozenset((n, f"{n}{v}") for n, v in segment.items())
            least, most = (inside & late).mean() * days / last, inside.mean()
            apart = not any(dict(named).items() & dict(t).items() for t in truth)
            if least >= weight and most <= 0.5 and apart:
                break
        truth.append(named)
        quality -= kind.effect * (inside & late)
    if kind.failures:
        value = (draw.random(rows) > np.clip(quality + 0.15, 0.01, 0.99)).astype(np.float64)
    else:
        value = np.clip(quality + draw.normal(0, 0.2, rows), 0, 1)
    table: dict[str, object] = {n: np.char.add(n, c.astype(str)) for n, c in held.items()}
    table["input_length"] = length
    return Case(
        leaves(table, day.astype(np.int64), value, np.ones(rows)),  # type: ignore[arg-type]
        np.arange(days) >= days - last, tuple(truth),
    )  # fmt: skip
