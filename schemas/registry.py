"""The registry of extensions: built-ins and plug-ins come in through the same door.

A kind is 'convention', 'evaluator', 'detector', 'sink' or 'format'. A module calls
`register(kind, name)` as a decorator; `load` imports a folder of built-ins and every
`assay.plugins` entry point.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, TypeVar

T = TypeVar("T")
_MARK = "__assay_extension__"


def register(kind: str, name: str) -> Callable[[T], T]:
    """Mark a class or function as the extension `name` of `kind`."""

    def mark(target: T) -> T:
        setattr(target, _MARK, (kind, name))
        return target

    return mark


def load(kind: str, package: str) -> dict[str, Any]:
    """Every extension of `kind` in the package's modules and in installed plug-ins, by name.

    Raises ValueError when two extensions claim one name.
    """
    root = importlib.import_module(package)
    names = [info.name for info in pkgutil.iter_modules(root.__path__)]
    modules = [importlib.import_module(f"{package}.{name}") for name in names]
    modules += [entry.load() for entry in entry_points(group="assay.plugins")]
    found: dict[str, Any] = {}
    for module in modules:
        for value in vars(module).values():
            mark = getattr(value, _MARK, None)
            if mark is None or mark[0] != kind or value is found.get(mark[1]):
                continue
            if mark[1] in found:
                raise ValueError(f"two {kind} extensions are named {mark[1]!r}")
            found[mark[1]] = value
    return dict(sorted(found.items()))
