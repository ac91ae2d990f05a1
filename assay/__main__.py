"""Wiring of the `assay` command; each command imports only the server code that it needs."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from assay.cli import PROCESSES, build_parser

_MODULES = {"store": "schemas.store"}


def main() -> None:
    """Entry point; exits non-zero with one clear line on a known error."""
    arguments = build_parser().parse_args()
    if arguments.command in PROCESSES and not getattr(arguments, "thing", None):
        module = _MODULES.get(arguments.command, arguments.command)
        if getattr(arguments, "workers", 0):
            os.environ["ASSAY_EVALUATOR_WORKERS"] = str(arguments.workers)
        # -P: the safe path, so that an application's own `ui/` or `schemas/` is never imported.
        os.execv(sys.executable, [sys.executable, "-P", "-m", module])
    try:
        from schemas.settings import SettingsError, from_environment
    except ImportError:
        sys.exit("assay: this is the client only; for servers: pip install 'assay-observe[server]'")
    try:
        settings = from_environment()
    except SettingsError as error:
        sys.exit(f"assay: {error}")
    module, _, name = arguments.handler.partition(":")
    handler = getattr(import_module(module), name)
    takes = [arguments] if arguments.takes is None else [
        getattr(arguments, each) for each in arguments.takes
    ]  # fmt: skip
    sys.exit(handler(settings, *takes))


if __name__ == "__main__":
    main()
