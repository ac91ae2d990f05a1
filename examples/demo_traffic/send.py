"""Send the plan to an OTLP/HTTP endpoint: recorded spans carry their own times.

`python -m examples.demo_traffic.send --endpoint http://127.0.0.1:4318 --seed 1`
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from examples.demo_traffic.plan import make_plan, quiet
from examples.demo_traffic.spans import request

BATCH = 100


def post(url: str, body: bytes) -> None:
    """Send until it is acknowledged; give up with a clear error after a minute."""
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
    deadline = time.monotonic() + 60
    while True:
        try:
            call = urllib.request.Request(url, gzip.compress(body), headers)
            with urllib.request.urlopen(call, timeout=30) as answer:
                if answer.read():
                    sys.exit("the collector rejected spans of the demo")
                return
        except urllib.error.HTTPError as error:
            if error.code not in {429, 502, 503, 504} or time.monotonic() > deadline:
                sys.exit(f"{url} answered {error.code}")
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"{url} does not answer: {error}")
        time.sleep(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", default="http://127.0.0.1:4318")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-regression", action="store_true")
    parser.add_argument("--any", action="store_true", help="the seed may draw healthy traffic")
    parser.add_argument("--traces", type=int, default=1500)
    parser.add_argument("--truth", type=Path, help="write what was injected to this file")
    arguments = parser.parse_args()
    healthy = arguments.no_regression or (arguments.any and quiet(arguments.seed))
    plan = make_plan(arguments.seed, not healthy, time.time_ns(), arguments.traces)
    draw = random.Random()  # ids must differ between runs of one seed
    sent = 0
    for at in range(0, len(plan.traces), BATCH):
        body, count = request(plan.traces[at : at + BATCH], draw)
        post(f"{arguments.endpoint.rstrip('/')}/v1/traces", body.SerializeToString())
        sent += count
    found = plan.regression
    truth = {
        "segment": found.segment if found else {},
        "onset_ns": found.onset_ns if found else 0,
        "onset": datetime.fromtimestamp(found.onset_ns / 1e9, UTC).isoformat() if found else "",
        "rate": found.rate if found else 0.0,
        "traces": len(plan.traces),
        "spans": sent,
    }
    if arguments.truth:
        arguments.truth.write_text(json.dumps(truth))
    print(f"sent {len(plan.traces)} traces, {sent} spans")


if __name__ == "__main__":
    main()
