"""`python -m bench.agents --data FOLDER`: the step and the agent at which a failure begins.

FOLDER holds who_and_when_*.jsonl (Who&When, MIT): failed logs with the step and agent at fault. A
log's steps are ranked by a conditional logistic model (softmax over the steps of one log); the
agent is the speaker with the greatest sum. Each log is predicted from all others of its subset,
the penalty chosen on them by five folds. The constant rule is the best of its family on the same
other logs: a fixed step from the start or end; a fixed name, or the first, last or most frequent
speaker. Where two rules are nearly level, leaving a log out picks the one that is wrong on it, so
the best rule of all logs stands beside it; only what beats both counts. Intervals: logs resampled,
paired, 10,000 times, seed 0.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluators.embedding import Embedder
from monitors.windows import Bools, Floats

SUBSETS = ("algorithm_generated", "hand_crafted")
ERROR = re.compile(
    r"error|exception|traceback|failed|exitcode: [1-9]|not found|unable|cannot", re.I
)
DISAGREE = re.compile(
    r"however|incorrect|wrong|mistake|instead|actually|discrepan|not correct|correction", re.I
)
TOOL = re.compile(r"terminal|surfer|assistant$", re.I)
PENALTIES = (1.0, 3.0, 10.0, 30.0)
EARLY = 9  # steps with a feature of their own
FOLDS = 5
CUT = 400  # characters that are embedded


@dataclass(frozen=True, slots=True)
class Log:
    """`features` (steps, features); `speakers` one a step; `step` is the labelled one."""

    features: Floats
    speakers: list[str]
    step: int
    agent: str


def speaker(message: dict[str, str]) -> str:
    """The name, or the role without what stands in brackets behind it."""
    return (message.get("name") or message["role"].split(" (")[0]).strip().lower()


def features(texts: list[str], speakers: list[str], task: Floats, vectors: Floats) -> Floats:
    """Position, speaker, length, words of error and of disagreement, distance to the task."""
    n = len(texts)
    at = np.arange(n)
    wrong = np.array([bool(ERROR.search(t)) for t in texts], np.float64)
    against = np.array([bool(DISAGREE.search(t)) for t in texts], np.float64)
    follow, previous = np.minimum(at + 1, n - 1), np.maximum(at - 1, 0)
    count = Counter(speakers)
    columns = [
        *(at == k for k in range(EARLY)), at == n - 1, at / n, np.log1p(at), np.log1p(n - at),
        [len(t) ** 0.25 for t in texts], wrong, against, wrong[follow], against[follow],
        [bool(TOOL.search(s)) for s in speakers], [s == "human" for s in speakers],
        [s == "orchestrator" for s in speakers], [s == speakers[0] for s in speakers],
        [s == speakers[-1] for s in speakers], [count[s] / n for s in speakers],
        [s not in speakers[:k] for k, s in enumerate(speakers)],
        [s == speakers[k] for s, k in zip(speakers, previous, strict=True)],
        ["```" in t for t in texts], vectors @ task, (vectors * vectors[previous]).sum(1),
        (vectors * vectors[follow]).sum(1),
    ]  # fmt: skip
    return np.stack([np.asarray(c, np.float64) for c in columns], 1)


def read(path: Path, embedder: Embedder) -> list[Log]:
    """Logs whose labelled step lies within them."""
    found = []
    for line in path.read_text().splitlines():
        row = json.loads(line)
        history, step = row["history"], int(row["mistake_step"])
        if step >= len(history):
            continue
        texts = [str(m["content"]) for m in history]
        vectors = embedder.embed([row["question"][:CUT], *(t[:CUT] for t in texts)])
        held = np.asarray(vectors, np.float64)
        speakers = [speaker(m) for m in history]
        agent = row["mistake_agent"].strip().lower()
        found.append(Log(features(texts, speakers, held[0], held[1:]), speakers, step, agent))
    return found


def fit(logs: list[Log], penalty: float) -> Callable[[Log], Floats]:
    """Step probabilities of a log by a conditional logistic model (ridge, Newton's method)."""
    x = np.concatenate([g.features for g in logs])
    centre, scale = x.mean(0), np.where(x.std(0) > 0, x.std(0), 1.0)
    x = (x - centre) / scale
    starts = np.cumsum([0, *(len(g.features) for g in logs[:-1])])
    sizes = np.array([len(g.features) for g in logs])
    right = x[starts + [g.step for g in logs]].sum(0)
    weight = np.zeros(x.shape[1])
    for _ in range(10):
        z = x @ weight
        z = np.exp(z - np.repeat(np.maximum.reduceat(z, starts), sizes))
        p = z / np.repeat(np.add.reduceat(z, starts), sizes)
        means = np.add.reduceat(p[:, None] * x, starts)
        slope = right - means.sum(0) - penalty * weight
        bend = (p[:, None] * x).T @ x - means.T @ means + penalty * np.eye(len(weight))
        step = np.linalg.solve(bend, slope)
        weight = weight + step * min(1.0, 1 / np.abs(step).max())  # else far steps overshoot

    def probabilities(log: Log) -> Floats:
        z = (log.features - centre) / scale @ weight
        z = np.exp(z - z.max())
        return np.asarray(z / z.sum())

    return probabilities


def blamed(log: Log, p: Floats) -> str:
    """The speaker whose steps are the likeliest together."""
    total: dict[str, float] = {}
    for name, value in zip(log.speakers, p, strict=True):
        total[name] = total.get(name, 0.0) + float(value)
    return max(total, key=lambda k: total[k])


def chosen(logs: list[Log]) -> float:
    """The penalty of the greatest likelihood of the labelled steps, by folds of these logs."""
    fold = np.arange(len(logs)) % FOLDS
    score: dict[float, float] = dict.fromkeys(PENALTIES, 0.0)
    for penalty in PENALTIES:
        for k in range(FOLDS):
            model = fit([g for g, f in zip(logs, fold, strict=True) if f != k], penalty)
            held = [g for g, f in zip(logs, fold, strict=True) if f == k]
            score[penalty] += sum(float(np.log(model(g)[g.step])) for g in held)
    return max(score, key=lambda k: score[k])


def ranked(logs: list[Log]) -> tuple[Bools, Bools]:
    """(step right, agent right) per log, each from the others."""
    steps, agents = [], []
    for at, log in enumerate(logs):
        others = logs[:at] + logs[at + 1 :]
        p = fit(others, chosen(others))(log)
        steps.append(int(p.argmax()) == log.step)
        agents.append(blamed(log, p) == log.agent)
    return np.array(steps), np.array(agents)


def rules(logs: list[Log]) -> tuple[dict[str, Bools], dict[str, Bools]]:
    """Which logs every constant rule of a step, and of an agent, gets right."""
    at: dict[str, Bools] = {}
    for k in range(max(len(g.speakers) for g in logs)):
        at[f"step {k}"] = np.array([g.step == k for g in logs])
        at[f"step {k + 1} from the end"] = np.array(
            [g.step == len(g.speakers) - 1 - k for g in logs]
        )
    most = [Counter(g.speakers).most_common(1)[0][0] for g in logs]
    who = {
        "first speaker": np.array([g.speakers[0] == g.agent for g in logs]),
        "last speaker": np.array([g.speakers[-1] == g.agent for g in logs]),
        "most frequent speaker": np.array([m == g.agent for m, g in zip(most, logs, strict=True)]),
    }
    for name in {s for g in logs for s in g.speakers}:
        who[f"always {name}"] = np.array([g.agent == name for g in logs])
    return at, who


def others_best(found: dict[str, Bools]) -> Bools:
    """Whether each log is right by the rule that is right most often in the other logs."""
    table = np.stack([found[n] for n in sorted(found)]).astype(int)
    best = (table.sum(1, keepdims=True) - table).argmax(0)
    return np.asarray(table[best, np.arange(table.shape[1])] > 0)


def paired(a: Bools, b: Bools) -> tuple[float, float, float]:
    """(difference of shares, its 95% interval)."""
    gap = a.astype(float) - b
    draw = np.random.default_rng(0).integers(0, len(gap), (10_000, len(gap)))
    low, high = np.quantile(gap[draw].mean(1), [0.025, 0.975])
    return float(gap.mean()), float(low), float(high)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    begin, embedder = time.perf_counter(), Embedder(threads=1)
    print("| subset | question | logs | scorer | rule of the other logs | difference (95%)"
          " | best rule of all | difference (95%) |")  # fmt: skip
    print("|" + "---|" * 8)
    beaten = 0
    for name in SUBSETS:
        logs = read(arguments.data / f"who_and_when_{name}.jsonl", embedder)
        for what, ours, found in zip(("step", "agent"), ranked(logs), rules(logs), strict=True):
            best = max(sorted(found), key=lambda k: found[k].sum())
            plain, late = others_best(found), found[best]
            gaps = [paired(ours, plain), paired(ours, late)]
            beaten += all(low > 0 for _, low, _ in gaps)
            told = [f"{g:+.3f} ({low:+.3f} to {high:+.3f})" for g, low, high in gaps]
            print(f"| {name} | {what} | {len(logs)} | {ours.mean():.3f} | {plain.mean():.3f} |"
                  f" {told[0]} | {best}: {late.mean():.3f} | {told[1]} |", flush=True)  # fmt: skip
    print(f"\n{beaten} of 4 are above both rules with their intervals;"
          f" {time.perf_counter() - begin:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
