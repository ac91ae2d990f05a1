"""The command as a shell would run it, here: to start Python with torch anew takes seconds."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

from assay.__main__ import main


@dataclass(frozen=True, slots=True)
class Done:
    """What `subprocess.run` would tell."""

    returncode: int
    stdout: bytes
    stderr: bytes


@contextmanager
def _environment(more: dict[str, str]) -> Iterator[None]:
    """No proxy, no store: what is not told is not there."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CLICKHOUSE", "ASSAY"))}
    with mock.patch.dict(os.environ, kept | more, clear=True):
        yield


def assay(*words: str, stdin: bytes = b"", **environ: str) -> Done:
    """`assay WORDS`, with these variables."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    given = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    with (
        _environment(environ),
        mock.patch.multiple(sys, argv=["assay", *words], stdin=given, stdout=out, stderr=err),
    ):
        try:
            main()
            code: object = 0
        except SystemExit as end:
            code = end.code
    if isinstance(code, str):
        err.write(code + "\n")
    out.flush()
    err.flush()
    told, said = out.buffer, err.buffer
    assert isinstance(told, io.BytesIO) and isinstance(said, io.BytesIO)
    return Done(
        code if isinstance(code, int) else 1 if code else 0, told.getvalue(), said.getvalue()
    )
