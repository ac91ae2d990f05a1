"""What redaction costs a span, and what it finds: `python -m bench.redact [--data PATH]`.

Cost: the benchmark's requests (bench/payload.py), decoded once and redacted in one thread; against
decoding alone, which is the rest of the way to the spool but for the fsync. Precision counts
a match as right where it overlaps a labelled span of the type; recall: a span with a match.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.payload import bodies
from collector.redact.request import redact
from collector.redact.rules import Rule, rules
from collector.redact.text import Redactor

TYPES = {"EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "card",
         "IBAN_CODE": "iban", "IP_ADDRESS": "ip"}  # fmt: skip
SETS = {"default (secrets, card)": ("secrets", "card"), "all rules": tuple(rules())}


def cost(traces: int) -> None:
    """Print spans/s and microseconds a span, the best of five."""
    made = list(bodies(traces, 100))
    spans = sum(body.spans for body in made)

    def timed(chosen: tuple[str, ...] | None) -> tuple[float, Counter[str]]:
        found: Counter[str] = Counter()
        best = float("inf")
        for _ in range(5):
            use = Redactor([r for name, r in rules().items() if name in (chosen or ())])
            start = time.process_time()
            for body in made:
                request = ExportTraceServiceRequest.FromString(body.data)
                for group in request.resource_spans if chosen else ():
                    redact(group, use)
            best, found = min(best, time.process_time() - start), use.counts
        return best, found

    bare, _ = timed(None)
    print(f"decode only: {spans / bare:,.0f} spans/s, {bare / spans * 1e6:.1f} us a span")
    for name, chosen in SETS.items():
        took, counts = timed(chosen)
        print(f"{name}: {spans / took:,.0f} spans/s, {(took - bare) / spans * 1e6:.1f} us more;"
              f" replaced {dict(counts)} in {spans} clean spans")  # fmt: skip


def matches(rule: Rule, text: str) -> list[tuple[int, int]]:
    """Where a rule finds something."""
    return [m.span() for _, p, keep in rule.steps for m in p.finditer(text) if keep(m[0])]


def quality(path: Path) -> None:
    """Print precision and recall per type."""
    hits: dict[str, Counter[str]] = {name: Counter() for name in TYPES.values()}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        for kind, name in TYPES.items():
            labelled = [(s["start_position"], s["end_position"]) for s in row["spans"]
                        if s["entity_type"] == kind]  # fmt: skip
            found = matches(rules()[name], row["full_text"])
            count = hits[name]
            count["found"] += len(found)
            count["there"] += len(labelled)
            count["right"] += sum(any(a < d and c < b for c, d in labelled) for a, b in found)
            count["seen"] += sum(any(a < d and c < b for a, b in found) for c, d in labelled)
    print("| rule | labelled | found | precision | recall |\n|---|---|---|---|---|")
    for name, count in hits.items():
        precision = f"{count['right'] / count['found']:.3f}" if count["found"] else "none found"
        print(f"| {name} | {count['there']} | {count['found']} | {precision}"
              f" | {count['seen'] / count['there']:.3f} |")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=1000)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    cost(given.traces)
    if given.data:
        quality(given.data)
