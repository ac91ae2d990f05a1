"""Topics of inputs: clusters of their embeddings, named by words, frozen, and counted anew.

Topics are found once, on reference traffic (k-means of scikit-learn on vectors of length 1), and
stay: later inputs are assigned to them, so that shares can be compared. An input further from every
centre than nearly all of the reference is of none of them; those are clustered among themselves,
and a cluster that is large enough is a topic that appeared. Labels are the words that set a topic
apart (class-based TF-IDF, Grootendorst, arXiv 2203.05794, section 3.3); no language model is asked.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from monitors.drift.two_sample import labels, pair
from monitors.windows import Floats, Integers

FAR = 0.98  # quantile of the reference's distances beyond which an input is of no topic
WORDS = 3
_COMMON = """
a an and are as at be by can could did do does for from had has have how i if in is it its me my
need not of on or please should so that the there they this to want was what when where which who
why will with would you your im i'm what's
"""
COMMON = frozenset(_COMMON.split())
_WORD = re.compile(r"[^\W\d_][\w'-]+")
OUTSIDE = -1


@dataclass(frozen=True, slots=True)
class Topics:
    """Frozen topics: `centres` (k, d) of length 1, `labels` of each, `far` the distance beyond
    which an input is of none; `version` is made of the centres."""

    version: str
    centres: Floats
    labels: list[str]
    far: float


@dataclass(frozen=True, slots=True)
class Moved:
    """A topic's share of sessions' inputs before and after; `p_value` is corrected for the number
    of topics (Westfall and Young, max-T over session permutations)."""

    label: str
    before: float
    after: float
    p_value: float
    verdict: str  # appeared | grew | shrank | no change found


def save(topics: Topics, path: Path) -> None:
    """Freeze topics in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**asdict(topics), "centres": topics.centres.tolist()}))


def load(path: Path) -> Topics:
    """Topics that were frozen. Raises OSError, ValueError, KeyError."""
    held = json.loads(path.read_text())
    centres = np.array(held["centres"], np.float64)
    return Topics(held["version"], centres, list(held["labels"]), float(held["far"]))


def watched_file(home: Path, project: str) -> Path:
    """Where topics of a project lie that somebody has frozen."""
    return home / "topics" / f"{quote(project, safe='')}.json"


def found_file(home: Path, project: str) -> Path:
    """Where those lie that monitors have found of themselves."""
    return home / "topics" / "found" / f"{quote(project, safe='')}.json"


def known_file(home: Path, project: str) -> Path | None:
    """The topics of a project: somebody's before those that were found; None without any."""
    files = watched_file(home, project), found_file(home, project)
    return next((path for path in files if path.exists()), None)


def unit(vectors: Floats) -> Floats:
    """Rows scaled to length 1."""
    size = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(size > 0, size, 1), np.float64)


def _cluster(vectors: Floats, count: int, seed: int) -> tuple[Floats, Integers]:
    from sklearn.cluster import KMeans  # type: ignore[import-untyped]

    found = KMeans(min(count, len(vectors)), n_init=4, random_state=seed).fit(vectors)
    return unit(found.cluster_centers_), np.asarray(found.labels_, np.int64)


def fit(texts: Sequence[str], vectors: Floats, count: int = 20, seed: int = 0) -> Topics:
    """Topics of a reference. `far` is measured on the half that the centres have not seen."""
    vectors = unit(vectors)
    half = np.random.default_rng(seed).permutation(len(vectors))
    part, _ = _cluster(vectors[half[::2]], count, seed)
    far = float(np.quantile(_distance(vectors[half[1::2]], part).min(1), FAR))
    centres, which = _cluster(vectors, count, seed)
    names = words(texts, which, len(centres))
    digest = hashlib.sha256(np.round(centres, 6).tobytes()).hexdigest()[:12]
    return Topics(digest, centres, names, far)


def _distance(vectors: Floats, centres: Floats) -> Floats:
    return np.asarray(1 - vectors @ centres.T, np.float64)


def assign(topics: Topics, vectors: Floats) -> Integers:
    """The topic of each vector, OUTSIDE where all are too far."""
    apart = _distance(unit(vectors), topics.centres)
    return np.where(apart.min(1) <= topics.far, apart.argmin(1), OUTSIDE).astype(np.int64)


def words(texts: Sequence[str], which: Integers, count: int) -> list[str]:
    """Of each of `count` topics the words that set it apart: tf x log(1 + A / f), A the mean number
    of words of a topic, f a word's number in all of them."""
    counts = [Counter[str]() for _ in range(count)]
    for text, number in zip(texts, which, strict=True):
        if number >= 0:
            found = {w for w in _WORD.findall(text.lower()) if w not in COMMON}
            counts[number].update(found)
    everywhere = sum(counts, Counter[str]())
    usual = sum(everywhere.values()) / max(1, count)
    names = []
    for each in counts:
        total = sum(each.values()) or 1
        weight = {w: n / total * np.log1p(usual / everywhere[w]) for w, n in each.items()}
        best = sorted(weight, key=lambda w: (-weight[w], w))[:WORDS]
        names.append(", ".join(best) or "(no words)")
    return names


def moved(
    topics: Topics, old: Integers, new: Integers, sessions: tuple[Integers, Integers],
    outside: str = "(new)", alpha: float = 0.05, seed: int = 0,
) -> list[Moved]:  # fmt: skip
    """Every topic, and what is outside of all of them as `outside`, the most certain change first.
    Sessions are permuted whole. Raises ValueError on fewer than two sessions a side."""
    of = pair(old[:, None].astype(float), new[:, None].astype(float), sessions)
    kinds = np.arange(OUTSIDE, len(topics.centres))
    member = (of.values[:, 0][None, :] == kinds[:, None]).astype(np.float64)
    share = member.mean(1)[:, None]

    def strength(side: Floats) -> Floats:
        m = side.sum(0)
        n = len(side) - m
        after, before = member @ side / m, (member.sum(1)[:, None] - member @ side) / n
        wide = np.sqrt(np.maximum(share * (1 - share), 1e-12) * (1 / m + 1 / n))
        return np.asarray(np.abs(after - before) / wide)

    seen = strength(of.late.astype(np.float64)[:, None])[:, 0]
    draws = max(999, round(10 / alpha) - 1)
    most = np.concatenate([strength(s).max(0) for s in labels(of, seed, draws)])
    found = []
    for number, name in enumerate([outside, *topics.labels]):
        p = (1 + int((most >= seen[number] * (1 - 1e-9)).sum())) / (1 + draws)
        before, after = (float((side == kinds[number]).mean()) for side in (old, new))
        verdict = "no change found"
        if p <= alpha:
            up = after > before
            verdict = ("appeared" if number == 0 else "grew") if up else "shrank"
        found.append(Moved(name, before, after, p, verdict))
    return sorted(found, key=lambda m: (m.p_value, -abs(m.after - m.before)))
