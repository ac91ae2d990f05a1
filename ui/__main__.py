"""`assay ui`: Streamlit's server with our login before it, usage statistics off."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from schemas.settings import Settings
from ui import login
from ui.gate import Gate, gate

THEME = {"primaryColor": "#3b5bdb"}
DARK = {"primaryColor": "#748ffc"}


@asynccontextmanager
async def warmed(_app: st.App) -> AsyncIterator[dict[str, threading.Thread]]:
    """Load the pages while nobody has opened one: two seconds that the first viewer would wait."""
    loading = threading.Thread(target=importlib.import_module, args=("ui.pages",), daemon=True)
    loading.start()
    yield {"loading": loading}


def app(gate: Gate) -> st.App:
    """Everything that is served."""
    return st.App(
        str(Path(__file__).parent / "app.py"),
        lifespan=warmed,
        routes=login.routes(gate),
        middleware=[Middleware(login.Guard, gate=gate)],
    )


def refusal(gate: Gate) -> str:
    """Why this must not be served, "" where it may: without users on loopback only, unless said
    so. While ClickHouse is away that is not known; then the guard lets nobody in."""
    settings = gate.settings
    if settings.loopback or settings.ui_open or settings.oidc or gate.users() != {}:
        return ""
    return (
        f"ASSAY_HOST={settings.host} can be reached from other machines and there is no user:"
        " `assay user add NAME --role admin` makes one, ASSAY_UI_OPEN=1 serves without"
    )


def options(settings: Settings) -> dict[str, object]:
    return {
        "server.port": settings.ui_port, "server.address": settings.host,
        "server.headless": True, "browser.gatherUsageStats": False,
        "server.fileWatcherType": "none", "client.toolbarMode": "minimal",
        "client.showErrorDetails": "type", "server.disconnectedSessionTTL": 30,
        **{f"theme.light.{name}": value for name, value in THEME.items()},
        **{f"theme.dark.{name}": value for name, value in DARK.items()},
    }  # fmt: skip


def main() -> None:
    """Serve until SIGTERM."""
    found = gate()
    if said := refusal(found):
        sys.exit(f"assay: {said}")
    app(found).run(config=options(found.settings))


if __name__ == "__main__":
    main()
