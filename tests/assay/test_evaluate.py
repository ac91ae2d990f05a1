"""`assay eval` gives every row back in order, goes on after bad ones, and gates on bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.assay.shell import Done, assay
from tests.evaluators.judges import tiny

GOOD = {
    "question": "Where?",
    "context": ["The tower stands in Paris."],
    "answer": "It is in Paris.",
}


def run(*words: str, stdin: bytes = b"", **more: str) -> Done:
    return assay("eval", *words, stdin=stdin, **more)


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def test_every_row_comes_back_in_order_and_bad_ones_say_why(tmp_path: Path) -> None:
    source, target = tmp_path / "rows.jsonl", tmp_path / "scores.jsonl"
    claim = {"id": "c", "context": "Rain fell on Oslo.", "claim": "Rain fell on Oslo.", "label": 0}
    bad = lines({"answer": 3}, ["a"], {"answer": "x", "context": [1]}, {"context": "no answer"})
    source.write_bytes(lines(GOOD) + b"not json\n\n" + b'{"answer": "\xff"}\n' + bad + lines(claim))
    done = run("groundedness", "--input", str(source), "--output", str(target))
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in target.read_text().splitlines()]
    assert [row["status"] for row in found] == [
        "scored", "error", "error", "error", "error", "error", "unscored", "scored",
    ]  # fmt: skip
    assert [row["reason"][:24] for row in found[1:7]] == [
        "not JSON: Expecting valu", "not UTF-8", "answer is not a text", "not a JSON object",
        "context is neither a tex", "no answer",
    ]  # fmt: skip
    assert found[1]["line"] == 2 and found[1]["score"] is None and found[1]["label"] is None
    assert found[0]["answer"] == GOOD["answer"] and 0 <= found[0]["score"] <= 1
    assert found[7]["input_label"] == 0 and isinstance(found[7]["label"], str)
    assert b"8/8" in done.stderr  # the progress bar
    assert b"2 scored, 1 unscored, 5 error" in done.stderr


def test_rows_come_from_stdin_and_go_to_stdout() -> None:
    done = run("refusal", stdin=lines({"answer": "I cannot help with that."}, {"answer": "Paris."}))
    assert [json.loads(line)["label"] for line in done.stdout.splitlines()] == ["yes", "no"]


@pytest.mark.parametrize(
    ("answers", "threshold", "status"),
    [
        (["I cannot help with that."] * 100, "0.9", 0),
        (["Paris."] * 100, "0.1", 1),
        (["I cannot help with that.", "Paris."] * 50, "0.5", 2),
        (["I cannot help with that."] * 5, "0.1", 2),
        ([7] * 60 + ["I cannot help with that."] * 60, "0.5", 2),
    ],
    ids=["passes", "fails", "interval holds the threshold", "too few rows", "half are errors"],
)
def test_the_gate_looks_at_the_bounds(answers: list[Any], threshold: str, status: int) -> None:
    rows = lines(*({"answer": answer} for answer in answers))
    assert run("refusal", "--fail-under", threshold, stdin=rows).returncode == status


def test_rows_of_one_group_count_as_one() -> None:
    rows = lines(*({"answer": "I cannot help with that.", "group": "g"} for _ in range(100)))
    done = run("refusal", "--fail-under", "0.5", stdin=rows)
    assert done.returncode == 2 and b"1 independent rows" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("refusal", "--input", "/nowhere/rows.jsonl"), "/nowhere/rows.jsonl: No such file"),
        (("groundednes",), "no evaluator is named 'groundednes'; there are: answer_correctness, "),
        ((), "which?; there are: "),
        (("refusal", "--fail-under", "80"), "a number from 0 to 1"),
        (("refusal", "--input", "a", "--output", "a"), "would overwrite"),
    ],
)
def test_a_run_that_cannot_be_made_says_why(words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.returncode == 3
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_the_list_names_evaluators_and_needs() -> None:
    said = run("--list").stdout.decode()
    assert "groundedness" in said and "needs answer, documents" in said


def test_a_prior_is_measured_on_rows_and_changes_the_version(tmp_path: Path) -> None:
    model = tiny.save(tmp_path / "model")
    file = tmp_path / "assay.yaml"
    rubric = {"criteria": "It is so.", "labels": {"good": 1, "bad": 0}, "judge": "mine"}
    judge = {"backend": "torch", "model": str(model), "device": "cpu"}

    def write() -> None:
        file.write_text(json.dumps({"judges": {"mine": judge}, "rubrics": {"so": rubric}}))

    write()
    rows = lines(GOOD, {**GOOD, "answer": "It is in Oslo."})
    environment = {"ASSAY_CONFIG": str(file)}
    first = run("so", "--prior", stdin=rows, **environment)
    assert first.returncode == 0, first.stderr
    told = yaml.safe_load(first.stdout)["prior"]
    assert set(told) == {"good", "bad"} and sum(told.values()) == pytest.approx(1, abs=1e-3)
    before = json.loads(run("so", stdin=lines(GOOD), **environment).stdout)
    rubric["prior"] = told
    write()
    after = json.loads(run("so", stdin=lines(GOOD), **environment).stdout)
    assert after["evaluator_version"] != before["evaluator_version"]
    refused = run("refusal", "--prior", stdin=rows)
    assert refused.returncode == 3 and b"rubric whose judge is a local model" in refused.stderr
