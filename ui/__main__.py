"""`assay ui`: hands over to Streamlit, with usage statistics off."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from schemas.settings import from_environment


def main() -> None:
    """Replace this process by Streamlit; SIGTERM ends it."""
    settings = from_environment()
    script = Path(__file__).parent / "app.py"
    flags = {
        "server.port": settings.ui_port, "server.address": settings.host,
        "server.headless": "true", "browser.gatherUsageStats": "false",
        "server.fileWatcherType": "none", "theme.primaryColor": "#3b5bdb",
        "theme.base": "light", "client.toolbarMode": "minimal",
    }  # fmt: skip
    options = [f"--{name}={value}" for name, value in flags.items()]
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(script), *options]
    os.execv(sys.executable, command)


if __name__ == "__main__":
    main()
