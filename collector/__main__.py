"""`assay collector`: this process, or one parent with several workers on shared ports."""

from __future__ import annotations

import logging
import os
import sys

from collector.access import of_settings
from collector.pool import run
from collector.serve import serve
from collector.spool import SpoolInUseError
from schemas import clickhouse
from schemas.settings import SettingsError, from_environment


def main() -> None:
    """Serve OTLP until SIGTERM, then drain."""
    try:
        settings = from_environment()
    except SettingsError as error:
        sys.exit(f"collector: {error}")
    logging.basicConfig(level=settings.log_level, stream=sys.stderr)
    clickhouse.without_frames()
    logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)
    worker = os.environ.get("ASSAY_COLLECTOR_WORKER", "")
    if not worker and not settings.loopback:
        access = of_settings(settings)
        access.refresh()
        if access.keyless:
            sys.exit(
                f"collector: ASSAY_HOST={settings.host} lets other machines in, and there is no"
                " key: make one with `assay key create --project P`, or set ASSAY_INGEST_KEY, or"
                " leave ASSAY_HOST at 127.0.0.1"
            )
    if settings.workers > 1 and not worker:
        sys.exit(run(settings))
    try:
        serve(settings, int(worker or 0))
    except SettingsError as error:
        sys.exit(f"collector: {error}")
    except SpoolInUseError as error:
        sys.exit(f"collector: {error}; stop it or set ASSAY_HOME")
    except (OSError, RuntimeError) as error:
        sys.exit(f"collector: cannot listen: {error}")


if __name__ == "__main__":
    main()
