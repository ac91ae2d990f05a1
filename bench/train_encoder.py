"""Train the groundedness encoder: `ASSAY_BENCH_DATA=... python -m bench.train_encoder STATE`; the
weights are packed for shipping at the end.

Trained on SNLI and on pairs made by rule from Wikipedia and news text (bench/pairs.py); no row of
BEGIN, WiCE, Factcheck-GPT or FEVER-symmetric, so that these four measure what transfers.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from bench.data import SEED, is_test, overlap, rows
from bench.idf import load
from bench.pairs import Pair, balanced, made, of_rows, put, swap
from evaluators.evidence import documents, evidence, split
from evaluators.grounding import statement
from evaluators.judges.encoder import WEIGHTS, checksum, packed
from evaluators.judges.network import Network
from evaluators.judges.pieces import Pieces, Reader

RATE = 1e-4  # of the layers; the heads learn five times as fast
BUDGETS = (15, 30, 50)  # words of evidence, drawn for each pair
PIECES = 2048  # of a batch
PIECE_WEIGHT = 0.3  # of the loss on single word pieces


def trimmed(pairs: list[Pair], idf: dict[str, float], draw: random.Random) -> list[Pair]:
    """Each context cut to its evidence, as it is when the model is used."""
    out = []
    for p in pairs:
        budget = draw.choice(BUDGETS)
        kept = evidence(p.claim, documents([p.context]).passages, idf, budget)
        text = " ".join(k.text for k in kept)
        out.append(Pair(text, p.claim, p.label, p.family, p.spoiled))
    return out


def of_answers(wanted: int, names: list[str], draw: random.Random) -> list[Pair]:
    """Right answers of HaluEval QA after their question, and the same with another name, number
    or kind in their place. HaluEval's own wrong answers are not read."""
    out: list[Pair] = []
    for row in rows("halueval_qa"):
        if row["label"] == 0 or is_test(row) or len(row["claim"].split()) > 6:
            continue
        found = swap(f"A {row['claim']}", row["context"], names, draw)
        if not found or found[0] in row["question"] or found[1] in row["question"]:
            continue
        context, claim = row["context"], row["claim"]
        wrong = put(claim, *found)
        right, bad = statement(row["question"], claim), statement(row["question"], wrong)
        turned = put(context, *found)
        out += [Pair(context, right, 1, "answer"), Pair(context, bad, 0, "answer", found[1])]
        if draw.random() < 0.5:
            out += [Pair(turned, bad, 1, "answer"), Pair(turned, right, 0, "answer", claim)]
        if len(out) >= wanted:
            break
    return out


def of_news(wanted: int, names: list[str], draw: random.Random) -> list[Pair]:
    """Sentences of right summaries, and the same broken by rule."""
    out: list[Pair] = []
    for row in rows("halueval_summarization"):
        if row["label"] == 0 or is_test(row):
            continue
        for claim in split(row["claim"]):
            found = swap(claim, row["context"], names, draw)
            if found and 5 <= len(claim.split()) <= 30:
                old, new = found
                wrong, turned = put(claim, old, new), put(row["context"], old, new)
                out += [Pair(row["context"], claim, 1, "news"), Pair(turned, wrong, 1, "news")]
                out += [Pair(row["context"], wrong, 0, "news", new)]
                out += [Pair(turned, claim, 0, "news", old)]
        if len(out) >= wanted:
            break
    return out


def mixture(idf: dict[str, float]) -> list[Pair]:
    """17,000 pairs. Three families (evidence removed, another's context, two facts merged) are
    taken as they come, since what makes them wrong is that words are missing; in all others
    overlap and length are balanced between the labels."""
    draw = random.Random(SEED)
    contexts = sorted({r["context"] for r in rows("halueval_qa") if not is_test(r)})
    draw.shuffle(contexts)
    names = sorted(
        {n for c in contexts[:400] for n in c.split() if n[:1].isupper() and n.isalpha()}
    )
    rule = trimmed(made(contexts, SEED, 28000), idf, draw)
    far = [p for p in rule if p.family in ("remove", "other", "merge")]
    draw.shuffle(far)
    out = balanced(rule, SEED)[:6500] + far[:1200]
    out += balanced(of_rows(rows("snli"), "snli"), SEED)[:7000]
    out += balanced(trimmed(of_answers(4000, names, draw), idf, draw), SEED)[:1000]
    out += balanced(trimmed(of_news(4000, names, draw), idf, draw), SEED)[:1500]
    draw.shuffle(out)
    return out


def piece_targets(pairs: list[Pair], tokens: list[Pieces], reader: Reader) -> list[list[float]]:
    """Per word piece of the claim: 1 supported, 0 spoiled, -1 unknown."""
    out = []
    for pair, one in zip(pairs, tokens, strict=True):
        size = len(one.ids) - 1 - one.start
        if pair.label:
            out.append([1.0] * size)
        elif pair.spoiled and pair.spoiled in pair.claim:
            at = pair.claim.rindex(pair.spoiled)
            end = at + len(pair.spoiled)
            spans = reader.offsets(pair.claim)
            out.append([0.0 if a < end and b > at else 1.0 for a, b in spans][:size])
        else:
            out.append([-1.0] * size)
    return out


def pack(net: Network, out: Path) -> None:
    """What was trained, as int8, with the checksum of the word embeddings below it."""
    state = {n: p.detach() for n, p in net.named_parameters() if p.requires_grad}
    embeddings = net.bert.embeddings.word_embeddings.weight
    save_file(packed(state), out, metadata={"word_embeddings": checksum(embeddings)})


def train(net: Network, pairs: list[Pair], rate: float, out: Path, epochs: int = 1) -> None:
    """One pass in batches of pairs of like length, AdamW, linear warm-up and decay."""
    torch.manual_seed(SEED)
    draw = random.Random(SEED)
    reader = Reader()
    tokens = reader.pairs([(p.context, p.claim) for p in pairs])
    targets = piece_targets(pairs, tokens, reader)
    parts: list[list[int]] = []
    for _ in range(epochs):
        order = list(range(len(pairs)))
        draw.shuffle(order)
        mine: list[list[int]] = []
        for start in range(0, len(order), 1024):  # like lengths, yet mixed batches
            block = sorted(order[start : start + 1024], key=lambda i: len(tokens[i].ids))
            at = 0
            while at < len(block):
                end = at + 1
                while end < len(block) and (end - at + 1) * len(tokens[block[end]].ids) <= PIECES:
                    end += 1
                mine.append(block[at:end])
                at = end
        draw.shuffle(mine)
        parts += mine
    head = [*net.head.parameters(), *net.piece.parameters(), *net.mark.parameters()]
    body = [p for p in net.bert.parameters() if p.requires_grad]
    groups = [{"params": body, "lr": rate}, {"params": head, "lr": 5 * rate}]
    optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=0.01, fused=True)
    warm = max(1, len(parts) // 12)
    plan = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda s: min(1, (s + 1) / warm, max(0.02, (len(parts) - s) / (0.6 * len(parts)))),
    )
    net.train()
    begun, seen, losses, right = time.time(), 0, [], []
    for step, part in enumerate(parts):
        logit, piece, claim = net([tokens[i] for i in part])
        y = torch.tensor([float(pairs[i].label) for i in part])
        goal = torch.full(claim.shape, -1.0)
        for row, i in enumerate(part):
            goal[row, tokens[i].start : tokens[i].start + len(targets[i])] = torch.tensor(
                targets[i]
            )
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logit, y)
        known = claim & (goal >= 0)
        if known.any():
            loss = loss + PIECE_WEIGHT * torch.nn.functional.binary_cross_entropy_with_logits(
                piece[known], goal[known]
            )
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([*body, *head], 1.0)
        optimizer.step()
        optimizer.zero_grad()
        plan.step()
        seen += len(part)
        losses.append(loss.item())
        right += ((logit > 0) == (y > 0.5)).tolist()
        if step % 100 == 99:
            torch.save(net.state_dict(), out)
        if step % 25 == 24:
            print(
                f"step {step + 1}/{len(parts)} loss {np.mean(losses[-25:]):.3f} accuracy "
                f"{np.mean(right[-1000:]):.3f} {seen / (time.time() - begun):.1f} pairs/s",
                flush=True,
            )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path)
    asked = options.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    net = Network()
    pairs = mixture(load())
    y = np.array([p.label for p in pairs])
    for name in sorted({p.family for p in pairs}):
        cell = np.array([p.family == name for p in pairs])
        share = np.mean([overlap(p.claim, p.context) for p in pairs if p.family == name])
        print(f"{name:18s} n={cell.sum():5d} supported {y[cell].mean():.3f} overlap {share:.3f}")
    train(net, pairs, RATE, asked.out)
    torch.save(net.state_dict(), asked.out)
    pack(net, WEIGHTS)


if __name__ == "__main__":
    main()
