"""The evaluators that `assay eval` is asked for, with what its command line says of them."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluators import ready
from schemas.control import Control, EvaluatorPolicy
from schemas.judging import LOCAL


def chosen(
    state: Control, arguments: argparse.Namespace, factories: Mapping[str, Any]
) -> tuple[Control, Mapping[str, Any], list[str]]:
    """State and factories with what the command line says of the evaluators that it names (with
    commas between them), and their names. Raises ValueError with a sentence."""
    names = []
    for given in dict.fromkeys(arguments.evaluator.split(",")):
        if given.endswith(".py"):
            maker, name = _from_file(Path(given))
            factories = {**factories, name: maker}
        else:
            state, name = _set(state, arguments, given), given
        names.append(name)
    return state, factories, names


def _set(state: Control, arguments: argparse.Namespace, name: str) -> Control:
    """The state with options and judge of one evaluator."""
    before = state.evaluators.get(name, EvaluatorPolicy())
    options = {**before.options, **dict(option(each) for each in arguments.option or [])}
    judge = arguments.judge or before.judge
    if judge not in {"", LOCAL, *state.judges}:
        raise ValueError(f"there is no judge {judge!r}")
    if name not in ready.names() and not options and not arguments.judge:
        return state
    policy = replace(before, enabled=True, judge=judge, options=options)
    return replace(state, evaluators={**state.evaluators, name: policy})


def option(given: str) -> tuple[str, Any]:
    """NAME=VALUE, the value JSON or else a text; NAME=@FILE reads it from a file."""
    name, is_there, text = given.partition("=")
    if not is_there:
        raise ValueError(f"--option takes NAME=VALUE, not {given!r}")
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"--option {name}: {error}") from None
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text


def _from_file(path: Path) -> tuple[Any, str]:
    """The factory that a Python file registers, and its name; the file is run."""
    spec = importlib.util.spec_from_file_location("assay_own_evaluator", path)
    if spec is None or spec.loader is None or not path.exists():
        raise ValueError(f"there is no {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{path}: {type(error).__name__}: {error}") from error
    found = {
        mark[1]: value
        for value in vars(module).values()
        if (mark := getattr(value, "__assay_extension__", ("", "")))[0] == "evaluator"
        and value.__module__ == spec.name
    }
    if len(found) != 1:
        raise ValueError(f"{path} must register one evaluator, not {len(found)}")
    ((name, maker),) = found.items()
    return maker, name
