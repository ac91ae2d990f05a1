"""Evaluators without a judge on labelled data: `ASSAY_BENCH_DATA=... python -m bench.evaluators`.

Nothing was fitted on these rows. Intervals: 95%, bootstrap by group (500 draws).
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from typing import Any

import numpy as np

from bench.data import SEED, auroc, folder, interval, overlap, rows
from evaluators.base import Resources, judge
from evaluators.embedding import Embedder
from evaluators.metrics.citation_support import citation_support
from evaluators.metrics.context_relevance import context_relevance
from evaluators.metrics.language_match import language_match
from evaluators.metrics.pii_leak import find
from evaluators.metrics.tool_call_correctness import tool_call_correctness
from schemas.models import Sample, ToolCall

KINDS = {
    "EMAIL_ADDRESS": "email", "CREDIT_CARD": "card", "IBAN_CODE": "iban", "US_SSN": "ssn",
    "IP_ADDRESS": "ip", "PHONE_NUMBER": "phone",
}  # fmt: skip
QUESTIONS, CITED = 400, 200


def sample(question: str = "", answer: str = "", documents: tuple[str, ...] = (),
           reference: str = "", tools: tuple[ToolCall, ...] = ()) -> Sample:  # fmt: skip
    return Sample("", "t", "", "", 0, question, answer, documents, 30, reference,
                  tools=tools)  # fmt: skip


def lines(*path: str) -> list[dict[str, Any]]:
    with folder().joinpath(*path).open() as file:
        return [json.loads(line) for line in file]


def line(name: str, label: list[int], score: list[float], groups: list[str]) -> str:
    y, s = np.array(label), np.array(score)
    low, high = interval(y, s, groups)
    return f"| {name} | {auroc(y, s):.3f} | {low:.3f} to {high:.3f} |"


def pii() -> None:
    """Spans of presidio-research that are found, by kind; sentences without any that are hit."""
    found = lines("guardrails", "pii_spans.jsonl")
    kinds: dict[str, list[bool]] = defaultdict(list)
    clean = []
    for row in found:
        got = [value for _, value in find(row["full_text"])]
        for span in row["spans"]:
            if kind := KINDS.get(span["entity_type"]):
                kinds[kind].append(any(span["entity_value"] in v or v in span["entity_value"]
                                       for v in got))  # fmt: skip
        if not any(span["entity_type"] in KINDS for span in row["spans"]):
            clean.append(bool(got))
    print(f"\npii_leak: {len(found)} templated sentences (presidio-research)")
    for kind, hits in sorted(kinds.items()):
        print(f"| {kind} | found {sum(hits)} of {len(hits)} |")
    print(f"| sentences without these kinds, hit all the same | {sum(clean)} of {len(clean)} |")


def language(resources: Resources) -> None:
    """English against English: how often is that called another language, or left open?"""
    found = rows("begin")
    made = language_match(resources)
    assert made is not None
    results = [made.evaluate([sample(r["context"], r["claim"])])[0] for r in found]
    values = [r.value for r in results if r.status == "scored"]
    wrong = sum(v < 0.5 for v in values)
    print(f"\nlanguage_match: BEGIN, English both, n = {len(results)}: {wrong} of {len(values)}"
          f" scored are called different; {len(results) - len(values)} left open")  # fmt: skip


def retrieval(resources: Resources) -> None:
    """A question with its own context against a random one, and against the one that shares most
    words with it, of other groups."""
    by_group = {r["group"]: r for r in rows("halueval_qa") if r["label"] == 1}
    found = [by_group[g] for g in sorted(by_group)]
    random.Random(SEED).shuffle(found)
    halves = found[:QUESTIONS], found[QUESTIONS : 2 * QUESTIONS]
    made = context_relevance(resources)
    for name, part in zip(("first questions", "other questions"), halves, strict=True):
        for kind in ("random", "hardest of 100"):
            pairs = []
            for i, row in enumerate(part):
                draw = random.Random(f"{SEED}-{i}").sample(
                    [o for o in part if o is not row], 100 if kind != "random" else 1
                )
                other = max(draw, key=lambda o: overlap(row["question"], o["context"]))
                pairs += [(row, row, 1), (row, other, 0)]
            given = [sample(q["question"], documents=(c["context"],)) for q, c, _ in pairs]
            values = [r.value for r in made.evaluate(given)]
            label, groups = [y for *_, y in pairs], [q["group"] for q, *_ in pairs]
            words = [overlap(q["question"], c["context"]) for q, c, _ in pairs]
            at = np.array(values) >= 0.5
            right = [(at == np.array(label))[np.array(label) == v].mean() for v in (1, 0)]
            print(f"\ncontext_relevance, {name}, {kind}, n = {len(pairs)}; at 0.5 right on"
                  f" {right[0]:.3f} of own, {right[1]:.3f} of other contexts")  # fmt: skip
            print(line("context_relevance", label, values, groups))
            print(line("word overlap", label, words, groups))
            print(line("shortness of the context", label, [-len(c["context"]) for _, c, _ in pairs],
                       groups))  # fmt: skip


def citations(resources: Resources) -> None:
    """Supported claims of BEGIN that cite their own source, or that of another claim."""
    good = [r for r in rows("begin") if r["label"] == 1]
    random.Random(SEED).shuffle(good)
    made, given, label = citation_support(resources), [], []
    for row, other in zip(good[:CITED], good[CITED : 2 * CITED], strict=True):
        for number in (1, 2):
            text = f"{row['claim'].rstrip(' .!?')} [{number}]."
            given.append(sample("", text, (row["context"], other["context"])))
            label.append(int(number == 1))
    results = made.evaluate(given)
    keep = [i for i, r in enumerate(results) if r.status == "scored"]
    print(f"\ncitation_support: BEGIN, own source against another's, n = {len(keep)}")
    groups = [str(i // 2) for i in keep]
    print(line("citation_support", [label[i] for i in keep], [results[i].value for i in keep],
               groups))  # fmt: skip
    print(line("shortness", [label[i] for i in keep], [-len(given[i].answer) for i in keep],
               groups))  # fmt: skip


def agents(resources: Resources) -> None:
    """Trajectories of tau-bench (airline, gpt-4o): reward against calls, by task."""
    found = lines("agents", "tau_airline_gpt4o.jsonl")
    reward = [int(r["reward"]) for r in found]
    groups = [str(r["task_id"]) for r in found]
    print(f"\ntau-bench airline: {len(found)} trajectories of {len(set(groups))} tasks,"
          f" base rate {np.mean(reward):.3f}")  # fmt: skip
    made, signs = tool_call_correctness(resources), defaultdict(list)
    keep, f1, recall, size = [], [], [], []
    for i, row in enumerate(found):
        asked = [c["function"] for m in row["traj"] for c in m.get("tool_calls") or []]
        calls = tuple(ToolCall(c["name"], c["arguments"]) for c in asked)
        tools = [m["content"] or "" for m in row["traj"] if m["role"] == "tool"]
        said = [m["content"] for m in row["traj"] if m["role"] == "assistant" and m["content"]]
        signs["few messages"].append(-float(len(row["traj"])))
        signs["few calls"].append(-float(len(calls)))
        signs["no call failed"].append(-float(sum("rror" in t[:60] for t in tools)))
        signs["no apology"].append(-float(sum("sorry" in t or "apolog" in t for t in said)))
        signs["ends in success words"].append(
            float(any(w in said[-1] for w in ("success", "has been", "confirmed")))
        )
        reference = json.dumps(row["info"]["task"]["actions"])
        (result,) = judge(made, [sample(reference=reference, tools=calls)])
        if result.status == "scored":
            keep.append(i)
            f1.append(result.value)
            recall.append(float(result.explanation.split()[1].rstrip(",")))
            size.append(-float(len(row["info"]["task"]["actions"])))
    some, names = [reward[i] for i in keep], [groups[i] for i in keep]
    print(f"tool_call_correctness, the {len(keep)} with calls in the reference,"
          f" base rate {np.mean(some):.3f}")  # fmt: skip
    for name, values in (("F1", f1), ("recall", recall), ("few calls in the reference", size)):
        print(line(name, some, values, names))
    print("signs of goal completion, all:")
    for name, values in signs.items():
        print(line(name, reward, values, groups))


def main() -> None:
    """Every table; some minutes on two cores."""
    resources = Resources(Embedder())
    pii()
    language(resources)
    agents(resources)
    citations(resources)
    retrieval(resources)


if __name__ == "__main__":
    main()
