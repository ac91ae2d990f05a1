"""How fast the cheap evaluators work off traces: `python -m bench.online`.

Traces of real size go into a store of their own through the tables (no collector), then each
evaluator that judges all traffic works them off alone, and all of them together with embeddings,
as the process does. Beside it the rate without any evaluator: what looking for work and storing
rows takes. Ratios are within one run; the machine's load is printed. Beside each rate over the
clock stands the worker's own processor time a trace, which a busy machine disturbs less.
"""

from __future__ import annotations

import argparse
import os
import time
import uuid
from collections.abc import Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench import payload
from bench.instance import Instance, running
from collector.normalise import rows
from evaluators import plan, worker
from evaluators.base import Evaluator, Resources, Result, TextEmbedder, scored
from evaluators.embedding import Embedder
from schemas.models import Sample
from schemas.queries import spans
from schemas.registry import load


class Nothing:
    """Reads and stores as any evaluator, and judges nothing: the floor."""

    name, version, level, model, probability = "nothing", "1", "trace", "", 1.0
    needs: tuple[str, ...] = ()

    def evaluate(self, samples: Sequence[Sample]) -> list[Result]:
        return [scored(1.0) for _ in samples]


def fill(instance: Instance, traces: int) -> int:
    """Store traces as one project; the number of spans."""
    conventions = [make() for make in load("convention", "collector.conventions").values()]
    store, count = instance.store(), 0
    for body in payload.bodies(traces, 500):
        whole = ExportTraceServiceRequest.FromString(body.data)
        made = rows(whole, conventions, time.time_ns(), "bench")
        spans.insert_spans(store, made, uuid.uuid4().hex)
        count += len(made)
    return count


def rate(
    instance: Instance, evaluators: Sequence[Evaluator], embedder: TextEmbedder | None, traces: int
) -> tuple[float, str]:
    """Traces a second that are worked off by all of the evaluators, and that in words."""
    store = instance.store()
    begun, busy = time.perf_counter(), time.process_time()
    done, _ = worker.run_once(store, evaluators, embedder, 0)
    took, busy = time.perf_counter() - begun, time.process_time() - busy
    assert done == traces * len(evaluators), (done, traces, len(evaluators))
    told = f"{traces / took:8.1f} traces/s, {1000 * busy / traces:7.1f} ms of processor each"
    return traces / took, told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=3000)
    arguments = parser.parse_args()
    embedder = Embedder()
    built = [e for e in worker.build(Resources(embedder)) if not plan.slow(e)]
    cheap = [e for e in built if not getattr(e, "on_demand", False)]
    embedder.embed(["warm"])
    with running(collector=False) as instance:
        count = fill(instance, arguments.traces)
        time.sleep(0.1)
        n = arguments.traces
        load_1, cores = os.getloadavg()[0], os.cpu_count()
        print(f"{n} traces of {count / n:.1f} spans; {cores} cores, load {load_1:.0f}")
        floor, told = rate(instance, [Nothing()], None, n)
        print(f"{'finding and storing alone':28} {told}", flush=True)
        for evaluator in cheap:
            alone, told = rate(instance, [evaluator], None, n)
            print(f"{evaluator.name:28} {told}, {alone / floor:.2f} of that", flush=True)
        again = [_again(evaluator) for evaluator in cheap]
        together, told = rate(instance, again, embedder, n)
        print(f"{'all of them, embeddings too':28} {told}")
        spans_a_second = together * count / n
        print(f"keeps up with {together:.1f} traces/s = {spans_a_second:.0f} spans/s, one worker")


def _again(evaluator: Evaluator) -> Evaluator:
    """The same under another version, so that its work is due once more."""
    evaluator.version = evaluator.version[::-1]
    return evaluator


if __name__ == "__main__":
    main()
