"""The torch judge: prompts by the model's template, cut texts, several devices, versions."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from evaluators.judges import loading
from evaluators.judges.engine import Engine
from evaluators.judges.labels import spellings
from evaluators.judges.question import Part, Question
from evaluators.judges.torch_lm import Setup, TorchJudge
from tests.evaluators.judges import tiny

LABELS = (("yes", 1.0), ("partly", 0.5), ("no", 0.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def judge(folder: Path) -> TorchJudge:
    return TorchJudge(folder, "tiny", Setup("cpu", tokens=900))


@pytest.fixture(autouse=True)
def no_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights put little mass on any label."""
    monkeypatch.setattr("evaluators.judges.verdict.MASS_FLOOR", 0.0)


def asked(number: int = 0, context: str = "The tower stands in Paris. ", **more: bool) -> Question:
    parts = (Part("documents", context, elastic=True), Part("answer", f"In Paris {number}."))
    return Question("You judge texts. " * 3, parts, "Is it so?", LABELS, **more)  # type: ignore[arg-type]


def test_a_verdict_does_not_depend_on_the_batch_or_its_order(judge: TorchJudge) -> None:
    questions = [asked(n, "The tower stands in Paris. " * (n % 3)) for n in range(5)]
    together = judge.ask(questions)
    backward = judge.ask(questions[::-1])[::-1]
    alone = [judge.ask([question])[0] for question in questions]
    for a, b, c in zip(together, backward, alone, strict=True):
        assert a.status == "scored"
        assert a.value == pytest.approx(b.value, abs=1e-4)
        assert a.value == pytest.approx(c.value, abs=1e-4)
    assert len({result.value for result in together}) > 1


def test_two_devices_give_the_verdicts_of_one(folder: Path, judge: TorchJudge) -> None:
    questions = [asked(n) for n in range(7)]
    two = TorchJudge(folder, "tiny", Setup("cpu, cpu", tokens=900))
    assert [r.value for r in two.ask(questions)] == pytest.approx(
        [r.value for r in judge.ask(questions)], abs=1e-4
    )
    assert len(two._loaded[1]) == 2


def test_the_context_is_cut_and_the_answer_is_kept(judge: TorchJudge) -> None:
    question = asked(3, "x y z " * 2000)
    prompt, note = judge._prompt(question)
    assert len(prompt) <= 900
    assert "documents cut from" in note and "answer" not in note
    assert "In Paris 3." in judge._loaded[0].decode(prompt)
    (result,) = judge.ask([question])
    assert "documents cut from" in result.explanation


def test_a_template_without_a_system_role_gets_one_turn(folder: Path) -> None:
    judge = TorchJudge(folder, "tiny", Setup("cpu", tokens=900))
    judge._loaded[0].chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{% for m in messages %}<|im_start|>{{ m['role'] }} {{ m['content'] }}{% endfor %}"
    )
    assert judge._chat("Be strict.", "Judge.") == "<|im_start|>user Be strict.\n\nJudge."
    judge._loaded[0].chat_template = None
    assert judge._chat("Be strict.", "Judge.") == "Be strict.\n\nJudge.\n\nReply:"


def test_questions_about_one_sample_share_its_tokens(
    judge: TorchJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = asked(1, "A" * 200, sample_first=True), asked(2, "B" * 200, sample_first=True)
    shared: list[int] = []
    whole = Engine._prefix

    def seen(self: Engine, tokens: list[int]) -> object:
        shared.append(len(tokens))
        return whole(self, tokens)

    monkeypatch.setattr(Engine, "_prefix", seen)
    others = [
        Question("By other criteria.", q.parts, q.ask, LABELS, (), True) for q in (one, other)
    ]
    judge.ask([one, other, *others])
    assert len(shared) == 2 and min(shared) > 200


def test_spellings_are_those_behind_the_template() -> None:
    tokenizer = tiny.tokenizer()
    found = spellings(tokenizer, ("Yes", "10", "1"), "<|im_start|>assistant\n")
    said = {tokenizer.decode(list(sequence)): name for sequence, name in found.items()}
    assert said["Yes"] == said[" Yes"] == said["YES"] == said[" yes"] == "Yes"
    assert said["10"] == "10" and said[" 1"] == "1"
    assert any(len(sequence) > 1 for sequence in found)


def test_the_prior_is_divided_out(judge: TorchJudge) -> None:
    question = asked(5)
    plain = judge.leanings([question])[0]
    assert plain is not None
    freed = Question(question.system, question.parts, question.ask, LABELS, tuple(plain))
    (result,) = judge.ask([freed])
    assert result.value == pytest.approx(0.5, abs=0.01)
    assert "prior" in result.explanation


def test_dtype_device_and_weights_belong_to_the_version(folder: Path, tmp_path: Path) -> None:
    exact = TorchJudge(folder, "tiny", Setup("cpu")).spec
    assert (exact["dtype"], exact["backend"]) == ("float32", "cpu sdpa")
    assert TorchJudge(folder, "tiny", Setup("cpu", "bfloat16")).spec != exact
    other = tiny.save(tmp_path)
    assert loading.fingerprint(other) == exact["weights"]
    torch.manual_seed(1)
    tiny.model(rms_norm_eps=1e-3).save_pretrained(other)
    loading.fingerprint.cache_clear()
    assert loading.fingerprint(other) != exact["weights"]


def test_a_name_that_is_not_here_is_told_and_not_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr("socket.socket.connect", refuse)
    with pytest.raises(ValueError, match="hf download some-org/no-such-model"):
        loading.resolve("some-org/no-such-model")
    with pytest.raises(ValueError, match="there is no /no/such/folder here"):
        loading.resolve("/no/such/folder here")
    assert loading.resolve(str(tmp_path)) == tmp_path


def test_devices_are_those_that_are_named() -> None:
    assert loading.devices("cuda:0, cuda:1") == ("cuda:0", "cuda:1")
    assert loading.precision("auto", ("cuda:0",)) == "bfloat16"
    assert loading.precision("auto", ("cpu",)) == "float32"


@pytest.mark.slow
def test_the_packaged_model_agrees_with_itself_whatever_the_batch(packaged_model: Path) -> None:
    assert loading.packaged() == packaged_model
    judge = TorchJudge(packaged_model, setup=Setup("cpu"))
    questions = [asked(n, "The tower stands in Paris, France. " * n) for n in range(4)]
    together, alone = judge.leanings(questions), [judge.leanings([q])[0] for q in questions]
    for one, other in zip(together, alone, strict=True):
        assert one is not None and other is not None
        assert one == pytest.approx(other, abs=1e-4)
        assert math.isclose(sum(one), 1)
