"""Judges and rubrics as plain checked data; `evaluators` carries them out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from schemas.evaluation import LEVELS

BACKENDS = ("openai", "torch", "jury")
DTYPES = ("auto", "float32", "bfloat16", "float16")
MODES = ("auto", "logprobs", "schema", "text")
FIELDS = ("question", "context", "answer", "reference")
FIRSTS = ("criteria", "sample")
LOCAL = "torch"  # the judge that needs no policy
LONGEST = 20_000  # characters of criteria
_NAME = re.compile(r"(?:rubrics\.|control rubric )[a-z][a-z0-9_]{0,63}$")
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?|mps")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,127}")
_YAML = {True: "yes", False: "no"}  # what YAML 1.1 makes of these two labels


@dataclass(frozen=True, slots=True)
class JudgePolicy:
    """A model that judges. `key` names an environment variable, it is never the key itself;
    `timeout` and `patience` in seconds (of one request, of a call with its retries); `budget_usd`
    a day (UTC); `price` in US dollars per million tokens in and out. Of a local model: `device`
    (auto, cpu, cuda, or several with commas), `dtype`, `compile` and `download` (fetch a model that
    is named and not in the local cache). `members`: the judges of a jury."""

    backend: str = "openai"
    url: str = ""
    model: str = ""
    key: str = ""
    mode: str = "auto"
    concurrency: int = 8
    timeout: float = 60.0
    patience: float = 180.0
    budget_usd: float | None = None
    price: tuple[float, float] | None = None
    max_input_chars: int = 60_000
    max_reply_tokens: int = 1024
    device: str = "auto"
    dtype: str = "auto"
    compile: bool = False
    download: bool = False
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RubricPolicy:
    """A question that a judge answers by one of `labels`, each worth a value in [0, 1]. `prior`:
    the judge's mean probability of each label over a frozen set, which is divided out. `first`:
    what a prompt begins with, and so what prompts share: the criteria, or the sample."""

    criteria: str = ""
    labels: tuple[tuple[str, float], ...] = (("yes", 1.0), ("no", 0.0))
    needs: tuple[str, ...] = ("question", "answer")
    steps: tuple[str, ...] = ()
    level: str = "trace"
    sample: float = 1.0
    judge: str = "default"
    enabled: bool = True
    prior: tuple[float, ...] = ()
    first: str = "criteria"


def judge(given: Mapping[str, Any], place: str) -> JudgePolicy:
    """A checked judge. Raises ValueError that names `place`, and never quotes a key."""
    made: dict[str, Any] = dict(given)
    _known(given, JudgePolicy, place)
    for name in ("url", "model", "key", "device"):
        if not isinstance(given.get(name, ""), str):
            raise ValueError(f"{place}.{name} must be a text")
    for name, among in (("backend", BACKENDS), ("mode", MODES), ("dtype", DTYPES)):
        if given.get(name, among[0]) not in among:
            raise ValueError(f"{place}.{name}: {given[name]!r} must be one of {', '.join(among)}")
    for name in ("compile", "download"):
        if not isinstance(given.get(name, False), bool):
            raise ValueError(f"{place}.{name}: {given[name]!r} must be true or false")
    if not all(_DEVICE.fullmatch(each.strip()) for each in made.get("device", "auto").split(",")):
        raise ValueError(
            f"{place}.device: {given['device']!r} must be auto, cpu, cuda or cuda:0, ..."
        )
    if made.get("backend") == "jury" or made.get("members"):
        made["members"] = _members(made, place)
    else:
        made.pop("members", None)
    if made.get("key") and not _VARIABLE.fullmatch(made["key"]):
        raise ValueError(f"{place}.key must be the name of an environment variable, not a key")
    if made.get("backend", "openai") == "openai":
        parts = urlsplit(made.get("url", ""))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{place}.url must be an address like https://api.openai.com/v1")
        if parts.username or parts.password:
            raise ValueError(f"{place}.url must not hold a user or a password: use `key`")
        if not made.get("model"):
            raise ValueError(f"{place}.model must name the model that judges")
    for name, low, high in (("concurrency", 1, 256), ("max_input_chars", 500, 4_000_000),
                            ("max_reply_tokens", 16, 100_000)):  # fmt: skip
        if name in made:
            made[name] = int(_number(made[name], f"{place}.{name}", low, high))
    for name in ("timeout", "patience"):
        if name in made:
            made[name] = _number(made[name], f"{place}.{name}", 0.05, 3600)
    if made.get("budget_usd") is not None:
        made["budget_usd"] = _number(made["budget_usd"], f"{place}.budget_usd", 0, 1e6)
    if made.get("price") is not None:
        made["price"] = _price(made["price"], f"{place}.price")
    return JudgePolicy(**made)


def _members(made: Mapping[str, Any], place: str) -> tuple[str, ...]:
    """Two judges or more; they are looked up when the jury is made."""
    given = made.get("members", ())
    named = isinstance(given, list | tuple) and all(isinstance(each, str) for each in given)
    if made.get("backend") != "jury" or not named or len(set(given)) < 2:
        raise ValueError(
            f"{place}.members must name two judges or more, of a judge of backend jury"
        )
    return tuple(dict.fromkeys(given))


def _price(given: Any, place: str) -> tuple[float, float]:
    if isinstance(given, dict) and set(given) == {"input", "output"}:
        given = [given["input"], given["output"]]
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise ValueError(f"{place} must be {{input: X, output: Y}}, dollars per million tokens")
    low, high = (_number(each, place, 0, 1e5) for each in given)
    return low, high


def rubric(given: Mapping[str, Any], place: str, folder: Path | None = None) -> RubricPolicy:
    """A checked rubric. `criteria_file` is read beside the configuration file, in `folder`; `scale:
    [1, 5]` stands for five labels. Raises ValueError that names `place`."""
    made: dict[str, Any] = dict(given)
    if not _NAME.search(place):
        raise ValueError(f"{place}: a rubric's name is made of a-z, 0-9 and _")
    if "criteria_file" in made:
        made["criteria"] = _read(made.pop("criteria_file"), place, folder)
    if "scale" in made:
        if "labels" in made:
            raise ValueError(f"{place}: give labels or a scale, not both")
        made["labels"] = _scale(made.pop("scale"), f"{place}.scale")
    _known(made, RubricPolicy, place)
    criteria = made.get("criteria")
    if not isinstance(criteria, str) or not 0 < len(criteria.strip()) <= LONGEST:
        raise ValueError(f"{place}.criteria must be a text of at most {LONGEST} characters")
    if "labels" in made:
        made["labels"] = _labels(made["labels"], f"{place}.labels")
    for name in ("needs", "steps"):
        value = made.get(name, ["answer"])
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            raise ValueError(f"{place}.{name} must be a list of texts")
        if name in made:
            made[name] = tuple(value)
    if made.get("prior"):
        made["prior"] = _prior(made["prior"], made.get("labels", RubricPolicy().labels), place)
    else:
        made.pop("prior", None)
    unknown = [each for each in made.get("needs", ()) if each not in FIELDS]
    if unknown or not made.get("needs", ("answer",)):
        raise ValueError(f"{place}.needs: {unknown} must be some of {', '.join(FIELDS)}")
    if made.get("level", "trace") not in LEVELS:
        raise ValueError(f"{place}.level: {made['level']!r} must be one of {', '.join(LEVELS)}")
    if made.get("first", FIRSTS[0]) not in FIRSTS:
        raise ValueError(f"{place}.first: {made['first']!r} must be one of {', '.join(FIRSTS)}")
    if "sample" in made:
        made["sample"] = _number(made["sample"], f"{place}.sample", 0, 1)
    if not isinstance(made.get("judge", ""), str) or not isinstance(
        made.get("enabled", True), bool
    ):
        raise ValueError(f"{place}: judge must name a judge, enabled be true or false")
    return RubricPolicy(**made)


def _read(name: Any, place: str, folder: Path | None) -> str:
    if folder is None or not isinstance(name, str):
        raise ValueError(f"{place}.criteria_file must name a file beside the configuration file")
    try:
        return (folder / name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{place}.criteria_file: {folder / name} cannot be read: {error}"
        ) from None


def _scale(given: Any, place: str) -> list[tuple[str, float]]:
    whole = isinstance(given, list) and len(given) == 2 and all(type(v) is int for v in given)
    if not whole or not 0 <= given[0] < given[1] <= 100 or given[1] - given[0] > 20:
        raise ValueError(f"{place}: {given!r} must be two whole numbers like [1, 5]")
    low, high = given
    return [(str(each), (each - low) / (high - low)) for each in range(low, high + 1)]


def _labels(given: Any, place: str) -> tuple[tuple[str, float], ...]:
    pairs = list(given.items()) if isinstance(given, dict) else given
    if not isinstance(pairs, list) or not 2 <= len(pairs) <= 26:
        raise ValueError(f"{place} must map 2 to 26 labels to numbers from 0 to 1")
    made = []
    for pair in pairs:
        name, value = pair
        name = _YAML[name] if isinstance(name, bool) else str(name).strip()
        if not re.fullmatch(r"\w[\w -]{0,39}", name):
            raise ValueError(f"{place}: {name!r} must be letters and digits, at most 40")
        made.append((name, _number(value, f"{place}.{name}", 0, 1)))
    if len({name.casefold() for name, _ in made}) < len(made):
        raise ValueError(f"{place}: two labels differ in nothing but case")
    if len({value for _, value in made}) < 2:
        raise ValueError(f"{place}: all labels are worth the same")
    return tuple(made)


def _prior(given: Any, labels: Any, place: str) -> tuple[float, ...]:
    """Numbers in the order of the labels, from a mapping of label to number or from a list."""
    names = [name for name, _ in labels]
    if isinstance(given, dict):
        plain = {_YAML[k] if isinstance(k, bool) else str(k): value for k, value in given.items()}
        if set(plain) != set(names):
            raise ValueError(f"{place}.prior must give a number for each of {', '.join(names)}")
        given = [plain[name] for name in names]
    if not isinstance(given, list | tuple) or len(given) != len(names):
        raise ValueError(f"{place}.prior must have {len(names)} numbers")
    made = tuple(_number(each, f"{place}.prior", 0, 1) for each in given)
    if abs(sum(made) - 1) > 0.01:
        raise ValueError(f"{place}.prior: the numbers must add up to 1")
    return made


def _known(given: Mapping[str, Any], model: type[Any], place: str) -> None:
    known = list(model.__dataclass_fields__)
    for name in given:
        if name not in known:
            raise ValueError(f"{place}.{name} is not known; there are: {', '.join(known)}")


def _number(value: Any, place: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{place}: {value!r} must be a number from {low:g} to {high:g}")
    return float(value)
