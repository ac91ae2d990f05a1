"""Retrieve, then generate, each step an OpenTelemetry span with OpenInference attributes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from opentelemetry.trace import Span, Tracer

from examples.docs_qa.generator import MODEL, Generator
from examples.docs_qa.passages import Passage
from examples.docs_qa.retriever import Retriever

PROMPT_VERSION = "docs-qa-1"
SYSTEM = "Answer the question in one or two sentences, only from this documentation:\n\n{context}"


@dataclass(frozen=True, slots=True)
class DocsQA:
    tracer: Tracer
    retriever: Retriever
    generator: Generator
    session: str

    def answer(self, question: str) -> str:
        with self.tracer.start_as_current_span("docs_qa") as span:
            self._mark(span, "CHAIN", question)
            documents = self._retrieve(question)
            text = self._generate(question, documents)
            span.set_attribute("output.value", text)
            return text

    def _mark(self, span: Span, kind: str, question: str) -> None:
        span.set_attributes(
            {
                "openinference.span.kind": kind,
                "input.value": question,
                "session.id": self.session,
                "user.id": "docs-reader",
            }
        )

    def _retrieve(self, question: str) -> list[tuple[float, Passage]]:
        with self.tracer.start_as_current_span("retrieve") as span:
            self._mark(span, "RETRIEVER", question)
            found = self.retriever.find(question)
            for n, (score, passage) in enumerate(found):
                prefix = f"retrieval.documents.{n}.document"
                span.set_attributes(
                    {
                        f"{prefix}.id": passage.id,
                        f"{prefix}.content": passage.text,
                        f"{prefix}.score": score,
                        f"{prefix}.metadata": json.dumps({"source": "pydoc"}),
                    }
                )
            return found

    def _generate(self, question: str, documents: list[tuple[float, Passage]]) -> str:
        context = "\n\n".join(passage.text for _, passage in documents)
        messages = [
            {"role": "system", "content": SYSTEM.format(context=context)},
            {"role": "user", "content": question},
        ]
        with self.tracer.start_as_current_span("generate") as span:
            self._mark(span, "LLM", question)
            span.set_attributes(
                {
                    "llm.model_name": MODEL,
                    "llm.provider": "local",
                    "llm.prompt_template.version": PROMPT_VERSION,
                    "llm.invocation_parameters": json.dumps({"temperature": 0}),
                }
            )
            for n, message in enumerate(messages):
                prefix = f"llm.input_messages.{n}.message"
                span.set_attribute(f"{prefix}.role", message["role"])
                span.set_attribute(f"{prefix}.content", message["content"])
            reply = self.generator.reply(messages)
            span.set_attributes(
                {
                    "llm.output_messages.0.message.role": "assistant",
                    "llm.output_messages.0.message.content": reply.text,
                    "llm.token_count.prompt": reply.input_tokens,
                    "llm.token_count.completion": reply.output_tokens,
                    "llm.finish_reason": reply.finish_reason,
                    "output.value": reply.text,
                }
            )
            return reply.text
