"""Wiring of the `assay` command; each command imports only the server code that it needs."""

from __future__ import annotations

import os
import sys

from assay.cli import PROCESSES, build_parser

_MODULES = {"store": "schemas.store"}


def main() -> None:
    """Entry point; exits non-zero with one clear line on a known error."""
    arguments = build_parser().parse_args()
    if arguments.command in PROCESSES and not getattr(arguments, "thing", None):
        module = _MODULES.get(arguments.command, arguments.command)
        # -P: the safe path, so that an application's own `ui/` or `schemas/` is never imported.
        os.execv(sys.executable, [sys.executable, "-P", "-m", module])
    try:
        from schemas.settings import SettingsError, from_environment
    except ImportError:
        sys.exit("assay: this is the client only; for servers: pip install 'assay-observe[server]'")
    if arguments.command == "eval":
        from assay.evaluate import run as evaluate

        sys.exit(evaluate(arguments))
    try:
        settings = from_environment()
    except SettingsError as error:
        sys.exit(f"assay: {error}")
    if arguments.command == "store":
        from assay.users import change

        sys.exit(change(settings, arguments.action, arguments.project))
    if arguments.command == "up":
        from assay.up import run

        sys.exit(run(settings, without=arguments.without))
    if arguments.command == "demo":
        from assay.demo import run as run_demo

        sys.exit(run_demo(settings, arguments))
    if arguments.command == "migrate":
        from assay.doctor import migrate

        sys.exit(migrate(settings))
    if arguments.command == "apply":
        from assay.control import apply

        sys.exit(apply(settings, arguments.dry_run))
    if arguments.command in {"backup", "restore", "copy"}:
        from assay.transfer import run as transfer

        sys.exit(transfer(settings, arguments.command, arguments.place))
    if arguments.command == "spool":
        from assay import spool

        sys.exit(
            spool.inspect(settings) if arguments.action == "inspect" else spool.requeue(settings)
        )
    if arguments.command == "audit":
        from assay.control import audit

        sys.exit(audit(settings))
    from assay.doctor import examine

    sys.exit(examine(settings))


if __name__ == "__main__":
    main()
