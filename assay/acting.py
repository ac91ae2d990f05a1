"""Commands with actions (`assay key create`, `assay user add`) on a connection to the store."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from contextlib import closing

from schemas import clickhouse
from schemas.clickhouse import Store
from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.settings import Settings

Action = Callable[[Store, argparse.Namespace], int]


def act(settings: Settings, arguments: argparse.Namespace, actions: Mapping[str, Action]) -> int:
    """Do what `arguments.action` says; its exit code, 1 with a sentence where it cannot be done."""
    try:
        with closing(clickhouse.connect(settings)) as store:
            return actions[arguments.action](store, arguments)
    except (ControlError, Retryable, Permanent) as error:
        print(f"assay: {error}", file=sys.stderr)
        return 1
