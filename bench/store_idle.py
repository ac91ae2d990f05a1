"""What an idle embedded store costs: `python -m bench.store_idle --seconds 60`.

A fresh store is started and left alone after its migrations; then its CPU time, memory and folder
are compared before and after. On Linux only: the figures come from /proc.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from bench.store_conformance import free_port, start


def cpu_seconds(pid: int) -> float:
    """User and system time of a process (proc(5), stat fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store = start(home, free_port())
        time.sleep(5)  # what the start left to do in the background is not idling
        cpu, size, begin = cpu_seconds(store.pid), folder_bytes(home), time.monotonic()
        time.sleep(given.seconds)
        spent = (cpu_seconds(store.pid) - cpu) / (time.monotonic() - begin)
        grown = folder_bytes(home) - size
        status = Path(f"/proc/{store.pid}/status").read_text()
        resident = next(x.split()[1] for x in status.splitlines() if x.startswith("VmRSS"))
        store.terminate()
        store.wait(20)
    print(
        f"{100 * spent:.2f}% of a core over {given.seconds:.0f} s,"
        f" {int(resident) // 1024} MiB resident, folder grew by {grown} bytes"
    )


if __name__ == "__main__":
    main()
