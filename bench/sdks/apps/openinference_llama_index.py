"""OpenInference's instrumentation of LlamaIndex: a query engine over one document."""

# setup
from openinference.instrumentation import using_attributes
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LlamaIndexInstrumentor().instrument(tracer_provider=provider)
# end
import contextlib
import os

from llama_index.core import Document, Settings, VectorStoreIndex
from llama_index.core.llms import ChatMessage
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI

from bench.sdks import planted as p

BASE = {"api_base": os.environ["OPENAI_BASE_URL"], "max_retries": 0}
Settings.llm = OpenAI(model=p.MODEL, system_prompt=p.SYSTEM, **BASE)
Settings.embed_model = OpenAIEmbedding(model=p.EMBEDDING_MODEL, **BASE)
index = VectorStoreIndex.from_documents([Document(text=p.DOCUMENT, metadata={"source": p.SOURCE})])
with using_attributes(session_id=p.SESSION, user_id=p.USER, tags=[p.TAG],
                      prompt_template="{question}", prompt_template_version=p.PROMPT_VERSION):  # fmt: skip
    assert p.ANSWER in str(index.as_query_engine().query(p.QUESTION))
    for part in Settings.llm.stream_chat([ChatMessage(role="user", content=p.QUESTION)]):
        last = part
    with contextlib.suppress(Exception):
        OpenAI(model=p.MODEL, additional_kwargs={"model": p.BROKEN_MODEL}, **BASE).chat(
            [ChatMessage(role="user", content=p.QUESTION)]
        )
provider.shutdown()
