"""Two windows of one column: every test that suits its kind, corrected for their number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from monitors.drift.effects import psi
from monitors.drift.texts import codes, lengths, script
from monitors.drift.two_sample import Pair, TwoSample, adjusted, pair
from monitors.windows import Floats, Integers
from schemas.estimates.change import NO_DATA, change

KINDS = ("number", "category", "text")
CATEGORIES = 50  # texts with at most this many distinct values, each ten times on average
VECTORS = ("energy", "mmd", "classifier")
NUMBERS = ("ks", "mann_whitney")
Embed = Callable[[Sequence[str]], Floats]


@dataclass(frozen=True, slots=True)
class Window:
    """One window's column, and the session of each row (None: every row is its own)."""

    rows: Sequence[object]
    session: Integers | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One test's answer. `p_adjusted` is Benjamini-Hochberg's over all tests of the comparison;
    `detectable` is the effect that would have been found with 80% power, where theory gives it
    (Mann-Whitney: Cohen's d of normal values), `smallest` the same of a mean over sessions in the
    column's own units, by the variance between sessions; `psi` is of numbers and categories."""

    detector: str
    feature: str
    statistic: float
    p_value: float
    p_adjusted: float
    effect: float
    effect_name: str
    verdict: str
    psi: float | None
    detectable: float | None
    smallest: float | None
    n_reference: int
    n_current: int
    sessions_reference: int
    sessions_current: int


def kind_of(*columns: Sequence[object]) -> str:
    """number, category or text, by what stands in the columns."""
    held = [v for c in columns for v in c if v is not None]
    if held and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in held):
        return "number"
    distinct = len({str(v) for v in held})
    return "category" if distinct <= CATEGORIES and distinct * 10 <= len(held) else "text"


def _pairs(
    old: Window, new: Window, kind: str, embed: Embed | None
) -> dict[str, tuple[Pair, tuple[str, ...]]]:
    """What is compared, by the name of the feature, and the tests that suit it."""
    sessions = None if old.session is None or new.session is None else (old.session, new.session)

    def joined(a: Floats, b: Floats) -> Pair:
        return pair(a, b, sessions)

    if kind == "number":
        a, b = (np.array(w.rows, dtype=np.float64) for w in (old, new))
        return {"value": (joined(a, b), NUMBERS)}
    texts = [[str(v) for v in w.rows] for w in (old, new)]
    if kind == "category":
        return {"value": (joined(*codes(*texts)), ("g_test",))}
    scripts = codes(*([script(t) for t in side] for side in texts))
    found = {
        "length": (joined(*(lengths(t) for t in texts)), NUMBERS),
        "script": (joined(*scripts), ("g_test",)),
    }
    if embed is not None:
        vectors = (np.asarray(embed(t), dtype=np.float64) for t in texts)
        found = {"embedding": (joined(*vectors), VECTORS), **found}
    return found


def compare(
    old: Window,
    new: Window,
    tests: Mapping[str, TwoSample],
    kind: str,
    embed: Embed | None = None,
    alpha: float = 0.05,
    seed: int = 0,
    columns: int = 1,
) -> list[Compared]:
    """Every test, the verdict 'changed' or 'no change found'. Raises ValueError on too few rows.

    B grows until the smallest p-value is a tenth of alpha over the number of tests, of which there
    are as many for each of `columns` that are asked about together.
    """
    chosen = [
        (feature, each, name)
        for feature, (each, names) in _pairs(old, new, kind, embed).items()
        for name in names
    ]
    permutations = max(999, round(10 * columns * len(chosen) / alpha) - 1)
    answers = [tests[name](each, seed, permutations) for _, each, name in chosen]
    corrected = adjusted([a.p_value for a in answers])
    out = []
    for (feature, each, name), answer, p in zip(chosen, answers, corrected, strict=True):
        a, b = each.sides
        n, m = (len(np.unique(each.session[s])) for s in (~each.late, each.late))
        out.append(Compared(
            name, feature, answer.statistic, answer.p_value, p, answer.effect, answer.effect_name,
            "changed" if p <= alpha else "no change found",
            psi(a[:, 0], b[:, 0]) if feature != "embedding" else None,
            _detectable(n, m, alpha / len(chosen)) if name == "mann_whitney" else None,
            _smallest(each, alpha / len(chosen)) if name == "mann_whitney" else None,
            len(a), len(b), n, m,
        ))  # fmt: skip
    return out


def corrected_together(found: Sequence[Compared], alpha: float = 0.05) -> list[Compared]:
    """Answers about several columns, Benjamini-Hochberg adjusted over all of them."""
    p_values = adjusted([each.p_value for each in found])
    return [
        replace(each, p_adjusted=p, verdict="changed" if p <= alpha else "no change found")
        for each, p in zip(found, p_values, strict=True)
    ]


def _smallest(of: Pair, level: float) -> float | None:
    """The change of the mean over sessions that would have been found, None on too few of them."""
    total = np.bincount(of.session, of.values[:, 0])
    means = total / np.bincount(of.session)
    late = np.bincount(of.session, of.late) > 0
    found = change(means[~late].tolist(), means[late].tolist(), level)
    return None if found.verdict == NO_DATA else found.smallest


def _detectable(n: int, m: int, level: float) -> float:
    """Cohen's d found with 80% power at a level, two-sided, by Mann-Whitney on n and m normal
    values (asymptotic relative efficiency 3 / pi)."""
    size = (norm.ppf(1 - level / 2) + norm.ppf(0.8)) * np.sqrt((1 / n + 1 / m) * np.pi / 3)
    return float(size)
