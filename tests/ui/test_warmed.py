"""A server loads its pages while nobody has opened one."""

from __future__ import annotations

import subprocess
import sys

STARTED = """
import asyncio, sys
from ui.__main__ import warmed

async def started():
    assert "ui.pages" not in sys.modules, "serving does not wait for them"
    async with warmed(None) as state:
        state["loading"].join(120)
    assert "ui.pages" in sys.modules

asyncio.run(started())
"""


def test_pages_are_loaded_beside_the_start() -> None:
    done = subprocess.run([sys.executable, "-c", STARTED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
